"""Authorizations: begun by a merchant, decided by the wallet's user, exchanged for tokens, refreshed, and ended.

The rules are those of both protocols; their fields and their notifications are in ``doors``.
Sources: https://docs.antom.com/ac/ams/authconsult, https://docs.antom.com/ac/ams/accesstokenapp,
https://docs.antom.com/ac/ams/authrevocation, and for Alipay+ the pages named in ``doors/alipayplus.py``.
"""

import sqlite3
from dataclasses import dataclass
from urllib.parse import parse_qs, urlencode, urlsplit

from portal.clock import fresh_id
from portal.sandbox import merchants, notifications, wallets
from portal.sandbox.codes import Refusal
from portal.sandbox.context import Context
from portal.sandbox.fields import illegal
from portal.sandbox.merchants import Merchant
from portal.sandbox.moments import DAY, MINUTE, SECOND
from portal.sandbox.notifications import Deliver
from portal.sandbox.wallets import Wallet

_ACCEPTED_AGAIN = 5 * MINUTE
"""A refresh token just used may be used again this long, against a lost answer; so may a code, by some terms."""


_TOKEN_PREFIX = "28100103"  # noqa: S105 - what every token begins with


class LinkUnusable(Exception):
    """An authorization URL that cannot be used (any more); the sentence is for the wallet's user."""


@dataclass(frozen=True)
class Attempt:
    """What a merchant asks a wallet's user to agree to."""

    wallet: str
    """Empty where the user picks one of the merchant's wallets."""
    auth_state: str
    redirect_url: str
    notify_url: str
    auth_client_id: str
    shop_name: str
    """What the agreement calls the shop; empty for the merchant's own name."""
    request: str
    """As it was asked, to tell a repetition from another attempt."""


@dataclass(frozen=True)
class Decision:
    """What a wallet's user decided, and where the browser goes next."""

    authorization_id: str
    auth_state: str
    auth_code: str | None
    return_url: str


def begin(context: Context, merchant: Merchant, attempt: Attempt) -> str:
    """Prepare one authorization; its URL. Raises Refusal."""
    previous = context.store.one(
        "SELECT * FROM authorizations WHERE client_id = ? AND auth_state = ?",
        (merchant.client_id, attempt.auth_state),
    )
    if previous is not None:
        # "U: call again" needs the same authState to be welcome; we choose to repeat the answer while nothing was
        # decided and nothing differs, because authState identifies one attempt.
        if previous["request"] != attempt.request or previous["status"] != "CREATED":
            raise illegal("authState", "it belongs to another authorization")
        return _url(context, attempt.wallet, previous["id"])
    authorization_id = fresh_id("")
    context.store.insert(
        "authorizations",
        id=authorization_id,
        client_id=merchant.client_id,
        wallet=attempt.wallet,
        auth_state=attempt.auth_state,
        request=attempt.request,
        redirect_url=attempt.redirect_url,
        notify_url=attempt.notify_url,
        auth_client_id=attempt.auth_client_id,
        shop_name=attempt.shop_name,
        status="CREATED",
        created_at=context.now(),
    )
    return _url(context, attempt.wallet, authorization_id)


def _url(context: Context, wallet: str, authorization_id: str) -> str:
    """The wallet's own page; or the one on which the user picks a wallet."""
    place = f"wallet/{wallet}/authorize" if wallet else "wallets/authorize"
    return f"{context.public_url}/{place}?{urlencode({'authId': authorization_id})}"


def contracted_wallet(merchant: Merchant, name: str) -> Wallet:
    """The wallet, if it exists and the merchant may use it. Raises Refusal."""
    wallet = wallets.wallet_named(name)
    if wallet is None:
        raise Refusal("NO_PAY_OPTIONS")
    if name not in merchant.wallets or not merchant.active:
        raise Refusal("PAYMENT_NOT_QUALIFIED")
    return wallet


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


def authorization_in(url: str) -> tuple[str, str]:
    """The authorization id in one of our URLs, or the id itself; and the wallet that the URL names, if it does."""
    if "?" not in url:
        return url, ""
    parts = urlsplit(url)
    _, first, wallet, *_ = [*parts.path.split("/"), "", "", ""]
    return parse_qs(parts.query).get("authId", [""])[0], wallet if first == "wallet" else ""


