"""consult, applyToken, revoke, and what the wallet's user does about them.

Sources: https://docs.antom.com/ac/ams/authconsult, https://docs.antom.com/ac/ams/accesstokenapp,
https://docs.antom.com/ac/ams/authrevocation, https://docs.antom.com/ac/ams/notifyauth.
"""

import json
import sqlite3
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from portal.clock import fresh_id
from portal.sandbox import merchants, notifications, wallets
from portal.sandbox.codes import Refusal, result
from portal.sandbox.context import Context
from portal.sandbox.fields import illegal
from portal.sandbox.merchants import Merchant
from portal.sandbox.moments import DAY, MINUTE, SECOND, on_the_wire
from portal.sandbox.wallets import Wallet

_ACCEPTED_AGAIN = 5 * MINUTE
"""A refresh token just used may be used again this long, against a lost answer."""
_NEEDS_OS = ("APP", "WAP", "MINI_APP")


class LinkUnusable(Exception):
    """An authorization URL that cannot be used (any more); the sentence is for the wallet's user."""


@dataclass(frozen=True)
class Decision:
    """What a wallet's user decided, and where the browser goes next."""

    authorization_id: str
    auth_state: str
    auth_code: str | None
    return_url: str


def consult(context: Context, merchant: Merchant, request: dict[str, Any]) -> dict[str, object]:
    """Prepare one authorization and answer its URL."""
    if request["terminalType"] in _NEEDS_OS and not request.get("osType"):
        raise illegal("osType", f"it is required when terminalType is {request['terminalType']}")
    wallet = contracted_wallet(merchant, request["customerBelongsTo"])
    check_secondary_merchant(merchant, request.get("authClientId"))
    canonical = json.dumps(request, sort_keys=True)
    previous = context.store.one(
        "SELECT * FROM authorizations WHERE client_id = ? AND auth_state = ?",
        (merchant.client_id, request["authState"]),
    )
    if previous is not None:
        # "U: call again" needs the same authState to be welcome; we choose to repeat the answer while nothing was
        # decided and nothing differs, because authState identifies one consult.
        if previous["request"] != canonical or previous["status"] != "CREATED":
            raise illegal("authState", "it belongs to another authorization")
        return _urls(context, wallet, previous["id"], request)
    authorization_id = fresh_id("")
    context.store.insert(
        "authorizations",
        id=authorization_id,
        client_id=merchant.client_id,
        wallet=wallet.name,
        auth_state=request["authState"],
        request=canonical,
        redirect_url=request["authRedirectUrl"],
        notify_url=request.get("authNotifyUrl") or merchant.notify_urls.get("authorization", ""),
        auth_client_id=request.get("authClientId") or "",
        status="CREATED",
        created_at=context.now(),
    )
    return _urls(context, wallet, authorization_id, request)


def _urls(context: Context, wallet: Wallet, authorization_id: str, request: dict[str, Any]) -> dict[str, object]:
    query = urlencode({"authId": authorization_id})
    url = f"{context.public_url}/wallet/{wallet.name}/authorize?{query}"
    answer: dict[str, object] = {"result": result("SUCCESS"), "normalUrl": url}
    if request["terminalType"] == "APP" and wallet.opens_app:
        answer["applinkUrl"] = url
    if request["terminalType"] in ("APP", "WAP"):
        answer["appIdentifier"] = f"com.example.{wallet.name.lower()}"
    return answer


def contracted_wallet(merchant: Merchant, name: str) -> Wallet:
    """The wallet, if it exists and the merchant may use it. Raises Refusal."""
    wallet = wallets.wallet_named(name)
    if wallet is None:
        raise Refusal("NO_PAY_OPTIONS")
    if name not in merchant.wallets or not merchant.active:
        raise Refusal("PAYMENT_NOT_QUALIFIED")
    return wallet


def check_secondary_merchant(merchant: Merchant, name: str | None) -> None:
    """Raises Refusal for a secondary merchant that is not registered."""
    if name and name not in merchant.secondary_merchants:
        raise Refusal("MERCHANT_NOT_REGISTERED")


