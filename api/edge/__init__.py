"""The HTTP edge: what a connection may do before, and beside, the application.

Lives here: bounds of connections and requests that the server itself lacks, the check of a
request's head, whose address a request comes from, headers of every answer, and which browsers may
read them. Nothing here knows an endpoint, a store or a credential.
"""
