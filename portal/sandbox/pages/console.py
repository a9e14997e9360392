"""The console: everything the sandbox knows and can be made to do, for whoever runs it. Secrets stay masked."""

from collections.abc import Callable
from typing import Any

from portal.money import Money
from portal.sandbox import merchants
from portal.sandbox.engine import Engine, Response
from portal.sandbox.moments import stamp
from portal.sandbox.pages import console_lists, console_switches
from portal.sandbox.pages.console_acts import perform
from portal.sandbox.pages.console_lists import CALL_HEADS, PAYMENT_HEADS, call_row, payment_row, protocols
from portal.sandbox.pages.console_parts import act_button, card, table
from portal.sandbox.pages.markup import Html, amount, document, html, nothing, when
from portal.sandbox.terms import TITLES

_View = Callable[[Engine, dict[str, str]], Html]

_FRAME = """<body class="console">
<header class="top"><a class="brand" href="/"><img src="/static/mark.svg" alt="" width="24" height="24">
Sandbox acquirer</a>
<span class="clock">{now}<small>UTC+8</small></span></header>
<nav aria-label="Console">{nav}</nav>
<main>{said}<div class="head"><h1>{title}</h1>{note}</div>{body}</main>
</body>"""


def page(engine: Engine, method: str, path: str, given: dict[str, str]) -> Response | None:
    """A page of the console."""
    if path == "/console/act" and method == "POST":
        return perform(engine, given)
    if method not in ("GET", "HEAD") or path not in _VIEWS:
        return None
    title, note, view = _VIEWS[path]
    said = nothing()
    if given.get("said"):
        state = "bad" if given.get("state") == "bad" else "good"
        said = html('<p class="said {state}" role="status">{said}</p>', state=state, said=given["said"][:300])
    frame = html(
        _FRAME,
        now=when(engine.context.now()),
        nav=[_link(engine, to, words[0], here=to == path) for to, words in _VIEWS.items()],
        said=said,
        title=title,
        note=html('<p class="dim">{note}</p>', note=note) if note else nothing(),
        body=view(engine, given),
    )
    return document(f"{title} · Sandbox acquirer", "console.css", frame)


def _link(engine: Engine, to: str, words: str, *, here: bool) -> Html:
    count = _COUNTS[to](engine) if to in _COUNTS else 0
    return html(
        '<a href="{to}"{here}>{words}{count}</a>',
        to=to,
        here=Html(' aria-current="page"') if here else nothing(),
        words=words,
        count=html('<span class="count">{count}</span>', count=count) if count else nothing(),
    )


# The first page.

_FIGURE = """<section class="card fig"><b>{value}</b><span>{words}</span></section>"""
_ROWS_SHOWN = 8


def _overview(engine: Engine, _given: dict[str, str]) -> Html:
    store = engine.store
    complaints, spoken = engine.faults_in_the_books(), protocols(engine)
    figures: list[tuple[Any, str]] = [
        (store.value("SELECT COUNT(*) FROM payments WHERE status = 'SUCCESS'"), "payments that stand"),
        (store.value("SELECT COUNT(*) FROM payments WHERE status = 'PROCESSING'"), "in process"),
        (store.value("SELECT COUNT(*) FROM tokens WHERE status = 'ACTIVE' AND kind = 'AGREEMENT'"), "live tokens"),
        (store.value("SELECT COUNT(*) FROM notifications WHERE due_at IS NOT NULL"), "notifications waiting"),
    ]
    payments = store.all("SELECT * FROM payments ORDER BY number DESC LIMIT ?", (_ROWS_SHOWN,))
    calls = store.all("SELECT * FROM calls ORDER BY number DESC LIMIT ?", (_ROWS_SHOWN,))
    return html(
        """<div class="figures">{figures}</div>{clock}{books}{payments}{calls}{connect}""",
        figures=[html(_FIGURE, value=value, words=words) for value, words in figures],
        clock=_clock_card(engine),
        books=card(
            "The books",
            html('<p class="in good-words">✓ Every posting balances, and every account agrees with the books.</p>')
            if not complaints
            else html('<p class="in bad-words">✕ {complaints}</p>', complaints=" ".join(complaints)),
        ),
        payments=card(
            "Latest payments",
            table(PAYMENT_HEADS, [payment_row(row, spoken) for row in payments], "No payment yet. Bind and pay."),
            more=("/console/payments", "All"),
        ),
        calls=card(
            "Latest calls",
            table(CALL_HEADS, [call_row(row, spoken) for row in calls], "No call yet."),
            more=("/console/calls", "All"),
        ),
        connect=_connect_card(engine),
    )


