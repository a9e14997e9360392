"""The console's lists: payments, users, tokens, calls, notifications."""

import json
import sqlite3
from collections.abc import Mapping, Sequence

from portal.money import Money
from portal.sandbox import merchants, wallets
from portal.sandbox.calls import mask
from portal.sandbox.codes import status_of
from portal.sandbox.control_calls import users as everybody
from portal.sandbox.engine import Engine
from portal.sandbox.pages.console_parts import act_button, card, field, form, table
from portal.sandbox.pages.markup import Html, amount, chip, html, nothing, options, when
from portal.sandbox.terms import TITLES

_ROWS = 200
PAYMENT_HEADS = ("When", "State", "paymentRequestId", "Through", "Wallet", "User", "#Amount")
CALL_HEADS = ("When", "API", "Result", "Fault", "Through", "Client")
Spoken = Mapping[str, str]
"""The title of each client's protocol."""
_STATES = {
    "SUCCESS": "good",
    "ACTIVE": "good",
    "ACKNOWLEDGED": "good",
    "FAIL": "bad",
    "GIVEN_UP": "bad",
    "LOST": "bad",
    "REVOKED": "bad",
    "PROCESSING": "wait",
    "DUE": "wait",
    "HELD": "wait",
    "SENDING": "wait",
}


def mono(text: str) -> Html:
    """An id."""
    return html('<span class="mono">{text}</span>', text=text)


def _long(text: str) -> Html:
    """An id or an address that goes over several lines where one has no room."""
    return html('<span class="mono long">{text}</span>', text=text)


def state_chip(word: str) -> Html:
    """A state as it is stored, in its colour."""
    return chip(word.replace("_", " ").capitalize(), _STATES.get(word, ""))


def protocols(engine: Engine) -> Spoken:
    """What every client speaks."""
    return {one.client_id: TITLES[one.protocol] for one in merchants.all_merchants(engine.context)}


def through(spoken: Spoken, client_id: str) -> str:
    """The acquirer something went through; a stranger went through none."""
    return spoken.get(client_id, "–")


def payment_row(row: sqlite3.Row, spoken: Spoken) -> Sequence[object]:
    """A payment in a table."""
    link = html(
        '<a class="mono" href="/console/payments?id={id}">{shown}</a>',
        id=row["payment_id"],
        shown=row["payment_request_id"],
    )
    return (
        when(row["created_at"]),
        state_chip(row["status"]),
        link,
        through(spoken, row["client_id"]),
        row["wallet"],
        row["user_id"],
        amount(Money(row["value"], row["currency"])),
    )


def call_row(row: sqlite3.Row, spoken: Spoken) -> Sequence[object]:
    """A call in a table."""
    state = {"S": "good", "F": "bad", "U": "wait"}[status_of(row["code"])] if row["code"] else "bad"
    return (
        when(row["at"]),
        html(
            '<a href="/console/calls?number={number}">{api}</a>',
            number=row["number"],
            api=row["api"] or row["path"][:60] or "?",
        ),
        chip(row["code"] or "no answer", state),
        row["fault"],
        through(spoken, row["client_id"]),
        mono(row["client_id"]),
    )


def payments(engine: Engine, given: dict[str, str]) -> Html:
    """Every payment; or one, with everything about it."""
    if given.get("id"):
        return _payment(engine, given["id"])
    spoken = protocols(engine)
    rows = engine.store.all("SELECT * FROM payments ORDER BY number DESC LIMIT ?", (_ROWS,))
    return card(
        "Newest first",
        table(PAYMENT_HEADS, [payment_row(row, spoken) for row in rows], "No payment yet. Bind and pay."),
    )


