"""The house rules as functions: sources in, a list of problems out.

Lives here: what a reviewer would otherwise repeat. May not live here: assertions; the tests next
door hold each function against this repository and against something that breaks its rule.
"""
