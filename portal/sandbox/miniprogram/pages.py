"""The phone's files, and what they need to know: who has which wallet, and whose shop at which portal it is."""

import json
import re
from importlib.resources import files
from pathlib import PurePosixPath
from typing import Any

from portal.money import Money
from portal.sandbox import merchants, wallets
from portal.sandbox.engine import Engine, Response

PREFIX = "/miniprogram/"
_FILE = re.compile(r"(?:frame|shop)(?:/[a-z]+)+\.(?:js|css|svg|json|axml|html)")
_TYPES = {
    ".axml": "application/xml; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "frame-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'self'"
)
# Wallets whose super apps run mini programs, by what my.getSiteInfo calls them
# (https://miniprogram.alipay.com/docs/miniprogram/mpdev/api_alipay-connect_getsiteinfo); the sandbox's wallets bear the
# same names.
_SITES = ("GCASH", "DANA", "TNG", "TRUEMONEY", "KAKAOPAY", "ALIPAY_HK", "ALIPAY_CN", "EASYPAISA")


def page(engine: Engine, method: str, path: str, _given: dict[str, str]) -> Response | None:
    """The phone (``/miniprogram/``), the inside of a mini program, and their files."""
    if method not in ("GET", "HEAD") or not path.startswith(PREFIX.rstrip("/")):
        return None
    if path == PREFIX.rstrip("/"):
        return Response(303, {"location": PREFIX, "cache-control": "no-store"})
    name = path.removeprefix(PREFIX)
    if name == "phone.json":
        return _answer(".json", json.dumps(phone(engine), ensure_ascii=False))
    if name == "shop/environment.js":
        # A release's environment variables: a mini program is built knowing its server, and whose shop it is.
        known = {"SERVER": engine.context.portal_url, "ACCOUNT": engine.context.portal_account}
        return _answer(".js", "".join(f"export const {name} = {json.dumps(text)};\n" for name, text in known.items()))
    name = {"": "frame/phone.html", "inside": "frame/inside.html"}.get(name, name)
    file = files(__package__).joinpath(*PurePosixPath(name).parts)
    if not _FILE.fullmatch(name) or not file.is_file():
        return None
    return _answer(PurePosixPath(name).suffix, file.read_text(encoding="utf-8"))


def _answer(suffix: str, text: str) -> Response:
    headers = {
        "content-type": _TYPES[suffix],
        "cache-control": "no-cache",
        "content-security-policy": _POLICY,
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
    }
    return Response(200, headers, text.encode())


def phone(engine: Engine) -> dict[str, Any]:
    """Whose phone this can be: every account in a wallet that runs mini programs, and the shop's name."""
    context = engine.context
    shops = merchants.all_merchants(context)
    accounts = []
    for site in _SITES:
        wallet = wallets.WALLETS[site]
        rows = context.store.all(
            "SELECT accounts.*, users.name FROM accounts JOIN users ON users.id = accounts.user_id WHERE wallet = ? "
            "ORDER BY balance DESC, user_id",
            (site,),
        )
        accounts += [
            {
                "site": site,
                "wallet": wallet.title,
                "user": row["user_id"],
                "name": row["name"],
                "login": wallets.masked_login(row["login_id"]),
                "balance": {
                    "display": Money(row["balance"], row["currency"]).display,
                    "currency": row["currency"],
                },
            }
            for row in rows
        ]
    return {"shop": shops[0].name if shops else "Shop", "server": context.portal_url, "accounts": accounts}
