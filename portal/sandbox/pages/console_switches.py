"""The console's switches: faults to set and clear, the day close, discrepancies to plant."""

import sqlite3
from datetime import datetime
from itertools import groupby

from portal.clock import ACQUIRER_ZONE
from portal.sandbox import plants, reports
from portal.sandbox.engine import Engine
from portal.sandbox.faults import APIS, KINDS, NOTIFICATIONS, Fault, Kind, documented, reasons, title_of
from portal.sandbox.pages.console_lists import Spoken, protocols, through
from portal.sandbox.pages.console_parts import act_button, card, field, form, table
from portal.sandbox.pages.markup import Html, html, options, when
from portal.sandbox.terms import TITLES
from portal.sandbox.wallets import WALLETS

_HERE = "/console/faults"
_NUMBERS = {"days": "Days", "seconds": "Seconds", "attempts": "Attempts", "calls": "Calls", "minutes": "or minutes"}


def faults(engine: Engine, _given: dict[str, str]) -> Html:
    """What is wrong now, and what may be made to go wrong."""
    now = engine.context.now()
    rows = [
        (
            title_of(fault.kind),
            ", ".join(_said(name, value) for name, value in fault.options.items()) or "everywhere",
            _lasts(fault),
            act_button("clear_fault", "End", _HERE, number=fault.number),
        )
        for fault in engine.context.faults.in_force(now)
    ]
    in_force = html(
        "{table}{all}",
        table=table(("Fault", "Where", "Lasts", ""), rows, "Nothing is wrong. Choose something below."),
        all=html('<div class="in">{button}</div>', button=act_button("clear_fault", "End all faults", _HERE))
        if len(rows) > 1
        else "",
    )
    return html(
        "{in_force}{choose}",
        in_force=card("In force", in_force),
        choose=card("Let something go wrong", html('<div class="choices">{all}</div>', all=_choices())),
    )


def _said(name: str, value: object) -> str:
    """One option of a fault, as the form below words it."""
    plain = {
        ("work_done", True): "the work is done all the same",
        ("work_done", False): "the work is not done",
        ("expires", True): "it expires",
        ("expires", False): "it stays open",
        ("then", "SUCCESS"): "then success",
        ("then", "FAIL"): "then failure",
    }
    if name in ("days", "seconds", "attempts"):
        return f"{value} {name}" if value != 1 else f"1 {name[:-1]}"
    return plain.get((name, value), str(value))


def _lasts(fault: Fault) -> Html | str:
    if fault.calls_left is None:
        return html("until {at}", at=when(fault.until))
    what = "message" if "notification" in KINDS[fault.kind].takes else "call"
    return f"the next {what}" if fault.calls_left == 1 else f"{fault.calls_left} {what}s"


def _choices() -> list[Html]:
    return [
        html(
            '<details><summary><b>{word}</b><span class="dim">{does}</span></summary>{form}</details>',
            word=title_of(word),
            does=kind.does,
            form=_fault_form(word, kind),
        )
        for word, kind in KINDS.items()
    ]


def _fault_form(word: str, kind: Kind) -> Html:
    parts: list[Html] = [html('<input type="hidden" name="fault" value="{word}">', word=word)]
    anything = ("", "any")
    if "api" in kind.takes:
        first = [] if "api" in kind.needs else [anything]
        parts.append(_select("api", "API", [*first, *((one, one) for one in APIS)]))
    if "notification" in kind.takes:
        parts.append(_select("notification", "Which", [anything, *((one, one) for one in NOTIFICATIONS)]))
    if "code" in kind.takes:
        parts.append(_code_field(word, required="code" in kind.needs))
    if "then" in kind.takes:
        parts.append(_select("then", "Then", [("SUCCESS", "success"), ("FAIL", "failure")]))
    parts.append(_select("protocol", "Protocol", [anything, *TITLES.items()]))
    parts.append(_select("wallet", "Wallet", [anything, *((one, one) for one in WALLETS)]))
    for name, words in _NUMBERS.items():
        if name in kind.takes:
            parts.append(
                field(
                    words,
                    html(
                        '<input name="{name}" inputmode="decimal" size="6"{required}>',
                        name=name,
                        required=Html(" required") if name in kind.needs else "",
                    ),
                )
            )
    if "work_done" in kind.takes:
        parts.append(_select("work_done", "The work", [("no", "is not done"), ("yes", "is done all the same")]))
    if "expires" in kind.takes:
        parts.append(_select("expires", "After a minute", [("yes", "it expires"), ("no", "it stays open")]))
    parts.append(html('<button class="btn main">Set this fault</button>'))
    return form("set_fault", _HERE, html("{parts}", parts=parts), style="row")


