"""Payload mappers, one module a partner's shape: payload -> canonical fields.

A mapper is a pure function of the payload. It returns only what the payload holds, so an update
touches nothing else, and raises ``MappingError`` with the partner's own field name; ``columns`` of
what it returns says which field of the partner became which of ours. What it does not read stays in
the raw event. Every shape may carry ``availability`` in the generic form.

May not live here: what is done with the fields.
"""
