"""``media-gateway evaluate``: how good recommendations are, on real ratings, with no peeking.

Lives here: reading rating sets, the two protocols, baselines, metrics and the report. May not live
here: scoring. What is evaluated is ``domain.ranking``, the code that serves.
"""
