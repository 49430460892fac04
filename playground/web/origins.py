"""Where a websocket may be opened from: this site's own pages, and programs with a token.

Browsers let any page open a websocket to any site and send the cookies along; the Origin header is what
tells our pages from others. A program sends none, and then has to show a token.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.http.request import split_domain_port, validate_host

from playground.web.identity import header


def allowed(scope: Mapping[str, Any]) -> bool:
    """Whether the Origin of a websocket request is ours, or none where a token stands in for it."""
    host = header(scope, b"host") or ""
    if not validate_host(split_domain_port(host)[0], settings.ALLOWED_HOSTS):
        return False
    origin = header(scope, b"origin")
    if origin is None:
        return header(scope, b"authorization") is not None
    if origin in settings.CSRF_TRUSTED_ORIGINS:
        return True
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    schemes = ("https",) if settings.SESSION_COOKIE_SECURE else ("http", "https")
    return parts.scheme in schemes and parts.netloc == host and not (parts.path or parts.query or parts.fragment)