def _code_field(word: str, *, required: bool) -> Html:
    every_code = frozenset[str]().union(*(documented(api) for api in APIS))
    codes = sorted(every_code) if word == "answer_code" else reasons(word)
    first = [] if required else [("", "the usual")]
    return _select("code", "Code", [*first, *((one, one) for one in codes)])


def _select(name: str, words: str, choices: list[tuple[str, str]]) -> Html:
    return field(words, html('<select name="{name}">{choices}</select>', name=name, choices=options(choices)))


def _day(day: str, files: list[sqlite3.Row], spoken: Spoken, *, is_open: bool) -> Html:
    """The reports about one day, folded unless it is the newest, with all of a merchant's in one ZIP."""
    rows = [
        (
            html(
                '<a class="long" href="/reports/{day}/{name}?client_id={client}" download>{name}</a>',
                day=day,
                name=row["name"],
                client=row["client_id"],
            ),
            row["kind"],
            through(spoken, row["client_id"]),
            when(row["written_at"]),
            f"{row['size']:,}",
        )
        for row in files
    ]
    clients = dict.fromkeys(row["client_id"] for row in files)
    together = [
        html(
            '<a class="btn" href="/reports/{day}.zip?client_id={client}" download>All through {title} as ZIP</a>',
            day=day,
            client=client,
            title=through(spoken, client),
        )
        for client in clients
    ]
    written = datetime.strptime(day, "%Y%m%d").replace(tzinfo=ACQUIRER_ZONE)
    return html(
        '<details{open}><summary><b>{shown}</b><span class="dim">{count}</span></summary>'
        '<div class="in row">{together}</div>{table}</details>',
        open=Html(" open") if is_open else "",
        shown=f"{written.day} {written:%b %Y}",
        count="1 file" if len(files) == 1 else f"{len(files)} files",
        together=together,
        table=table(("File", "Report", "Through", "Written", "#Bytes"), rows, "No report yet."),
    )


def reports_page(engine: Engine, _given: dict[str, str]) -> Html:
    """The day close, its files, and what will be wrong in the next ones."""
    here, spoken = "/console/reports", protocols(engine)
    by_day = groupby(reports.listing(engine.context), key=lambda row: str(row["day"]))
    days = [_day(day, list(rows), spoken, is_open=number == 0) for number, (day, rows) in enumerate(by_day)]
    waiting = engine.store.value("SELECT COUNT(*) FROM transactions WHERE batch_id IS NULL")
    close = html(
        '<div class="in row">{button}<span class="dim">{waiting} movements wait for settlement.</span></div>',
        button=act_button("close_day", "Close today now", here, style="main"),
        waiting=waiting,
    )
    planted = [
        (one.kind.replace("_", " "), ", ".join(f"{name} {value}" for name, value in one.options.items()) or "–")
        for one in plants.waiting(engine.context)
    ]
    choose = form(
        "plant",
        here,
        html(
            '{kind}{request}{by}<button class="btn">Plant it</button>',
            kind=_select(
                "kind",
                "The next settlement report",
                [(kind, f"{kind.replace('_', ' ')}: {words}") for kind, words in plants.KINDS.items()],
            ),
            request=field("Request id, if one is meant", html('<input name="request_id" size="24">')),
            by=field("By (minor units)", html('<input name="by" inputmode="numeric" size="8">')),
        ),
        style="row in",
    )
    return html(
        "{close}{files}{plant}",
        close=card("Day close", close),
        files=card(
            "Files",
            html('<div class="days">{days}</div>', days=days) if days else html('<p class="in dim">No report yet.</p>'),
        ),
        plant=card(
            "Plant a discrepancy",
            html(
                "{choose}{waiting}",
                choose=choose,
                waiting=table(("Waiting", "Details"), planted, "No discrepancy is waiting."),
            ),
        ),
    )
