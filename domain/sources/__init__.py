"""Sources: each says, 0-1, how much a title is worth recommending, and from what.

Lives here: one module a kind of source, and their list in ``registry``. May not live here: weights
between sources (``domain.ranking.value_model``), rules and diversity.
"""
