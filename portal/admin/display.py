"""How the desk writes things: money, states, times, ids.

Colour means state, and a word and an icon always say it too.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from django.contrib import admin
from django.db.models import Model
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from portal import clock
from portal.money import Money

NOTHING = "–"
"""What an empty cell shows."""

ICONS = {"good": "check", "bad": "cross", "wait": "clock", "": "dot"}
"""Tone → the symbol of the sprite in templates/admin/icons.html."""


@dataclass(frozen=True)
class Chip:
    """A state in a word. ``tone`` is ``good``, ``bad``, ``wait`` or empty."""

    word: str
    tone: str = ""

    def __html__(self) -> SafeString:
        return chip(self.word, self.tone)

    def __str__(self) -> str:
        return self.__html__()


def icon(name: str) -> SafeString:
    """A symbol of the sprite, silent for screen readers: the word beside it speaks."""
    return format_html('<svg class="icon" aria-hidden="true"><use href="#i-{}"></use></svg>', name)


def chip(word: str, tone: str = "") -> SafeString:
    """A state: icon and word."""
    return format_html('<span class="chip {}">{}{}</span>', tone, icon(ICONS.get(tone, "dot")), word)


def money(amount: Money | None) -> SafeString | str:
    """An amount with its currency small behind it."""
    if amount is None:
        return NOTHING
    return format_html('<span class="money">{}<span class="cur">{}</span></span>', amount.display, amount.currency)


def minor(value: int | None, currency: str) -> SafeString | str:
    """An amount that stands in two columns, in minor units."""
    return NOTHING if value is None or not currency else money(Money(value, currency))


def mono(text: str) -> SafeString | str:
    """An id, in figures that are easy to compare."""
    return format_html('<span class="mono">{}</span>', text) if text else NOTHING


_HEAD, _TAIL = 10, 6
"""What a narrow place shows of a long id: prefix and day, and the end by which people tell ids apart."""


def ident(text: str) -> SafeString | str:
    """A long id where there is little room: its middle is hidden from the eye, not from whoever copies it."""
    if len(text) <= _HEAD + _TAIL + 2:
        return mono(text)
    return format_html('<span class="mono id" title="{}"><span>{}</span>{}</span>', text, text[:-_TAIL], text[-_TAIL:])


def cut(text: str) -> SafeString | str:
    """A name in a list's cell, as far as there is room; all of it on hover, and for whoever copies it."""
    return format_html('<span class="cut" title="{}">{}</span>', text, text) if text else NOTHING


def brief(text: str) -> str:
    """A long id in a sentence: ``OR20260314…9Q5T3J``."""
    return text if len(text) <= _HEAD + _TAIL + 2 else f"{text[:_HEAD]}…{text[-_TAIL:]}"


def crumb(text: str) -> str:
    """A thing's name in the line that says where one is: ids are shortened, words are not."""
    return text if " " in text else brief(text)


def link(url: str, label: Any) -> SafeString:
    """A link; without a URL, its label."""
    return format_html('<a href="{}">{}</a>', url, label) if url else format_html("{}", label)


def page_of(thing: Model | None) -> str:
    """The URL of a thing's page in the admin; empty where it has none."""
    if thing is None or thing.pk is None:
        return ""
    return page_at(thing._meta.label_lower, thing.pk)


def page_at(label: str, key: object) -> str:
    """The URL of a page by ``app.model`` and primary key; empty where there is none."""
    app_label, _, model = label.lower().partition(".")
    try:
        return reverse(f"admin:{app_label}_{model}_change", args=(key,))
    except NoReverseMatch:
        return ""


def to(thing: Model | None, label: Any = None) -> SafeString | str:
    """A link to a thing's page, carrying what one would open it to learn."""
    if thing is None:
        return NOTHING
    return link(page_of(thing), str(thing) if label is None else label)


def joined(parts: Iterable[Any], separator: str = " · ") -> SafeString:
    """The parts that are not empty, in one line."""
    return format_html_join(separator, "{}", ((part,) for part in parts if part))


def zone_name(moment: datetime) -> str:
    """``UTC+8``, ``UTC``, ``UTC-3:30``: the offset people see times in."""
    offset = timezone.localtime(moment).utcoffset() or timedelta(0)
    minutes = int(offset.total_seconds() // 60)
    if minutes == 0:
        return "UTC"
    hours, rest = divmod(abs(minutes), 60)
    return f"UTC{'+' if minutes > 0 else '-'}{hours}" + (f":{rest:02d}" if rest else "")


def exact(moment: datetime | None) -> str:
    """``14 Mar 2026 10:42:07 UTC+8`` in the desk's zone."""
    if moment is None:
        return NOTHING
    local = timezone.localtime(moment)
    return f"{local.day} {local:%b %Y %H:%M:%S} {zone_name(moment)}"


def acquirer_time(moment: datetime | None) -> str:
    """``14 Mar 2026 00:15 UTC+8``: where the acquirer's day counts, whatever the desk's zone is."""
    if moment is None:
        return NOTHING
    there = moment.astimezone(clock.ACQUIRER_ZONE)
    return f"{there.day} {there:%b %Y %H:%M} UTC+8"


def short(moment: datetime, *, seconds: bool = False) -> str:
    """``13 Mar 10:41``, with the year only when it is another one."""
    local, now = timezone.localtime(moment), timezone.localtime(clock.now())
    year = f" {local.year}" if local.year != now.year else ""
    return (
        f"{local.day} {local:%b}{year} {local:%H:%M:%S}" if seconds else f"{local.day} {local:%b}{year} {local:%H:%M}"
    )


def span(length: timedelta) -> str:
    """A length of time in its one largest unit: ``40 s``, ``5 min``, ``26 h``, ``3 days``."""
    seconds = int(abs(length).total_seconds())
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min"
    if seconds < 48 * 3600:
        return f"{seconds // 3600} h"
    return f"{seconds // 86400} days"


def relative(moment: datetime) -> str:
    """``just now``, ``4 min ago``, ``in 3 days``; after a week the day itself."""
    distance = clock.now() - moment
    if abs(distance) < timedelta(seconds=10):
        return "just now"
    if abs(distance) >= timedelta(days=7):
        return short(moment)
    return f"{span(distance)} ago" if distance > timedelta(0) else f"in {span(distance)}"


def when(moment: datetime | None) -> SafeString | str:
    """A time as lists show it: relative, exact on hover."""
    if moment is None:
        return NOTHING
    return format_html('<time datetime="{}" title="{}">{}</time>', moment.isoformat(), exact(moment), relative(moment))


def stamp(moment: datetime | None, *, seconds: bool = True) -> SafeString | str:
    """A time as a timeline shows it: the moment, exact on hover."""
    if moment is None:
        return NOTHING
    return format_html(
        '<time datetime="{}" title="{}">{}</time>', moment.isoformat(), exact(moment), short(moment, seconds=seconds)
    )


Column = TypeVar("Column", bound=Callable[..., Any])


def column(
    title: str, *, numeric: bool = False, wraps: bool = False, is_minor: bool = False
) -> Callable[[Column], Column]:
    """Name a list's column.

    ``numeric`` ones stand right-aligned in tabular figures, texts that are long wrap, and what ``is_minor`` gives way
    on a narrow screen: the thing's page tells it too.
    """
    kinds = (("num", numeric), ("wrap", wraps), ("minor", is_minor))

    def named(function: Column) -> Column:
        described = admin.display(description=title)(function)
        described.cell_class = " ".join(kind for kind, holds in kinds if holds)  # type: ignore[attr-defined]
        return described

    return named
