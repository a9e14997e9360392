"""The wallet in the browser: the user agrees or refuses, sees the result, and can end an agreement later.

Choosing who you are stands in for the wallet's login. Everything else is as the acquirer describes it: one link, used
once; a result page of the wallet before the user returns to the shop; no sign but a missing code when they refused.
"""

import re
import sqlite3
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from portal.money import Money
from portal.sandbox import authorizations, merchants, wallets
from portal.sandbox.authorizations import LinkUnusable, UnbindingRefused
from portal.sandbox.context import Context
from portal.sandbox.engine import Engine, Response
from portal.sandbox.pages.markup import Html, amount, chip, document, go_to, html, nothing, when
from portal.sandbox.wallets import UnknownUser, Wallet

_PATH = re.compile(r"/wallet/(?P<wallet>[A-Z_]+)/(?P<rest>.+)")
_PICK = "/wallets/authorize"
_USER = re.compile(r"users/(?P<user>[a-z0-9_-]{1,32})(?P<act>/end)?")
_PAYMENTS_SHOWN = 20


@dataclass(frozen=True)
class _Visit:
    """What a page needs to know of its request."""

    engine: Engine
    wallet: Wallet
    method: str
    given: dict[str, str]

    @property
    def context(self) -> Context:
        return self.engine.context


def page(engine: Engine, method: str, path: str, given: dict[str, str]) -> Response | None:
    """A page of one of the wallets, or the one on which a wallet is picked."""
    if path == _PICK and method in ("GET", "HEAD"):
        return _pick(engine, given)
    match = _PATH.fullmatch(path)
    wallet = wallets.wallet_named(match["wallet"]) if match else None
    if match is None or wallet is None:
        return None
    visit = _Visit(engine, wallet, method, given)
    if match["rest"] == "authorize":
        return _decide(visit) if method == "POST" else _ask(visit)
    if match["rest"] == "done":
        return _done(visit)
    user = _USER.fullmatch(match["rest"])
    if user is None:
        return None
    try:
        account = wallets.account_of(engine.context, user["user"], wallet.name)
    except UnknownUser:
        return _sorry(visit, "Nobody of that name has an account here.", 404)
    if user["act"]:
        return _end(visit, account) if method == "POST" else _ask_to_end(visit, account)
    return _account(visit, account)


_SCREEN = """<body class="wallet brand-{brand}">
<header class="bar"><span class="tile" aria-hidden="true">{initials}</span><b>{title}</b>
<span class="demo">sandbox wallet</span></header>
<main>{body}</main>
</body>"""


def _screen(visit: _Visit, title: str, body: Html, status: int = 200) -> Response:
    frame = html(
        _SCREEN,
        brand=visit.wallet.name.lower().replace("_", "-"),
        initials=_initials(visit.wallet.title),
        title=visit.wallet.title,
        body=body,
    )
    return document(f"{title} · {visit.wallet.title}", "wallet.css", frame, status=status)


def _initials(name: str) -> str:
    words: list[str] = re.findall(r"[A-Za-z]+", name)
    return "".join(word[0] for word in words[:2]).upper() or "•"


def _sorry(visit: _Visit, sentence: str, status: int = 410) -> Response:
    body = html(
        '<section class="card result"><div class="mark bad" aria-hidden="true">!</div>'
        "<h1>This did not work</h1><p>{sentence}</p></section>",
        sentence=sentence,
    )
    return _screen(visit, "This did not work", body, status)


# Agreeing.

_ASK = """<form class="card" method="post" action="/wallet/{wallet}/authorize">
<input type="hidden" name="authId" value="{auth_id}">
<div class="parties" aria-hidden="true"><span class="tile shop">{shop_initials}</span><span class="dots"></span>
<span class="tile">{initials}</span></div>
<h1>Let {shop} charge your {title}?</h1>
<ul class="rules">
<li>You agree once. From then on {shop} takes what you order there, without asking for your password each time.</li>
<li>{limit}</li>
<li>You can end this whenever you like: here in {title}, or at {shop}.</li>
</ul>
<fieldset><legend>Pay from</legend>{accounts}</fieldset>
<button class="big main" name="decision" value="agree">Agree</button>
<button class="big" name="decision" value="refuse" formnovalidate>Not now</button>
<details class="test"><summary>For testers</summary>
<p>The agreement is made, but you never return to the shop: it only hears of it by notification.</p>
<button class="big" name="decision" value="agree_and_lose_the_callback">Agree, but lose the callback</button>
</details>
</form>"""