def wallet_for(context: Context, authorization: sqlite3.Row, user_id: str, named: str) -> str:
    """The wallet an authorization is about: as it says, as was picked, or the only one the user could pick.

    Raises LinkUnusable.
    """
    if authorization["wallet"] and named in ("", authorization["wallet"]):
        return str(authorization["wallet"])
    choices = [] if authorization["wallet"] else wallets_to_pick(context, authorization, user_id)
    if named in choices:
        return named
    if authorization["wallet"] or named:
        raise LinkUnusable("This link belongs to another wallet. Go back to the shop and start again.")
    if len(choices) != 1:
        raise LinkUnusable(f"Pick a wallet first: {', '.join(choices) or 'you have none that the shop takes'}.")
    return choices[0]


def wallets_to_pick(context: Context, authorization: sqlite3.Row, user_id: str | None = None) -> list[str]:
    """The wallets of the merchant's contract in which the user, or anybody, has an account."""
    merchant = merchants.of(context, authorization["client_id"])
    held = {
        row["wallet"]
        for row in context.store.all(
            "SELECT DISTINCT wallet FROM accounts WHERE ? IS NULL OR user_id = ?", (user_id, user_id)
        )
    }
    return [name for name in merchant.wallets if name in held]


def agree(context: Context, authorization_id: str, user_id: str, wallet_name: str = "") -> Decision:
    """The user agrees: a code is made, and the merchant is told. Raises LinkUnusable, UnknownUser."""
    with context.store.transaction():
        row = open_authorization(context, authorization_id)
        wallet_name = wallet_for(context, row, user_id, wallet_name)
        account = wallets.account_of(context, user_id, wallet_name)
        code = notifications.fresh_code()
        now = context.now()
        context.store.insert(
            "codes",
            code=code,
            kind="AGREEMENT",
            client_id=row["client_id"],
            wallet=wallet_name,
            user_id=user_id,
            authorization_id=authorization_id,
            expires_at=now + context.settings.auth_code_seconds * SECOND,
        )
        decided = _decide(context, authorization_id, "AUTHORIZED", user_id, wallet_name)
        voice = merchants.voice_of(context, row["client_id"])
        voice.code_created(context, decided, code, account)
    back = voice.return_url(row["redirect_url"], row["auth_state"], code)
    return Decision(authorization_id, row["auth_state"], code, back)


def refuse(context: Context, authorization_id: str) -> Decision:
    """The user refuses: the browser returns without a code. Raises LinkUnusable."""
    with context.store.transaction():
        row = open_authorization(context, authorization_id)
        _decide(context, authorization_id, "REFUSED", "", row["wallet"])
    return Decision(authorization_id, row["auth_state"], None, return_url(context, row, None))


def return_url(context: Context, authorization: sqlite3.Row, code: str | None) -> str:
    """Where the user of an authorization goes back to."""
    voice = merchants.voice_of(context, authorization["client_id"])
    return voice.return_url(authorization["redirect_url"], authorization["auth_state"], code)


def _decide(context: Context, authorization_id: str, status: str, user_id: str, wallet: str) -> sqlite3.Row:
    context.store.run(
        "UPDATE authorizations SET status = ?, user_id = ?, wallet = ?, decided_at = ? WHERE id = ?",
        (status, user_id, wallet, context.now(), authorization_id),
    )
    row = context.store.one("SELECT * FROM authorizations WHERE id = ?", (authorization_id,))
    if row is None:
        raise LookupError(authorization_id)
    return row


