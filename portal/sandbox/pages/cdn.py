"""Alipay+'s CDN: whether a merchant may show the method, with which logo and promotion. An unsigned GET.

Source: https://docs.alipayplus.com/alipayplus/alipayplus/integration_auto_debit_acq/cdn_json
"""

import hashlib
import json
import re

from portal.sandbox import merchants
from portal.sandbox.engine import Engine, Response
from portal.sandbox.merchants import Merchant
from portal.sandbox.terms import ALIPAYPLUS
from portal.sandbox.wallets import WALLETS

_PATH = re.compile(
    r"/cdn/sandbox/(?P<acquirer>\w{1,64})/(?P<shop>[0-9a-fA-F]{64})/AGREEMENT_PAYMENT/(?P<currency>[A-Z]{3})"
    r"/\w{1,14}/\w{1,32}/alipayplus\.json"
)
_PROMOTIONS = {"en_US": "5% back on your first payment", "zh_CN": "首次付款返还 5%"}


def page(engine: Engine, method: str, path: str, _given: dict[str, str]) -> Response | None:
    """The JSON of one merchant and currency; 404 for a shop that nobody knows."""
    asked = _PATH.fullmatch(path) if method in ("GET", "HEAD") else None
    if asked is None:
        return None
    merchant = next(
        (
            one
            for one in merchants.all_merchants(engine.context)
            if one.protocol == ALIPAYPLUS and one.customer_id == asked["acquirer"]
        ),
        None,
    )
    if merchant is None or not _is_registered(merchant, asked["shop"].lower()):
        return Response(404, {"content-type": "text/plain; charset=utf-8"}, b"There is nothing here.")
    is_available = merchant.active and any(WALLETS[name].currency == asked["currency"] for name in merchant.wallets)
    # Undocumented but for promoNames; we choose the words of the page's own sentences for the rest.
    told: dict[str, object] = {"available": "true" if is_available else "false"}
    if is_available:
        told |= {"logoUrl": f"{engine.context.public_url}/static/mark.svg", "promoNames": _PROMOTIONS}
    body = json.dumps(told, ensure_ascii=False).encode()
    return Response(200, {"content-type": "application/json", "cache-control": "max-age=60"}, body)


def _is_registered(merchant: Merchant, digest: str) -> bool:
    """Whether a shop's id has this SHA-256. Where none is registered, every shop is one of the partner's."""
    shops = merchant.secondary_merchants
    return not shops or digest in {hashlib.sha256(shop.encode()).hexdigest() for shop in shops}
