"""Counts calls in windows: in the memory of one process, or in a Redis that several share.

Lives here: storages and counters. May not live here: who is counted and how many calls are allowed;
that is the API's.
"""
