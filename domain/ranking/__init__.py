"""Ranking: what a viewer did, what the stream knows of every title -> scores, reasons, slates.

Lives here: the history that scoring sees, the counts that the stream keeps current, the value model
and its learning, rules and diversity. The agents and the evaluator run these functions and no
others. May not live here: a clock, Kafka, files.
"""
