"""Kafka and Postgres started as child processes on loopback, without Docker, apt or Maven.

Lives here: finding Java and the jars, starting, watching and stopping the two servers. May not live
here: knowledge of topics, migrations, agents or the API.
"""
