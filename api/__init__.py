"""The query and ingestion API: Starlette over HTTP.

Lives here: one list of routes, thin handlers, parsing with limits, problem documents, the OpenAPI
document, and the server process. May not live here: SQL, Kafka clients (both are in ``infra``),
rules of the domain, or anything of the agents.
"""