def _payment(engine: Engine, payment_id: str) -> Html:
    row = engine.store.one("SELECT * FROM payments WHERE payment_id = ?", (payment_id,))
    if row is None:
        return html('<p class="dim">There is no such payment.</p>')
    here = f"/console/payments?id={payment_id}"
    facts: list[tuple[str, object]] = [
        ("State", state_chip(row["status"])),
        ("Through", through(protocols(engine), row["client_id"])),
        ("Amount", amount(Money(row["value"], row["currency"]))),
        ("Given back or promised", amount(Money(row["returned_value"], row["currency"]))),
        ("Result code", row["result_code"]),
        ("paymentRequestId", mono(row["payment_request_id"])),
        ("paymentId", mono(row["payment_id"])),
        ("Order", row["order_id"] or "–"),
        ("Wallet, user", f"{row['wallet']}, {row['user_id'] or '–'}"),
        ("Access token", mono(mask(row["access_token"]))),
        ("Settles in", row["settlement_currency"]),
        ("Created", when(row["created_at"])),
        ("Paid", when(row["paid_at"])),
        ("Cancelled", when(row["cancelled_at"])),
        ("Notified at", row["notify_url"] or "nowhere"),
    ]
    refunds = [
        (
            when(refund["created_at"]),
            state_chip(refund["status"]),
            mono(refund["refund_request_id"]),
            refund["result_code"],
            _finishing("finish_refund", refund["refund_id"], here) if refund["status"] == "PROCESSING" else "",
            amount(Money(refund["value"], refund["currency"])),
        )
        for refund in engine.store.all("SELECT * FROM refunds WHERE payment_id = ? ORDER BY number", (payment_id,))
    ]
    movements = [
        (
            when(one["at"]),
            one["kind"],
            amount(Money(one["value"], one["currency"])),
            f"{one['quote_pair']} {one['quote_price']}".strip() or "–",
            amount(Money(one["fee_value"], one["settlement_currency"])),
            amount(Money(one["converted_value"] + one["fee_value"], one["settlement_currency"])),
            mono(one["batch_id"] or "not settled"),
        )
        for one in engine.store.all("SELECT * FROM transactions WHERE payment_id = ? ORDER BY number", (payment_id,))
    ]
    processing = row["status"] == "PROCESSING"
    return html(
        "{facts}{refunds}{movements}",
        facts=card(
            "Payment",
            html(
                '<dl class="in">{facts}</dl>{acts}',
                facts=[html("<dt>{name}</dt><dd>{value}</dd>", name=name, value=value) for name, value in facts],
                acts=html('<div class="in row">{acts}</div>', acts=_finishing("finish_payment", payment_id, here))
                if processing
                else nothing(),
            ),
            more=("/console/payments", "All payments"),
        ),
        refunds=card("Refunds", table(("When", "State", "refundRequestId", "Code", "", "#Amount"), refunds, "None.")),
        movements=card(
            "Money that moved",
            table(("When", "What", "#Amount", "Rate", "#Fee", "#Net", "Batch"), movements, "None."),
        ),
    )


def _finishing(act: str, reference: str, here: str) -> Html:
    return html(
        "{paid}{failed}",
        paid=act_button(act, "Let it succeed", here, style="main", id=reference, code="SUCCESS"),
        failed=act_button(act, "Let it fail", here, id=reference, code="PROCESS_FAIL"),
    )


def users(engine: Engine, _given: dict[str, str]) -> Html:
    """Everybody, with balances to edit."""
    here = "/console/users"
    cards = []
    for person in everybody(engine):
        rows = []
        for account in person["accounts"]:
            wallet, held = account["wallet"], Money(account["balance"], account["currency"])
            hidden = html(
                '<input type="hidden" name="user" value="{user}"><input type="hidden" name="wallet" value="{wallet}">',
                user=person["id"],
                wallet=wallet,
            )
            balance = html(
                '{hidden}<input name="balance" value="{value}" inputmode="decimal" size="12" '
                'aria-label="Balance of {user} in {wallet}"><button class="btn">Set</button>',
                hidden=hidden,
                value=held.display.replace(",", ""),
                user=person["id"],
                wallet=wallet,
            )
            status = html(
                '{hidden}<select name="status" aria-label="Status of {user} in {wallet}">{choices}</select>'
                '<button class="btn">Set</button>',
                hidden=hidden,
                user=person["id"],
                wallet=wallet,
                choices=options([(one, one.capitalize()) for one in wallets.ACCOUNT_STATUSES], account["status"]),
            )
            rows.append(
                (
                    html('<a href="/wallet/{wallet}/users/{user}">{wallet}</a>', wallet=wallet, user=person["id"]),
                    amount(held),
                    form("set_balance", here, balance, style="inline"),
                    form("set_status", here, status, style="inline"),
                    account["login_id"],
                )
            )
        cards.append(
            card(
                f"{person['name']} ({person['id']})",
                table(("Wallet", "#Holds", "Set balance", "Status", "Login"), rows, "No account yet."),
            )
        )
    return html("{cards}{adding}", cards=cards, adding=_adding(engine))


def _adding(engine: Engine) -> Html:
    here = "/console/users"
    person = form(
        "add_user",
        here,
        html(
            '{id}{name}<button class="btn main">Add a person</button>',
            id=field("Id", html('<input name="id" pattern="[a-z0-9_\\-]+" maxlength="32" size="10" required>')),
            name=field("Name", html('<input name="name" maxlength="80" size="18" required>')),
        ),
        style="row",
    )
    account = form(
        "set_balance",
        here,
        html(
            '{user}{wallet}{balance}<button class="btn main">Open an account</button>',
            user=field("Person", html('<select name="user">{all}</select>', all=_people(engine))),
            wallet=field(
                "Wallet",
                html(
                    '<select name="wallet">{all}</select>',
                    all=options([(one.name, f"{one.title} ({one.currency})") for one in wallets.WALLETS.values()]),
                ),
            ),
            balance=field("Balance", html('<input name="balance" inputmode="decimal" size="10" required>')),
        ),
        style="row",
    )
    return card("More people and accounts", html('<div class="in stack">{a}{b}</div>', a=person, b=account))


def _people(engine: Engine) -> list[Html]:
    return options([(row["id"], row["name"]) for row in engine.store.all("SELECT * FROM users ORDER BY name")])


