"""The catalogue: partner payloads become canonical contents, merged field by field in event time.

Read in this order: ``mappers`` read what a partner sends, ``record`` keeps the state of one partner
record, ``facts`` and ``titles`` say how well two records agree, ``blocking`` finds those worth
comparing, ``grouping`` and ``resolution`` make titles of records, ``canonical`` writes them down.
"""