def open_authorization(context: Context, authorization_id: str) -> sqlite3.Row:
    """The authorization, if it still waits for its user. Raises LinkUnusable."""
    row = context.store.one("SELECT * FROM authorizations WHERE id = ?", (authorization_id,))
    if row is None:
        raise LinkUnusable("This link is not one of ours. Go back to the shop and start again.")
    if row["status"] != "CREATED":
        raise LinkUnusable("This link was used before. Go back to the shop and start again.")
    if context.now() > row["created_at"] + context.settings.authorization_url_seconds * SECOND:
        raise LinkUnusable("This link has expired. Go back to the shop and start again.")
    return row


def authorization_in(url: str) -> str:
    """The authorization id in one of our URLs, or the id itself. Raises LinkUnusable."""
    if "?" not in url:
        return url
    ids = parse_qs(urlsplit(url).query).get("authId", [""])
    return ids[0]


def agree(context: Context, authorization_id: str, user_id: str) -> Decision:
    """The user agrees: a code is made, and notifyAuthorization tells the merchant. Raises LinkUnusable, UnknownUser."""
    with context.store.transaction():
        row = open_authorization(context, authorization_id)
        account = wallets.account_of(context, user_id, row["wallet"])
        code = notifications.fresh_code()
        now = context.now()
        context.store.insert(
            "codes",
            code=code,
            kind="AGREEMENT",
            client_id=row["client_id"],
            wallet=row["wallet"],
            user_id=user_id,
            authorization_id=authorization_id,
            expires_at=now + context.settings.auth_code_seconds * SECOND,
        )
        _decide(context, authorization_id, "AUTHORIZED", user_id)
        body: dict[str, object] = {"authorizationNotifyType": "AUTHCODE_CREATED"}
        if row["auth_client_id"]:
            body["authClientId"] = row["auth_client_id"]
        body |= {
            "authState": row["auth_state"],
            "authCode": code,
            "result": result("SUCCESS"),
            "userLoginId": wallets.masked_login(account["login_id"]),
            "userId": account["customer_id"],
        }
        notifications.enqueue(
            context,
            row["client_id"],
            "notifyAuthorization",
            row["auth_state"],
            row["notify_url"],
            body,
            wallet=row["wallet"],
        )
    back = return_url(row["redirect_url"], row["auth_state"], code)
    return Decision(authorization_id, row["auth_state"], code, back)


def refuse(context: Context, authorization_id: str) -> Decision:
    """The user refuses: the browser returns without a code. Raises LinkUnusable."""
    with context.store.transaction():
        row = open_authorization(context, authorization_id)
        _decide(context, authorization_id, "REFUSED", "")
    back = return_url(row["redirect_url"], row["auth_state"], None)
    return Decision(authorization_id, row["auth_state"], None, back)


def _decide(context: Context, authorization_id: str, status: str, user_id: str) -> None:
    context.store.run(
        "UPDATE authorizations SET status = ?, user_id = ?, decided_at = ? WHERE id = ?",
        (status, user_id, context.now(), authorization_id),
    )


def return_url(redirect_url: str, auth_state: str, code: str | None) -> str:
    """Where the browser returns to; a missing code is the only sign of a refusal. The URL may have a query already."""
    values = {"authState": auth_state} if code is None else {"authCode": code, "authState": auth_state}
    base, hash_mark, fragment = redirect_url.partition("#")
    joiner = "" if base.endswith(("?", "&")) else "&" if "?" in base else "?"
    return f"{base}{joiner}{urlencode(values, quote_via=quote)}{hash_mark}{fragment}"


def apply_token(context: Context, merchant: Merchant, request: dict[str, Any]) -> dict[str, object]:
    """Exchange a code, or a refresh token, for a pair of tokens."""
    wallet = contracted_wallet(merchant, request["customerBelongsTo"])
    if request["grantType"] == "AUTHORIZATION_CODE":
        if not request.get("authCode"):
            raise illegal("authCode", "it is required when grantType is AUTHORIZATION_CODE")
        return _redeem(context, merchant, wallet, request["authCode"])
    if not request.get("refreshToken"):
        raise illegal("refreshToken", "it is required when grantType is REFRESH_TOKEN")
    return _refresh(context, merchant, wallet, request["refreshToken"])


