"""A record of every call, for people: what was asked and answered, with secrets and personal data masked."""

import json
from typing import Any

from portal.sandbox.context import Context

_SECRET = frozenset(
    {
        "accessToken",
        "authCode",
        "buyerEmail",
        "buyerName",
        "buyerPhoneNo",
        "certificateNo",
        "clientIp",
        "deviceTokenId",
        "displayCustomerId",
        "extendInfo",
        "holderName",
        "paymentMethodId",
        "pspCustomerId",
        "refreshToken",
        "shipToEmail",
        "shipping",
        "userId",
        "userLoginId",
    }
)
_URLS = frozenset({"normalUrl", "applinkUrl", "authRedirectUrl"})
_LONGEST_KEPT = 6000
_DELETE_EVERY = 200


def masked(value: Any) -> Any:
    """The value as it may be shown."""
    if isinstance(value, dict):
        return {name: _masked_field(name, inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [masked(inner) for inner in value]
    return value


def _masked_field(name: str, value: Any) -> Any:
    if name in _SECRET and value:
        return mask(value) if isinstance(value, str) else "••••"
    if name in _URLS and isinstance(value, str):
        return value.split("?", 1)[0] + ("?••••" if "?" in value else "")
    return masked(value)


def mask(secret: str) -> str:
    """Enough of a secret to tell two apart, too little to use one."""
    return f"••••{secret[-4:]}" if len(secret) >= 16 else "••••"


def keep(
    context: Context, *, client_id: str, api: str, path: str, fault: str, request: Any, answer: dict[str, Any]
) -> None:
    """Write a call down, and forget the oldest ones now and then."""
    if not context.settings.keep_calls:
        return
    number = context.store.insert(
        "calls",
        at=context.now(),
        client_id=client_id[:128],
        api=api,
        path=path[:300],
        code=answer.get("result", {}).get("resultCode", ""),
        fault=fault,
        request=_text(request),
        answer=_text(answer),
    )
    if number % _DELETE_EVERY == 0:
        context.store.run("DELETE FROM calls WHERE number <= ?", (number - context.settings.calls_kept,))


def _text(body: Any) -> str:
    return json.dumps(masked(body), ensure_ascii=False, indent=1)[:_LONGEST_KEPT]
