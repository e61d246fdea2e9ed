"""A user in all stores: where data of users is, how it is found, when the last byte is gone.

``catalogue``  which tables and topics hold data of users: what an erasure has to reach
``words``      one user id as a whole word in any bytes
``tables``     Postgres: rows by user, and a search of every column of every table
``topics``     Kafka: a search of every record, and what still holds those that were found
``files``      raw files of the embedded broker, which hold what no consumer sees any more
``retention``  the limits after which Kafka has removed a record
"""
