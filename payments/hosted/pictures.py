"""How a wallet looks on the hosted pages: its logo and, where the acquirer has one, its promotion.

A logo is fetched by the buyer's browser from where the acquirer, or the merchant's staff, said it is. A page allows the
servers of the logos on it and no other, and tells them nothing of where the buyer is.
"""

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from django.http import HttpResponse
from django.utils.translation import get_language

_SERVER = re.compile(r"[A-Za-z0-9.-]{1,253}(:[0-9]{1,5})?")


def look_of(method: dict[str, Any]) -> dict[str, Any]:
    """``logo`` and ``promotion`` of a payment method as the API says it; both empty where there is none."""
    presented = method["presentation"] or {}
    is_shown = bool(presented) and presented["is_available"]
    logo = (is_shown and presented["logo_url"]) or method["logo_url"]
    is_theirs = is_shown and bool(_server_of(presented["logo_url"]))
    promotion = _in_this_language(presented["promotions"]) if is_theirs else ""
    return {**method, "logo": logo if _server_of(logo) else "", "promotion": promotion}


def allow(response: HttpResponse, methods: Iterable[dict[str, Any]]) -> HttpResponse:
    """Let the browser fetch the logos of these."""
    servers = sorted({_server_of(one["logo"]) for one in methods if one["logo"]})
    if servers:
        response._csp_update = {"img-src": servers}  # type: ignore[attr-defined]  # where django-csp looks
    return response


def _server_of(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return f"https://{parts.netloc}" if parts.scheme == "https" and _SERVER.fullmatch(parts.netloc) else ""


def _in_this_language(promotions: dict[str, str]) -> str:
    """Languages are said as ``en_US`` and ``zh_CN``; English for whom there is nothing in theirs."""
    for wanted in ((get_language() or "en")[:2], "en"):
        for language, words in sorted(promotions.items()):
            if language.lower().startswith(wanted):
                return words
    return ""