def _redeem(context: Context, merchant: Merchant, wallet: Wallet, code: str) -> dict[str, object]:
    row = context.store.one(
        "SELECT codes.*, authorizations.auth_client_id, authorizations.notify_url FROM codes "
        "JOIN authorizations ON authorizations.id = codes.authorization_id WHERE code = ? AND kind = 'AGREEMENT'",
        (code,),
    )
    now = context.now()
    if (
        row is None
        or row["client_id"] != merchant.client_id
        or row["wallet"] != wallet.name
        or row["used_at"] is not None
        or row["expires_at"] <= now
    ):
        raise Refusal("INVALID_AUTHCODE")
    context.store.run("UPDATE codes SET used_at = ? WHERE code = ?", (now, code))
    if wallet.one_token:
        # Which wallets keep one valid token is not published; we choose two of them, and no notification for the
        # older one, because the pages say it dies silently.
        context.store.run(
            "UPDATE tokens SET status = 'REPLACED', ended_at = ? "
            "WHERE user_id = ? AND wallet = ? AND client_id = ? AND status = 'ACTIVE' AND kind = 'AGREEMENT'",
            (now, row["user_id"], wallet.name, merchant.client_id),
        )
    short = context.faults.take(("consent_short",), now, wallet=wallet.name)
    number = _issue(
        context,
        merchant.client_id,
        wallet,
        row["user_id"],
        row["auth_client_id"],
        row["notify_url"],
        prefix="28100103",
        only_days=short.options["days"] if short else None,
    )
    return _token_answer(context, number)


def _issue(
    context: Context,
    client_id: str,
    wallet: Wallet,
    user_id: str,
    auth_client_id: str,
    notify_url: str,
    *,
    prefix: str,
    only_days: float | None = None,
) -> int:
    """Hand out a token; one of so many days only cannot be refreshed."""
    now = context.now()
    refresh_days = wallet.refresh_days if only_days is None else None
    return context.store.insert(
        "tokens",
        access_token=f"{prefix}_{notifications.fresh_code()}{notifications.fresh_code()[8:]}",
        refresh_token=f"{notifications.fresh_code()}{notifications.fresh_code()[8:]}"
        if refresh_days is not None
        else None,
        kind="AGREEMENT",
        client_id=client_id,
        wallet=wallet.name,
        user_id=user_id,
        auth_client_id=auth_client_id,
        notify_url=notify_url,
        issued_at=now,
        expires_at=now + int((wallet.access_days if only_days is None else only_days) * DAY),
        refresh_expires_at=None if refresh_days is None else now + refresh_days * DAY,
        status="ACTIVE",
    )


def _token_answer(context: Context, number: int) -> dict[str, object]:
    token = context.store.one("SELECT * FROM tokens WHERE number = ?", (number,))
    if token is None:
        raise Refusal("SYSTEM_ERROR")
    account = wallets.account_of(context, token["user_id"], token["wallet"])
    login = wallets.masked_login(account["login_id"])
    answer: dict[str, object] = {
        "result": result("SUCCESS"),
        "accessToken": token["access_token"],
        "accessTokenExpiryTime": on_the_wire(token["expires_at"]),
    }
    if token["refresh_token"]:
        answer |= {
            "refreshToken": token["refresh_token"],
            "refreshTokenExpiryTime": on_the_wire(token["refresh_expires_at"]),
        }
    return answer | {
        "userLoginId": login,
        "extendInfo": json.dumps({"userId": account["customer_id"], "userLoginId": login}),
    }


