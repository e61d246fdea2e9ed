"""Kafka outside the agents: topics in the cluster, and the producer of the API."""
