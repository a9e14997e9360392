"""The wallet's own login: a code from the mini program's ``my.getAuthCode``, exchanged by the merchant's server.

Source: the wallets' mini program portals, and "my.getAuthCode" on https://miniprogram.alipay.com . These are login
tokens of the wallet: they debit nothing.
"""

import json
from typing import Any

from portal.sandbox import notifications, wallets
from portal.sandbox.codes import Refusal, result
from portal.sandbox.context import Context
from portal.sandbox.fields import illegal
from portal.sandbox.merchants import Merchant
from portal.sandbox.moments import DAY, SECOND, on_the_wire
from portal.sandbox.wallets import UnknownUser

# Lifetimes of login tokens are not published; we choose a day and a month.
_LIFE, _REFRESH_LIFE = 1 * DAY, 30 * DAY


def new_code(context: Context, wallet_name: str, user_id: str) -> str:
    """A login code, as the wallet app gives it to the mini program. Raises UnknownUser."""
    wallets.account_of(context, user_id, wallet_name)
    code = notifications.fresh_code()
    context.store.insert(
        "codes",
        code=code,
        kind="LOGIN",
        client_id="",
        wallet=wallet_name,
        user_id=user_id,
        authorization_id="",
        expires_at=context.now() + context.settings.login_code_seconds * SECOND,
    )
    return code


def apply_token(context: Context, merchant: Merchant, request: dict[str, Any]) -> dict[str, object]:
    """Exchange a login code, or a login refresh token."""
    wallet_name = _wallet_named_in(request.get("extendInfo"))
    if request["grantType"] == "REFRESH_TOKEN":
        return _refresh(context, merchant, request.get("refreshToken") or "", wallet_name)
    if not request.get("authCode"):
        raise illegal("authCode", "it is required when grantType is AUTHORIZATION_CODE")
    row = context.store.one("SELECT * FROM codes WHERE code = ? AND kind = 'LOGIN'", (request["authCode"],))
    now = context.now()
    if row is None or (wallet_name and row["wallet"] != wallet_name):
        raise Refusal("INVALID_CODE")
    if row["used_at"] is not None:
        raise Refusal("USED_CODE")
    if row["expires_at"] <= now:
        raise Refusal("EXPIRED_CODE")
    context.store.run("UPDATE codes SET used_at = ? WHERE code = ?", (now, row["code"]))
    return _issue(context, merchant, row["wallet"], row["user_id"])


def _wallet_named_in(extend_info: object) -> str:
    if not extend_info:
        return ""
    try:
        details = json.loads(str(extend_info))
    except (ValueError, RecursionError) as reason:
        raise illegal("extendInfo", "JSON text is expected") from reason
    wallet = details.get("customerBelongsTo", "") if isinstance(details, dict) else None
    if not isinstance(wallet, str):
        raise illegal("extendInfo", 'an object such as {"customerBelongsTo":"GCASH"} is expected')
    return wallet


def _refresh(context: Context, merchant: Merchant, refresh_token: str, wallet_name: str) -> dict[str, object]:
    token = context.store.one(
        "SELECT * FROM tokens WHERE refresh_token = ? AND kind = 'LOGIN' AND client_id = ?",
        (refresh_token, merchant.client_id),
    )
    if token is None or (wallet_name and token["wallet"] != wallet_name):
        raise Refusal("INVALID_REFRESH_TOKEN")
    if token["status"] != "ACTIVE":
        raise Refusal("USED_REFRESH_TOKEN")
    if token["refresh_expires_at"] <= context.now():
        raise Refusal("EXPIRED_REFRESH_TOKEN")
    context.store.run(
        "UPDATE tokens SET status = 'REFRESHED', ended_at = ? WHERE number = ?", (context.now(), token["number"])
    )
    return _issue(context, merchant, token["wallet"], token["user_id"])


def _issue(context: Context, merchant: Merchant, wallet_name: str, user_id: str) -> dict[str, object]:
    try:
        account = wallets.account_of(context, user_id, wallet_name)
    except UnknownUser as reason:
        raise Refusal("INVALID_CODE") from reason
    now = context.now()
    access_token, refresh_token = f"login_{notifications.fresh_code()}", f"login_{notifications.fresh_code()}"
    context.store.insert(
        "tokens",
        access_token=access_token,
        refresh_token=refresh_token,
        kind="LOGIN",
        client_id=merchant.client_id,
        wallet=wallet_name,
        user_id=user_id,
        auth_client_id="",
        notify_url="",
        issued_at=now,
        expires_at=now + _LIFE,
        refresh_expires_at=now + _REFRESH_LIFE,
        status="ACTIVE",
    )
    return {
        "result": result("SUCCESS"),
        "accessToken": access_token,
        "accessTokenExpiryTime": on_the_wire(now + _LIFE),
        "refreshToken": refresh_token,
        "refreshTokenExpiryTime": on_the_wire(now + _REFRESH_LIFE),
        "customerId": account["customer_id"],
    }
