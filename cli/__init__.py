"""The ``media-gateway`` command: composition and conversation with a person.

Lives here: one module per command group, progress bars, help texts. May not live here: logic that
another entry point would need too.
"""
