"""How the method is shown: logo and promotion, from the acquirer's CDN by an unsigned GET.

https://docs.alipayplus.com/alipayplus/alipayplus/integration_auto_debit_acq/cdn_json. Of the JSON only ``promoNames``
is documented; which fields say the rest is settled by points. What cannot be had or read is "not available": then the
caller shows what it has of its own. Nothing of a buyer is in the address.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlsplit

import requests

from portal.acquirer import Credentials, fields
from portal.acquirer.client import is_loopback
from portal.acquirer.points import Settled
from portal.acquirer.results import Presentation

_PRODUCTION = "https://resource.alipayplus.com/prod"
_SANDBOX = "https://developers.alipayplus.com/cdn/sandbox"
_SECONDS = (2.0, 2.0)
_LARGEST = 200_000
_MOST_LANGUAGES = 20


def address(credentials: Credentials, settled: Settled, *, currency: str) -> str:
    """Where the JSON stands for this merchant and currency; empty while a segment of it is not known."""
    digest = hashlib.sha256(credentials.merchant.reference.encode()).hexdigest()
    if settled.text("cdn_hash_form") == "HEX":
        digest = digest.upper()
    segments = (
        credentials.acquirer_id,
        digest,
        settled.text("cdn_product_code"),
        currency,
        settled.text("cdn_user_region"),
        settled.text("cdn_logo_pattern"),
    )
    if not all(segments):
        return ""
    published = _SANDBOX if credentials.client_id.startswith("SANDBOX_") else _PRODUCTION
    base = settled.text("cdn_url").rstrip("/") or published
    return "/".join((base, *(quote(segment, safe="") for segment in segments), "alipayplus.json"))


def read(session: requests.Session, url: str, settled: Settled) -> Presentation:
    """What the CDN says. Raises nothing: without an answer that can be read, the method is not available there."""
    if not url.startswith("https://") and not _is_local(url):
        return Presentation(is_available=False)
    try:
        with session.get(url, timeout=_SECONDS, stream=True, allow_redirects=False) as response:
            if response.status_code != 200:
                return Presentation(is_available=False)
            body = next(response.iter_content(_LARGEST), b"")
        parsed = json.loads(body)
    except (requests.RequestException, OSError, ValueError, RecursionError):
        return Presentation(is_available=False)
    return presented(parsed, settled) if isinstance(parsed, dict) else Presentation(is_available=False)


def presented(message: Mapping[str, Any], settled: Settled) -> Presentation:
    """The JSON in our words. A promotion is shown beside a logo only where the CDN says that there is one."""
    if not fields.flag(message, settled.text("cdn_available_field")):
        return Presentation(is_available=False)
    name = settled.text("cdn_logo_field")
    first: Mapping[str, Any] = next(iter(fields.objects(message, name)), fields.inner(message, name))
    logo = first or message
    names = fields.inner(message, "promoNames")
    promotions = {str(language)[:16]: fields.text(names, language) for language in list(names)[:_MOST_LANGUAGES]}
    url = fields.web_url(logo, "logoUrl" if first else name)
    return Presentation(
        is_available=True,
        logo_url=url if url.startswith("https://") else "",
        promotions={language: text for language, text in promotions.items() if text},
    )


def _is_local(url: str) -> bool:
    return is_loopback(urlsplit(url).hostname or "")