def _clock_card(engine: Engine) -> Html:
    due = engine.next_due()
    spans = (("60", "1 minute"), ("3600", "1 hour"), ("86400", "1 day"), ("604800", "1 week"))
    words = html("Next due {at}.", at=when(stamp(due))) if due is not None else html("Nothing is due.")
    return card(
        "Time",
        html(
            """<div class="in row"><span class="dim">Move the clock, for the portal too:</span>{buttons}{tick}
            <span class="dim">{words}</span></div>""",
            buttons=[act_button("move_clock", f"+ {shown}", "/", span=span) for span, shown in spans],
            tick=act_button("tick", "Do what is due", "/"),
            words=words,
        ),
    )


def _connect_card(engine: Engine) -> Html:
    cards = [
        card(
            f"{merchant.name} at {TITLES[merchant.protocol]}",
            html(
                '<dl class="in"><dt>Gateway</dt><dd class="mono">{gateway}</dd>'
                '<dt>Client id</dt><dd class="mono">{client}</dd><dt>In reports</dt><dd class="mono">{customer}</dd>'
                "<dt>Settles in</dt><dd>{currencies}, {cycle}</dd><dt>Key versions</dt><dd>{versions}</dd>"
                "<dt>Notification URLs</dt><dd>{urls}</dd></dl>",
                gateway=engine.context.public_url,
                client=merchant.client_id,
                customer=merchant.customer_id,
                currencies=", ".join(merchant.settlement_currencies),
                cycle=merchant.settlement_cycle,
                versions=", ".join(sorted(merchant.public_keys)) or "none",
                urls=[
                    html('<div>{kind}: <span class="mono">{url}</span></div>', kind=kind, url=url)
                    for kind, url in merchant.notify_urls.items()
                ]
                or "none in the dashboard",
            ),
        )
        for merchant in merchants.all_merchants(engine.context)
    ]
    return html("{cards}", cards=cards)


# The books.


def _ledger(engine: Engine, given: dict[str, str]) -> Html:
    balances = [
        [
            html('<a href="/console/ledger?account={account}" class="mono">{account}</a>', account=account),
            html(
                '<span class="num">{sums}</span>',
                sums=[
                    html("<div>{amount}</div>", amount=amount(Money(value, currency)))
                    for currency, value in held.items()
                ],
            ),
        ]
        for account, held in engine.ledger_balances().items()
    ]
    account = given.get("account", "")
    rows = engine.store.all("SELECT * FROM entries WHERE ? IN ('', account) ORDER BY number DESC LIMIT 200", (account,))
    entries = [
        [
            when(row["at"]),
            row["kind"],
            html('<span class="mono">{reference}</span>', reference=row["reference"]),
            html('<span class="mono">{account}</span>', account=row["account"]),
            amount(Money(row["value"], row["currency"])),
        ]
        for row in rows
    ]
    return html(
        "{entries}{balances}",
        entries=card(
            f"Entries of {account}" if account else "Latest entries",
            table(("When", "What", "Reference", "Account", "#Amount"), entries, "Nothing is booked."),
            more=("/console/ledger", "All accounts") if account else None,
        ),
        balances=card("Balances", table(("Account", "#Holds"), balances, "Nothing is booked.")),
    )


def _count(sql: str) -> Callable[[Engine], int]:
    def count(engine: Engine) -> int:
        number: int = engine.store.value(sql)
        return number

    return count


_VIEWS: dict[str, tuple[str, str, _View]] = {
    "/": ("Overview", "", _overview),
    "/console/payments": ("Payments", "Refunds stand under them.", console_lists.payments),
    "/console/users": ("Users", "Invented people; edit what they hold.", console_lists.users),
    "/console/tokens": ("Tokens", "Masked. Compare by SHA-256 over the control calls.", console_lists.tokens),
    "/console/ledger": ("Ledger", "Double entry; every posting sums to zero.", _ledger),
    "/console/calls": ("Calls", "Secrets and personal data are masked.", console_lists.calls),
    "/console/notifications": ("Notifications", "Up to eight attempts each.", console_lists.notifications),
    "/console/webhooks": (
        "Webhooks",
        "What the portal tells the shop's own backend, which stands here for the demonstration.",
        console_lists.webhooks,
    ),
    "/console/faults": ("Faults", "Let something go wrong, for some calls or minutes.", console_switches.faults),
    "/console/reports": (
        "Reports",
        "The day ends at midnight, UTC+8; Alipay+ reports it at eight.",
        console_switches.reports_page,
    ),
}
_COUNTS: dict[str, Callable[[Engine], int]] = {
    "/console/notifications": _count("SELECT COUNT(*) FROM notifications WHERE due_at IS NOT NULL"),
    "/console/faults": lambda engine: len(engine.context.faults.in_force(engine.context.now())),
}
