"""Who calls, and whether they may: the one place that decides it, before a handler runs.

An endpoint declares its ``Access``; ``principal`` turns the credentials of a request into a
``Principal`` or ends the request. A handler never reads the Authorization header. Here are also the
tokens that devices get.
"""
