"""Payload mappers, one module a partner's shape: payload -> canonical fields.

A mapper is a pure function of the payload. It returns only what the payload holds, so an update
touches nothing else, and refuses a value with ``refusal``, by the partner's own field name;
``names`` of what it returns are the partner's names for later checks. What it does not read stays
in the raw event. Every shape may carry ``availability`` in the generic form.

May not live here: what is done with the fields.
"""
