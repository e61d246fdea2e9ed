"""How often a caller may call: who is counted, by which quota, and what an answer says of it.

An endpoint declares its ``Limit``; ``admission`` counts the caller before the body is read. The
counting itself is in ``infra.limits``; docs/http-edge.md says what each quota is for.
"""
