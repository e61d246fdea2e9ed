"""What partners read about themselves: the handlers behind ``/api/v1/partners/me``.

Whose data it is comes from the credentials alone (``principal_of``), never from the request.
"""