_ACCOUNT_CHOICE = """<label class="choice"><input type="radio" name="user" value="{user}" required{checked}>
<span class="face" aria-hidden="true">{initials}</span><span><b>{name}</b><small>{login}</small></span>
<span class="money">{balance}</span></label>"""


def _ask(visit: _Visit) -> Response:
    try:
        row = _authorization(visit)
    except LinkUnusable as reason:
        return _sorry(visit, str(reason))
    accounts = visit.context.store.all(
        "SELECT accounts.*, users.name FROM accounts JOIN users ON users.id = accounts.user_id WHERE wallet = ? "
        "ORDER BY balance DESC, user_id",
        (visit.wallet.name,),
    )
    # Inside a phone the wallet knows whose it is, and asks for nobody else's account.
    accounts = [row for row in accounts if row["user_id"] == visit.given.get("user")] or accounts
    if not accounts:
        return _sorry(visit, f"Nobody has an account with {visit.wallet.title} yet. Open one from the console.")
    shop = row["shop_name"] or _shop_name(visit, row["client_id"])
    body = html(
        _ASK,
        wallet=visit.wallet.name,
        auth_id=row["id"],
        shop=shop,
        shop_initials=_initials(shop),
        title=visit.wallet.title,
        initials=_initials(visit.wallet.title),
        limit=_limit_in_words(visit.wallet),
        accounts=[_choice(account, first=position == 0) for position, account in enumerate(accounts)],
    )
    return _screen(visit, "Agree to automatic payments", body)


_PICKED = """<li><a class="choice" href="/wallet/{wallet}/authorize?{query}">
<span class="tile brand-{brand}" aria-hidden="true">{initials}</span><span><b>{title}</b><small>{region}</small></span>
</a></li>"""

_PICKER = """<body class="wallet">
<header class="bar"><span class="tile" aria-hidden="true">A+</span><b>Alipay+</b>
<span class="demo">sandbox wallets</span></header>
<main><section class="card"><h1>Which wallet shall {shop} charge?</h1><ul class="shops pick">{wallets}</ul></section>
</main></body>"""


def _pick(engine: Engine, given: dict[str, str]) -> Response:
    """The page that belongs to no wallet: its user picks one of the merchant's."""
    try:
        row = authorizations.open_authorization(engine.context, given.get("authId", ""))
        if row["wallet"]:
            raise LinkUnusable("This link names its wallet already. Go back to the shop and start again.")
    except LinkUnusable as reason:
        body = html(
            '<body class="wallet"><main><section class="card result"><div class="mark bad" aria-hidden="true">!</div>'
            "<h1>This did not work</h1><p>{sentence}</p></section></main></body>",
            sentence=str(reason),
        )
        return document("This did not work · Alipay+", "wallet.css", body, status=410)
    query = urlencode({name: text for name, text in given.items() if name in ("authId", "user")})
    choices = [
        html(
            _PICKED,
            wallet=wallet.name,
            query=query,
            brand=wallet.name.lower().replace("_", "-"),
            initials=_initials(wallet.title),
            title=wallet.title,
            region=wallet.region,
        )
        for name in authorizations.wallets_to_pick(engine.context, row, given.get("user"))
        if (wallet := wallets.wallet_named(name)) is not None
    ]
    body = html(_PICKER, shop=row["shop_name"], wallets=choices)
    return document("Pick a wallet · Alipay+", "wallet.css", body)


def _choice(account: sqlite3.Row, *, first: bool) -> Html:
    return html(
        _ACCOUNT_CHOICE,
        user=account["user_id"],
        checked=Html(" checked") if first else nothing(),
        initials=_initials(account["name"]),
        name=account["name"],
        login=wallets.masked_login(account["login_id"]),
        balance=amount(Money(account["balance"], account["currency"])),
    )


def _limit_in_words(wallet: Wallet) -> str:
    parts = []
    if wallet.maximum is not None:
        parts.append(f"{Money(wallet.maximum, wallet.currency)} a payment")
    periods = {1: "a day", 30: "in 30 days", 365: "in a year"}
    parts += [f"{Money(limit.value, wallet.currency)} {periods[limit.days]}" for limit in wallet.limits]
    if not parts:
        return f"{wallet.title} sets no limit of its own to these payments."
    return f"{wallet.title} never lets more than {' and '.join(parts)} pass."


