"""Where it travels: the one catalogue of Kafka topics.

Lives here: topic declarations as data (key, schema, partitions, retention, writer, readers) and the
rules that derive names. May not live here: a Kafka client, or a topic name typed anywhere else.
"""
