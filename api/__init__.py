"""The HTTP surface: thin Starlette handlers over stores and a Kafka producer.

Lives here: the list of routes, request parsing with limits, problem documents. May not live here:
business rules, SQL, or anything that is opened outside ``lifespan``.
"""