def _authorization(visit: _Visit) -> sqlite3.Row:
    row = authorizations.open_authorization(visit.context, visit.given.get("authId", ""))
    allowed = [row["wallet"]] if row["wallet"] else authorizations.wallets_to_pick(visit.context, row)
    if visit.wallet.name not in allowed:
        raise LinkUnusable("This link belongs to another wallet. Go back to the shop and start again.")
    return row


def _shop_name(visit: _Visit, client_id: str) -> str:
    merchant = merchants.find(visit.context, client_id)
    return merchant.name if merchant is not None else client_id


def _decide(visit: _Visit) -> Response:
    decision = visit.given.get("decision", "")
    query = {"authId": visit.given.get("authId", "")}
    try:
        _authorization(visit)
        if decision == "refuse":
            visit.engine.refuse(query["authId"])
        elif decision in ("agree", "agree_and_lose_the_callback"):
            visit.engine.agree(query["authId"], visit.given.get("user", ""), visit.wallet.name)
        else:
            return _sorry(visit, "Choose to agree, or not.", 400)
    except LinkUnusable as reason:
        return _sorry(visit, str(reason))
    except UnknownUser:
        return _sorry(visit, "Choose the account to pay from.", 400)
    if decision == "agree_and_lose_the_callback":
        query["lost"] = "yes"
    return go_to(f"/wallet/{visit.wallet.name}/done?{urlencode(query)}")


_DONE = """<section class="card result"><div class="mark {state}" aria-hidden="true">{sign}</div>
<h1>{headline}</h1><p>{sentence}</p>{way_back}{account}</section>"""


def _done(visit: _Visit) -> Response:
    """The wallet's own result page; the way back to the shop is its button."""
    row = _decided(visit)
    if row is None:
        return _sorry(visit, "There is nothing decided here.", 404)
    shop, agreed = row["shop_name"] or _shop_name(visit, row["client_id"]), row["status"] == "AUTHORIZED"
    lost = bool(visit.given.get("lost"))
    if lost:
        sentence = f"The way back is lost, as you wished. {shop} hears of your agreement by notification."
    elif agreed:
        sentence = f"{shop} can now charge what you order there. Go back to finish linking."
    else:
        sentence = f"Nothing was linked, and {shop} cannot charge you."
    account = nothing()
    if agreed:
        account = html(
            '<a class="quiet" href="/wallet/{wallet}/users/{user}">My {title} account</a>',
            wallet=visit.wallet.name,
            user=row["user_id"],
            title=visit.wallet.title,
        )
    body = html(
        _DONE,
        state="good" if agreed else "",
        sign="✓" if agreed else "–",
        headline="Agreed" if agreed else "Not linked",
        sentence=sentence,
        way_back=nothing() if lost else _way_back(visit, row, shop),
        account=account,
    )
    return _screen(visit, "Agreed" if agreed else "Not linked", body)


def _decided(visit: _Visit) -> sqlite3.Row | None:
    return visit.context.store.one(
        "SELECT authorizations.*, codes.code FROM authorizations "
        "LEFT JOIN codes ON codes.authorization_id = authorizations.id "
        # Who refused may have picked no wallet for good.
        "WHERE authorizations.id = ? AND authorizations.wallet IN ('', ?) AND authorizations.status != 'CREATED'",
        (visit.given.get("authId", ""), visit.wallet.name),
    )


def _way_back(visit: _Visit, row: sqlite3.Row, shop: str) -> Html:
    url = authorizations.return_url(visit.context, row, row["code"])
    return html(
        '<a class="big main button" href="{url}">Back to {shop}</a><p class="fine">{place}</p>',
        url=url,
        shop=shop,
        place=urlsplit(url).netloc,
    )


# The account.

_ACCOUNT = """<section class="card purse"><p>{name}<small>{login}</small></p><p class="balance">{balance}</p></section>
{said}
<section class="card"><h2>Shops that may charge you</h2>{shops}</section>
<section class="card"><h2>Latest payments</h2>{payments}</section>"""

_SHOP = """<li><span class="tile shop" aria-hidden="true">{initials}</span><span><b>{shop}</b>
<small>since {since}</small></span>
<a class="button small" href="/wallet/{wallet}/users/{user}/end?{query}">End…</a></li>"""


