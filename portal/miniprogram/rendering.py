"""Making the folder: what is copied, filled in, and made from the code. The same kit makes the same bytes."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings
from django.template import Context, Engine
from drf_spectacular.generators import SchemaGenerator

from portal.acquirer.wallets import Wallet
from portal.miniprogram import client, errors, tables, words
from portal.money import EXPONENTS, WHOLE_UNITS_ONLY

ROOT: Path = settings.BASE_DIR / "templates" / "miniprogram"
FILLED_IN = ("environment.js", "app.json", "README.md", "LOCAL.md")
"""The templates with places. In all others double braces are the mini program's own."""


@dataclass(frozen=True, kw_only=True)
class Kit:
    """What a mini program is rendered for."""

    portal_url: str
    """Without a slash at its end."""
    merchant: str
    account: str = ""
    """The acquirer account's short name, where buyers must say which."""
    language: str = "en"
    """Of the tab bar: a key of ``tables.LANGUAGES``."""
    wallets: Sequence[Wallet] = field(default_factory=tuple)
    """The contracted ones."""


def files_of(kit: Kit) -> dict[str, str]:
    """Every file of the mini program, by its path."""
    document = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    found = {
        "api/client.js": client.client(document),
        "api/types.d.ts": client.types(document),
        "api/currencies.js": _currencies(),
        "words/pages.js": tables.module("What the pages say.", words.PAGES),
        "words/errors.js": tables.module("What is said of every code, by what gives it.", errors.catalogue()),
    }
    for file in sorted(ROOT.rglob("*")):
        if file.is_file():
            name = file.relative_to(ROOT).as_posix()
            found[name] = file.read_text(encoding="utf-8")
    for name in FILLED_IN:
        found[name] = Engine().from_string(found[name]).render(Context(_places(kit), autoescape=False))
    return dict(sorted(found.items()))


def _currencies() -> str:
    """How many digits the minor unit has, and which currencies have one that nobody uses."""
    digits = ", ".join(f"{code}: {exponent}" for code, exponent in EXPONENTS.items())
    return (
        "/** The decimals of every currency. */\n"
        f"/** @type {{Record<string, number>}} */\nexport const EXPONENTS = {{ {digits} }};\n\n"
        "/** Amounts of these are whole, though their minor unit has decimals. */\n"
        f"export const WHOLE_UNITS_ONLY = {json.dumps(sorted(WHOLE_UNITS_ONLY)).replace(chr(34), chr(39))};\n"
    )


def write(folder: Path, files: dict[str, str]) -> None:
    """Write them into the folder, which is made if need be. Raises OSError."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")


def _places(kit: Kit) -> dict[str, object]:
    parts = urlsplit(kit.portal_url)
    return {
        "server": json.dumps(kit.portal_url),
        "account": json.dumps(kit.account),
        "merchant": json.dumps(kit.merchant, ensure_ascii=False),
        **{
            f"tab_{name}": json.dumps(tables.in_language(word, kit.language), ensure_ascii=False)
            for name, word in words.TABS.items()
        },
        "portal_url": kit.portal_url,
        "host": parts.netloc,
        "is_secure": parts.scheme == "https",
        "merchant_name": kit.merchant,
        "account_name": kit.account,
        "sites": [wallet for wallet in kit.wallets if wallet.site_name],
        "others": [wallet.name for wallet in kit.wallets if not wallet.site_name],
        "has_china": any(wallet.site_name == "ALIPAY_CN" for wallet in kit.wallets),
    }
