"""``bench fuzz``: input from anybody, of every kind, against a real server on this machine.

Lives here: what is sent, made from a seed and a number, and who sends it. Not a benchmark of speed:
it looks for answers of 500 and above, and for requests without an answer.
"""
