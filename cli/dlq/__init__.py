"""``media-gateway dlq``: commands on dead letters, one module a concern.

``command``    the commands
``options``    which dead letters: times, topics, partners
``letters``    choose, redrive, discard
``report``     tables, pages and JSON
"""
