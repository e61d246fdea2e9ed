"""``media-gateway operator``: people who run the gateway.

Commands that add or change operators work on the database; those about the session of one operator
speak HTTP to the API, like any other client.
"""
