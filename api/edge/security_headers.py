"""Headers of every answer that tell a browser what not to do with it.

This API answers with JSON and never with a page: a browser that is shown an answer may run, load
and frame nothing (OWASP ASVS 5, chapter 3.4). ``Server`` is not sent.
"""

from infra.settings import Settings, SettingsError

CONTENT_SECURITY_POLICY = b"default-src 'none'; frame-ancestors 'none'"
YEAR_S = 31_536_000

Headers = tuple[tuple[bytes, bytes], ...]


def security_headers(settings: Settings) -> Headers:
    """Return the headers; with TLS, or where a proxy speaks it, also that it has to stay.

    Raises:
        SettingsError: the age of Strict-Transport-Security is negative.
    """
    if settings.hsts_s < 0:
        raise SettingsError("MEDIA_GATEWAY_HSTS_S: expected 0 or more seconds")
    headers: Headers = (
        (b"x-content-type-options", b"nosniff"),
        (b"content-security-policy", CONTENT_SECURITY_POLICY),
        (b"referrer-policy", b"no-referrer"),
        (b"cross-origin-resource-policy", b"same-origin"),
    )
    seconds = settings.hsts_s or (YEAR_S if settings.tls_certificate_file else 0)
    if seconds:
        headers += ((b"strict-transport-security", b"max-age=%d; includeSubDomains" % seconds),)
    return headers
