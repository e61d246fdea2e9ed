"""Scoring sources: each one a module that scores titles for a viewer or for another title.

A source holds what it needs about contents by dense title index (see ``domain.slate_index``), and
its scores are 0-1, so that sources can be compared and blended.
"""