def _refresh(context: Context, merchant: Merchant, wallet: Wallet, refresh_token: str) -> dict[str, object]:
    token = context.store.one(
        "SELECT * FROM tokens WHERE refresh_token = ? AND client_id = ? AND wallet = ? AND kind = 'AGREEMENT'",
        (refresh_token, merchant.client_id, wallet.name),
    )
    now = context.now()
    if token is None or token["refresh_expires_at"] <= now:
        raise Refusal("INVALID_REFRESH_TOKEN")
    if token["status"] == "REFRESHED" and now <= token["ended_at"] + _ACCEPTED_AGAIN:
        successor = context.store.one("SELECT status FROM tokens WHERE number = ?", (token["successor"],))
        if successor is not None and successor["status"] == "ACTIVE":
            return _token_answer(context, token["successor"])
    if token["status"] != "ACTIVE":
        raise Refusal("INVALID_REFRESH_TOKEN")
    number = _issue(
        context,
        merchant.client_id,
        wallet,
        token["user_id"],
        token["auth_client_id"],
        token["notify_url"],
        prefix="28100103",
    )
    context.store.run(
        "UPDATE tokens SET status = 'REFRESHED', ended_at = ?, successor = ? WHERE number = ?",
        (now, number, token["number"]),
    )
    return _token_answer(context, number)


def usable_token(context: Context, merchant: Merchant, access_token: str, wallet_name: str) -> sqlite3.Row | None:
    """The token, if it may debit now: this merchant's, this wallet's, alive and not expired."""
    token = context.store.one(
        "SELECT * FROM tokens WHERE access_token = ? AND client_id = ? AND kind = 'AGREEMENT'",
        (access_token, merchant.client_id),
    )
    if token is None or token["status"] != "ACTIVE" or token["expires_at"] <= context.now():
        return None
    # A token of another wallet is a merchant's bug whose code is not published; we choose INVALID_ACCESS_TOKEN,
    # because that is what the wallet named would say of it.
    return token if token["wallet"] == wallet_name else None


def revoke(context: Context, merchant: Merchant, request: dict[str, Any]) -> dict[str, object]:
    """The merchant ends an authorization: both tokens are dead."""
    token = context.store.one(
        "SELECT * FROM tokens WHERE access_token = ? AND client_id = ? AND kind = 'AGREEMENT'",
        (request["accessToken"], merchant.client_id),
    )
    if token is None or token["status"] != "ACTIVE" or token["expires_at"] <= context.now():
        raise Refusal("INVALID_ACCESS_TOKEN")
    _end(context, token, "revoked by the merchant", tell=context.settings.tell_merchant_revocation)
    return {"result": result("SUCCESS")}


def revoke_in_the_wallet(
    context: Context, user_id: str, wallet_name: str, client_id: str | None = None, reason: str = ""
) -> int:
    """The user ends their authorizations in the wallet; how many ended. Some wallets do not tell the merchant.

    Raises UnknownUser.
    """
    wallets.account_of(context, user_id, wallet_name)
    with context.store.transaction():
        tokens = context.store.all(
            "SELECT * FROM tokens WHERE user_id = ? AND wallet = ? AND status = 'ACTIVE' AND kind = 'AGREEMENT' "
            "AND (? IS NULL OR client_id = ?)",
            (user_id, wallet_name, client_id, client_id),
        )
        for token in tokens:
            _end(
                context, token, reason or "user closed the service", tell=wallets.WALLETS[wallet_name].tells_revocation
            )
    return len(tokens)


def _end(context: Context, token: sqlite3.Row, reason: str, *, tell: bool) -> None:
    context.store.run(
        "UPDATE tokens SET status = 'REVOKED', ended_at = ?, reason = ? WHERE number = ?",
        (context.now(), reason[:256], token["number"]),
    )
    merchant = merchants.find(context, token["client_id"])
    if not tell or merchant is None:
        return
    body: dict[str, object] = {"authorizationNotifyType": "TOKEN_CANCELED"}
    if token["auth_client_id"]:
        body["authClientId"] = token["auth_client_id"]
    body |= {"accessToken": token["access_token"], "reason": reason[:256], "result": result("SUCCESS")}
    notifications.enqueue(
        context,
        token["client_id"],
        "notifyAuthorization",
        f"token {token['number']}",
        token["notify_url"] or merchant.notify_urls.get("authorization", ""),
        body,
        wallet=token["wallet"],
    )
