"""Kafka outside the agents: how it is spoken to, topics in the cluster, and the API's producer."""
