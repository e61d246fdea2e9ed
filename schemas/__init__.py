"""What travels: pydantic models of everything that crosses a process boundary, and the codec.

Lives here: frozen models with units in their names, identifier rules, the one JSON codec, and
``examples/`` that must decode for ever. May not live here: I/O, business rules, or any import from
another package of this project.
"""