def redeem(
    context: Context, merchant: Merchant, code: str, *, wallet: str | None = None, auth_client_id: str | None = None
) -> sqlite3.Row:
    """Exchange a code for a pair of tokens; the token. ``wallet``, ``auth_client_id``: whose it must be, if said.

    Raises Refusal(INVALID_CODE, USED_CODE or EXPIRED_CODE).
    """
    row = context.store.one(
        "SELECT codes.*, authorizations.auth_client_id, authorizations.notify_url FROM codes "
        "JOIN authorizations ON authorizations.id = codes.authorization_id WHERE code = ? AND kind = 'AGREEMENT'",
        (code,),
    )
    now = context.now()
    if row is None or row["client_id"] != merchant.client_id or not _is_theirs(row, wallet, auth_client_id):
        raise Refusal("INVALID_CODE")
    if row["used_at"] is not None:
        # How long the documented repetition of a request is welcome is not said; we choose the refresh token's time.
        repeated = merchant.terms.repeats_a_token and now <= row["used_at"] + _ACCEPTED_AGAIN
        token = _made_of(context, row) if repeated else None
        if token is None or token["status"] != "ACTIVE":
            raise Refusal("USED_CODE")
        return token
    if row["expires_at"] <= now:
        raise Refusal("EXPIRED_CODE")
    context.store.run("UPDATE codes SET used_at = ? WHERE code = ?", (now, code))
    kept = wallets.WALLETS[row["wallet"]]
    if kept.one_token:
        # Which wallets keep one valid token is not published; we choose two of them, and no notification for the
        # older one, because the pages say it dies silently.
        context.store.run(
            "UPDATE tokens SET status = 'REPLACED', ended_at = ? "
            "WHERE user_id = ? AND wallet = ? AND client_id = ? AND status = 'ACTIVE' AND kind = 'AGREEMENT'",
            (now, row["user_id"], kept.name, merchant.client_id),
        )
    short = context.faults.take(("consent_short",), now, wallet=kept.name, protocol=merchant.protocol)
    number = _issue(
        context,
        merchant.client_id,
        kept,
        row["user_id"],
        row["auth_client_id"],
        row["notify_url"],
        only_days=short.options["days"] if short else None,
    )
    return token_by_number(context, number)


def _is_theirs(row: sqlite3.Row, wallet: str | None, auth_client_id: str | None) -> bool:
    return wallet in (None, row["wallet"]) and auth_client_id in (None, row["auth_client_id"])


def token_by_number(context: Context, number: int) -> sqlite3.Row:
    """One token as it is now."""
    token = context.store.one("SELECT * FROM tokens WHERE number = ?", (number,))
    if token is None:
        raise LookupError(f"no token {number}")
    return token


def find_token(context: Context, merchant: Merchant, access_token: str) -> sqlite3.Row | None:
    """The merchant's token of that text, alive or not."""
    return context.store.one(
        "SELECT * FROM tokens WHERE access_token = ? AND client_id = ? AND kind = 'AGREEMENT'",
        (access_token, merchant.client_id),
    )


def _made_of(context: Context, code: sqlite3.Row) -> sqlite3.Row | None:
    return context.store.one(
        "SELECT * FROM tokens WHERE issued_at = ? AND user_id = ? AND wallet = ? AND client_id = ? "
        "AND kind = 'AGREEMENT' ORDER BY number DESC",
        (code["used_at"], code["user_id"], code["wallet"], code["client_id"]),
    )


def attempt_behind(context: Context, token: sqlite3.Row) -> sqlite3.Row | None:
    """The authorization whose code became this token; None for one that was refreshed."""
    return context.store.one(
        "SELECT authorizations.* FROM codes JOIN authorizations ON authorizations.id = codes.authorization_id "
        "WHERE codes.used_at = ? AND codes.user_id = ? AND codes.wallet = ? AND codes.client_id = ? "
        "AND NOT EXISTS (SELECT 1 FROM tokens WHERE successor = ?)",
        (token["issued_at"], token["user_id"], token["wallet"], token["client_id"], token["number"]),
    )


def first_of(context: Context, token: sqlite3.Row) -> sqlite3.Row:
    """The token that an authorization began with, of which this one was refreshed."""
    while (former := context.store.one("SELECT * FROM tokens WHERE successor = ?", (token["number"],))) is not None:
        token = former
    return token


