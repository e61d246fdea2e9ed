"""The erasure of a user.

``command`` is what a person types, ``run`` follows the mark through all stores, ``receipt`` says
what was found, ``search`` looks for a user everywhere.
"""