def tokens(engine: Engine, _given: dict[str, str]) -> Html:
    """Every token, masked."""
    spoken = protocols(engine)
    rows = [
        (
            when(row["issued_at"]),
            state_chip(row["status"]),
            "Payments" if row["kind"] == "AGREEMENT" else "Login",
            through(spoken, row["client_id"]),
            row["wallet"],
            html('<a href="/wallet/{wallet}/users/{user}">{user}</a>', wallet=row["wallet"], user=row["user_id"]),
            mono(mask(row["access_token"])),
            mono(mask(row["refresh_token"]) if row["refresh_token"] else "none"),
            when(row["expires_at"]),
            row["reason"],
        )
        for row in engine.store.all("SELECT * FROM tokens ORDER BY number DESC LIMIT ?", (_ROWS,))
    ]
    heads = (
        "Issued",
        "State",
        "For",
        "Through",
        "Wallet",
        "User",
        "Access token",
        "Refresh token",
        "Expires",
        "Reason",
    )
    return card("Newest first", table(heads, rows, "No token yet. Bind a wallet."))


def calls(engine: Engine, given: dict[str, str]) -> Html:
    """Every call; or one, with its bodies."""
    if given.get("number", "").isdigit():
        return _call(engine, int(given["number"]))
    spoken = protocols(engine)
    rows = engine.store.all("SELECT * FROM calls ORDER BY number DESC LIMIT ?", (_ROWS,))
    return card("Newest first", table(CALL_HEADS, [call_row(row, spoken) for row in rows], "No call yet."))


def _call(engine: Engine, number: int) -> Html:
    row = engine.store.one("SELECT * FROM calls WHERE number = ?", (number,))
    if row is None:
        return html('<p class="dim">This call is no longer kept.</p>')
    body = html(
        '{line}<div class="in pair"><div><h3>Request</h3><pre>{request}</pre></div>'
        "<div><h3>Answer</h3><pre>{answer}</pre></div></div>",
        line=table(CALL_HEADS, [call_row(row, protocols(engine))], ""),
        request=row["request"],
        answer=row["answer"],
    )
    return card(row["path"] or row["api"], body, more=("/console/calls", "All calls"))


def notifications(engine: Engine, _given: dict[str, str]) -> Html:
    """Every notification, with its attempts."""
    here, spoken = "/console/notifications", protocols(engine)
    rows = []
    for row in engine.store.all("SELECT * FROM notifications ORDER BY number DESC LIMIT ?", (_ROWS,)):
        attempts = engine.store.all("SELECT * FROM attempts WHERE notification = ? ORDER BY number", (row["number"],))
        tries = [
            html(
                "<div>{at} {status} {outcome}</div>",
                at=when(one["at"]),
                status=one["http_status"] or "",
                outcome=one["outcome"],
            )
            for one in attempts
        ]
        waiting = row["due_at"] is not None
        rows.append(
            (
                when(row["created_at"]),
                state_chip(row["status"]),
                html("{kind}<br>{reference}", kind=row["kind"], reference=_long(row["reference"])),
                through(spoken, row["client_id"]),
                html("{url}{note}", url=_long(row["url"]), note=_note(row["note"])),
                html('<div class="tries">{tries}</div>', tries=tries) if tries else "–",
                when(row["due_at"]),
                html(
                    '<div class="acts">{resend}{drop}</div>',
                    resend=act_button("resend", "Send now", here, number=row["number"]),
                    drop=act_button("drop", "Drop", here, number=row["number"]) if waiting else nothing(),
                ),
            )
        )
    heads = ("Written", "State", "What", "Through", "To", "Attempts", "Next", "")
    return card("Newest first", table(heads, rows, "No notification yet."))


def _note(note: str) -> Html:
    return html('<br><span class="dim">{note}</span>', note=note.replace("_", " ")) if note else nothing()


def webhooks(engine: Engine, given: dict[str, str]) -> Html:
    """What the shop's own backend heard since the sandbox was started, verified by it; or one message."""
    heard = engine.shop_backend.heard()
    wanted = given.get("id", "")
    one = next((message for message in heard if wanted and message.event_id == wanted), None)
    if one is not None:
        return card(f"{one.kind} {one.subject}", html('<pre class="in mono">{body}</pre>', body=_laid_out(one.body)))
    rows = [
        (
            when(message.at),
            chip("Genuine", "good") if message.is_genuine else chip("Not believed", "bad"),
            html('<a href="/console/webhooks?id={id}">{kind}</a>', id=message.event_id, kind=message.kind),
            mono(message.subject),
            message.sequence,
            mono(message.event_id),
        )
        for message in heard
    ]
    heads = ("When", "Signature", "Event", "Of", "#Number", "webhook-id")
    return card("Newest first", table(heads, rows, "Nothing yet. Pay something in the mini program."))


def _laid_out(text: str) -> str:
    try:
        return json.dumps(json.loads(text), ensure_ascii=False, indent=2)
    except (ValueError, RecursionError):
        return text
