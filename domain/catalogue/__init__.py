"""The catalogue: partner payloads become canonical contents, merged field by field in event time.

``mappers`` reads what a partner sends, ``identity`` decides which title it is, ``merge`` keeps the
state of one title, ``genres`` knows the 18 canonical genres.
"""