def _issue(
    context: Context,
    client_id: str,
    wallet: Wallet,
    user_id: str,
    auth_client_id: str,
    notify_url: str,
    *,
    only_days: float | None = None,
) -> int:
    """Hand out a token; one of so many days only cannot be refreshed."""
    now = context.now()
    refresh_days = wallet.refresh_days if only_days is None else None
    return context.store.insert(
        "tokens",
        access_token=f"{_TOKEN_PREFIX}_{notifications.fresh_code()}{notifications.fresh_code()[8:]}",
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


def refresh(
    context: Context,
    merchant: Merchant,
    refresh_token: str,
    *,
    wallet: str | None = None,
    auth_client_id: str | None = None,
) -> sqlite3.Row:
    """Exchange a refresh token for a new pair; the new token. Both old ones are dead at once.

    Raises Refusal(INVALID_REFRESH_TOKEN or EXPIRED_REFRESH_TOKEN).
    """
    token = context.store.one(
        "SELECT * FROM tokens WHERE refresh_token = ? AND client_id = ? AND kind = 'AGREEMENT'",
        (refresh_token, merchant.client_id),
    )
    now = context.now()
    if token is None or not _is_theirs(token, wallet, auth_client_id):
        raise Refusal("INVALID_REFRESH_TOKEN")
    if token["refresh_expires_at"] <= now:
        raise Refusal("EXPIRED_REFRESH_TOKEN")
    if token["status"] == "REFRESHED" and now <= token["ended_at"] + _ACCEPTED_AGAIN:
        successor = token_by_number(context, token["successor"])
        if successor["status"] == "ACTIVE":
            return successor
    if token["status"] != "ACTIVE":
        raise Refusal("INVALID_REFRESH_TOKEN")
    number = _issue(
        context,
        merchant.client_id,
        wallets.WALLETS[token["wallet"]],
        token["user_id"],
        token["auth_client_id"],
        token["notify_url"],
    )
    context.store.run(
        "UPDATE tokens SET status = 'REFRESHED', ended_at = ?, successor = ? WHERE number = ?",
        (now, number, token["number"]),
    )
    return token_by_number(context, number)


def trouble_with(context: Context, token: sqlite3.Row | None, wallet_name: str) -> str:
    """Why a token may not debit a wallet now, as a result code; empty when it may."""
    # A token of another wallet is a merchant's bug whose code is not published; we choose INVALID_ACCESS_TOKEN,
    # because that is what the wallet named would say of it.
    if token is None or token["status"] != "ACTIVE" or token["wallet"] != wallet_name:
        return "INVALID_ACCESS_TOKEN"
    return "EXPIRED_ACCESS_TOKEN" if token["expires_at"] <= context.now() else ""


def end_by_merchant(context: Context, token: sqlite3.Row) -> None:
    """The merchant ends an authorization: both tokens are dead."""
    _end(context, token, "revoked by the merchant", by_merchant=True)


class UnbindingRefused(Exception):
    """The merchant wants the user to end it at the merchant's own place; the sentence is for the wallet's user."""


def revoke_in_the_wallet(
    context: Context,
    user_id: str,
    wallet_name: str,
    deliver: Deliver,
    *,
    client_id: str | None = None,
    reason: str = "",
) -> int:
    """The user ends their authorizations in the wallet; how many ended. Some wallets do not tell the merchant.

    Where the wallet asks the merchant first, it does so outside any transaction. Raises UnknownUser, and
    UnbindingRefused when merchants were asked and none allowed it.
    """
    wallets.account_of(context, user_id, wallet_name)
    allowed, refused = [], 0
    for token in _active(context, user_id, wallet_name, client_id):
        question = merchants.voice_of(context, token["client_id"]).unbinding_question(context, token)
        if question is None or _allows_unbinding(context, token, question, deliver):
            allowed.append(token["number"])
        else:
            refused += 1
    if refused and not allowed:
        raise UnbindingRefused("The shop asks you to end it there, not here.")
    with context.store.transaction():
        ending = [token for token in _active(context, user_id, wallet_name, client_id) if token["number"] in allowed]
        for token in ending:
            _end(context, token, reason or "user closed the service", by_merchant=False)
    return len(ending)


def _active(context: Context, user_id: str, wallet_name: str, client_id: str | None) -> list[sqlite3.Row]:
    return context.store.all(
        "SELECT * FROM tokens WHERE user_id = ? AND wallet = ? AND status = 'ACTIVE' AND kind = 'AGREEMENT' "
        "AND (? IS NULL OR client_id = ?)",
        (user_id, wallet_name, client_id, client_id),
    )


def _allows_unbinding(
    context: Context, token: sqlite3.Row, question: tuple[str, dict[str, object]], deliver: Deliver
) -> bool:
    # What the wallet does without an answer is not published; we choose to keep the binding, because the user can
    # press again, and only "true" is documented to allow it.
    answer = notifications.ask(context, token["client_id"], *question, deliver, wallet=token["wallet"])
    return answer is not None and answer.get("allowUnbinding") == "true"


def _end(context: Context, token: sqlite3.Row, reason: str, *, by_merchant: bool) -> None:
    context.store.run(
        "UPDATE tokens SET status = 'REVOKED', ended_at = ?, reason = ? WHERE number = ?",
        (context.now(), reason[:256], token["number"]),
    )
    voice = merchants.voice_of(context, token["client_id"])
    voice.token_ended(context, token, reason[:256], by_merchant=by_merchant)
