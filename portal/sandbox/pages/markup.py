"""HTML with every value escaped unless it is HTML already, and the two page frames around it."""

import string
from collections.abc import Iterable
from datetime import datetime
from html import escape
from typing import Any

from portal.clock import ACQUIRER_ZONE
from portal.money import Money
from portal.sandbox.engine import Response
from portal.sandbox.moments import moment

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'self'"
)


class Html(str):
    """Text that is HTML and needs no escaping."""

    __slots__ = ()


class _Escaping(string.Formatter):
    def format_field(self, value: Any, format_spec: str) -> str:
        if isinstance(value, Html):
            return value
        if isinstance(value, (list, tuple)):
            return "".join(self.format_field(one, "") for one in value)
        return escape(format(value, format_spec))


_formatter = _Escaping()


def html(template: str, /, **values: Any) -> Html:
    """The template with its ``{names}`` filled in: HTML as it is, lists joined, everything else escaped."""
    return Html(_formatter.vformat(template, (), values))


def nothing() -> Html:
    """No HTML."""
    return Html("")


def options(choices: Iterable[tuple[str, str]], chosen: str = "") -> list[Html]:
    """The options of a select: value and words."""
    return [
        html('<option value="{value}"{mark}>{words}</option>', value=value, words=words, mark=_mark(value == chosen))
        for value, words in choices
    ]


def _mark(chosen: bool) -> Html:
    return Html(" selected") if chosen else nothing()


def amount(money: Money) -> Html:
    """An amount, its currency small behind it."""
    return html('<span>{value}<span class="cur">{currency}</span></span>', value=money.display, currency=money.currency)


def chip(word: str, state: str = "") -> Html:
    """A state in a word and an icon; ``state`` is good, bad, wait or nothing."""
    icon = {"good": "✓", "bad": "✕", "wait": "◷"}.get(state, "•")
    return html('<span class="chip {state}">{icon} {word}</span>', state=state, icon=icon, word=word)


def when(milliseconds: int | None) -> Html:
    """A moment in the acquirer's zone."""
    if milliseconds is None:
        return html('<span class="dim">–</span>')
    local: datetime = moment(milliseconds).astimezone(ACQUIRER_ZONE)
    return html(
        '<time datetime="{iso}" title="{iso}">{shown}</time>',
        iso=local.isoformat(timespec="seconds"),
        shown=f"{local.day} {local:%b %H:%M:%S}",
    )


_FRAME = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<link rel="icon" href="/static/mark.svg" type="image/svg+xml">
<link rel="stylesheet" href="/static/tokens.css">
<link rel="stylesheet" href="/static/{sheet}">
</head>
{body}
</html>
"""


def document(title: str, sheet: str, body: Html, *, status: int = 200) -> Response:
    """A whole page under the strict policy."""
    text = html(_FRAME, title=title, sheet=sheet, body=body)
    headers = {
        "content-type": "text/html; charset=utf-8",
        "content-security-policy": POLICY,
        "cache-control": "no-store",
        "referrer-policy": "same-origin",
        "x-content-type-options": "nosniff",
    }
    return Response(status, headers, text.encode())


def go_to(path: str) -> Response:
    """Send the browser to a page of ours, after a form."""
    return Response(303, {"location": path, "cache-control": "no-store"})