def _account(visit: _Visit, account: sqlite3.Row) -> Response:
    shops = [
        html(
            _SHOP,
            initials=_initials(_shop_name(visit, token["client_id"])),
            shop=_shop_name(visit, token["client_id"]),
            since=when(token["since"]),
            wallet=visit.wallet.name,
            user=account["user_id"],
            query=urlencode({"client": token["client_id"]}),
        )
        for token in _linked(visit, account["user_id"])
    ]
    body = html(
        _ACCOUNT,
        name=account["name"],
        login=wallets.masked_login(account["login_id"]),
        balance=amount(Money(account["balance"], account["currency"])),
        said=html('<p class="said" role="status">Ended. This shop can no longer charge you.</p>')
        if visit.given.get("ended")
        else nothing(),
        shops=html('<ul class="shops">{shops}</ul>', shops=shops)
        if shops
        else html('<p class="empty">None. When you agree to automatic payments, the shop appears here.</p>'),
        payments=_payments(visit, account["user_id"]),
    )
    return _screen(visit, account["name"], body)


def _linked(visit: _Visit, user_id: str) -> list[sqlite3.Row]:
    return visit.context.store.all(
        "SELECT client_id, MIN(issued_at) AS since FROM tokens WHERE user_id = ? AND wallet = ? "
        "AND status = 'ACTIVE' AND kind = 'AGREEMENT' AND expires_at > ? GROUP BY client_id",
        (user_id, visit.wallet.name, visit.context.now()),
    )


_PAYMENT = """<li><span><b>{what}</b><small>{shop} · {at}</small></span>
<span class="money">{amount}{state}</span></li>"""


def _payments(visit: _Visit, user_id: str) -> Html:
    rows = visit.context.store.all(
        "SELECT * FROM payments WHERE user_id = ? AND wallet = ? ORDER BY number DESC LIMIT ?",
        (user_id, visit.wallet.name, _PAYMENTS_SHOWN),
    )
    if not rows:
        return html('<p class="empty">No payments yet.</p>')
    lines = [
        html(
            _PAYMENT,
            what=row["description"] or row["order_id"] or "Payment",
            shop=_shop_name(visit, row["client_id"]),
            at=when(row["paid_at"] or row["created_at"]),
            amount=amount(Money(row["value"], row["currency"])),
            state=_state(row),
        )
        for row in rows
    ]
    return html('<ul class="shops">{lines}</ul>', lines=lines)


def _state(row: sqlite3.Row) -> Html:
    if row["status"] == "SUCCESS" and row["returned_value"]:
        return chip(f"{Money(row['returned_value'], row['currency'])} back", "good")
    words = {
        "SUCCESS": ("Paid", "good"),
        "FAIL": ("Not paid", "bad"),
        "CANCELLED": ("Cancelled", ""),
        "PROCESSING": ("In process", "wait"),
    }
    return chip(*words[row["status"]])


_END = """<form class="card result" method="post" action="/wallet/{wallet}/users/{user}/end">
<input type="hidden" name="client" value="{client}">
<div class="mark wait" aria-hidden="true">?</div>
<h1>End automatic payments to {shop}?</h1>
<p>{shop} can no longer charge this account. What you already paid stays paid. {telling}</p>
<label class="field">Reason, if you like <input name="reason" maxlength="200" autocomplete="off"></label>
<button class="big risk">End payments to {shop}</button>
<a class="quiet" href="/wallet/{wallet}/users/{user}">Keep them</a>
</form>"""


def _ask_to_end(visit: _Visit, account: sqlite3.Row) -> Response:
    client_id = visit.given.get("client", "")
    if client_id not in [token["client_id"] for token in _linked(visit, account["user_id"])]:
        return _sorry(visit, "This shop cannot charge you (any more).", 404)
    shop = _shop_name(visit, client_id)
    telling = (
        f"{visit.wallet.title} tells {shop}."
        if visit.wallet.tells_revocation
        else f"{visit.wallet.title} does not tell {shop}: it finds out at the next payment."
    )
    body = html(
        _END,
        wallet=visit.wallet.name,
        user=account["user_id"],
        client=client_id,
        shop=shop,
        telling=telling,
    )
    return _screen(visit, f"End payments to {shop}?", body)


def _end(visit: _Visit, account: sqlite3.Row) -> Response:
    user_id = account["user_id"]
    try:
        ended = visit.engine.revoke_in_the_wallet(
            user_id, visit.wallet.name, visit.given.get("client", ""), visit.given.get("reason", "")[:200]
        )
    except UnbindingRefused as reason:
        return _sorry(visit, str(reason), 409)
    return go_to(f"/wallet/{visit.wallet.name}/users/{user_id}" + ("?ended=yes" if ended else ""))
