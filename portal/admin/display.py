"""How the desk writes things: money, states, times, ids.

Colour means state, and a word and an icon always say it too.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, TypeVar

from django.contrib import admin
from django.db.models import Model
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from portal import clock
from portal.gateways import meaning_of
from portal.models import AcquirerAccount
from portal.money import Money
from portal.words import counted, say, told

NOTHING = "–"
"""What an empty cell shows."""


class Shown(SafeString):
    """Markup that remembers what it shows: exports write the value, pages the markup."""

    value: Any


def shown(markup: SafeString, value: Any) -> Shown:
    """Markup, and the value it shows."""
    held = Shown(markup)
    held.value = value
    return held


def as_told(value: Any, *, is_ours: bool = False) -> Any:
    """A text of ours in the reader's language; markup and values of other kinds as they are."""
    return (
        told(value, is_ours=is_ours)
        if isinstance(value, str | Promise) and not isinstance(value, SafeString)
        else value
    )


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
    said = told(word, is_ours=True)
    return shown(format_html('<span class="chip {}">{}{}</span>', tone, icon(ICONS.get(tone, "dot")), said), said)


def money(amount: Money | None) -> SafeString | str:
    """An amount with its currency small behind it."""
    if amount is None:
        return NOTHING
    markup = format_html('<span class="money">{}<span class="cur">{}</span></span>', amount.display, amount.currency)
    return shown(markup, amount)


def minor(value: int | None, currency: str) -> SafeString | str:
    """An amount that stands in two columns, in minor units."""
    return NOTHING if value is None or not currency else money(Money(value, currency))


def mono(text: str) -> SafeString | str:
    """An id, in figures that are easy to compare."""
    return shown(format_html('<span class="mono">{}</span>', text), text) if text else NOTHING


_HEAD, _TAIL = 10, 6
"""What a narrow place shows of a long id: prefix and day, and the end by which people tell ids apart."""


def column_name(text: str) -> SafeString | str:
    """A column's name as a report prints it, which breaks between its words where there is little room."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", text).split(" ")
    return shown(format_html_join(SafeString("<wbr>"), "{}", ((word,) for word in words)), text)


def file_name(text: str) -> SafeString | str:
    """A file's name, which breaks between its parts where there is little room."""
    return shown(format_html_join(SafeString("<wbr>"), "{}", ((part,) for part in re.split("(?<=_)", text))), text)


def ident(text: str) -> SafeString | str:
    """A long id where there is little room: its middle is hidden from the eye, not from whoever copies it."""
    if len(text) <= _HEAD + _TAIL + 2:
        return mono(text)
    markup = format_html(
        '<span class="mono id" title="{}"><span>{}</span>{}</span>', text, text[:-_TAIL], text[-_TAIL:]
    )
    return shown(markup, text)


def cut(text: str) -> SafeString | str:
    """A name in a list's cell, as far as there is room; all of it on hover, and for whoever copies it."""
    return shown(format_html('<span class="cut" title="{}">{}</span>', text, text), text) if text else NOTHING


def sentence(text: Any) -> SafeString | str:
    """Words in a list's cell, over several lines where one has no room."""
    said = as_told(text, is_ours=True)
    return shown(format_html('<span class="sentence">{}</span>', said), getattr(text, "value", said)) if text else ""


def reason_words(code: str) -> str:
    """Why somebody acted, as the reader says it; the code is one of ours."""
    return told(code.replace("_", " ").capitalize(), is_ours=True)


def person(name: str) -> SafeString | str:
    """Who somebody is, as they are called: never told in another language."""
    return shown(format_html("{}", name), name) if name else NOTHING


def brief(text: str) -> str:
    """A long id in a sentence: ``OR20260314…9Q5T3J``."""
    return text if len(text) <= _HEAD + _TAIL + 2 else f"{text[:_HEAD]}…{text[-_TAIL:]}"


def crumb(text: str) -> str:
    """A thing's name in a line: ids are shortened; words are not, nor a file's name, whose middle tells which it is."""
    return text if " " in text or "." in text else brief(text)


def link(url: str, label: Any) -> SafeString:
    """A link; without a URL, its label."""
    markup = format_html('<a href="{}">{}</a>', url, label) if url else format_html("{}", label)
    return shown(markup, getattr(label, "value", label))


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
    return link(page_of(thing), _name_of(thing) if label is None else label)


def _name_of(thing: Model) -> str:
    name = str(thing)
    return told(name, is_ours=True) if " " in name else name  # one word is an id, or what somebody called it


def joined(parts: Iterable[Any], separator: str = " · ") -> SafeString:
    """The parts that are not empty, in one line."""
    held = [as_told(part) for part in parts if part]
    words = separator.join(str(getattr(part, "value", part)) for part in held)
    return shown(format_html_join(separator, "{}", ((part,) for part in held)), words)


def meaning_facts(account: AcquirerAccount, code: str, api: str) -> list[tuple[str, str]]:
    """What a result code of this account's API means, and what to do about it; nothing where there is nothing to do."""
    if not code or code == "SUCCESS":
        return []
    meaning = meaning_of(account, code, api)
    return [(say("Means"), told(meaning.meaning)), (say("What to do"), told(meaning.what_to_do))]


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
    return f"{date_format(timezone.localtime(moment), say('j M Y H:i:s'))} {zone_name(moment)}"


def acquirer_time(moment: datetime | None) -> str:
    """``14 Mar 2026 00:15 UTC+8``: where the acquirer's day counts, whatever the desk's zone is."""
    if moment is None:
        return NOTHING
    there = moment.astimezone(clock.ACQUIRER_ZONE)
    return f"{date_format(there, say('j M Y H:i'))} UTC+8"


def short(moment: datetime, *, seconds: bool = False) -> str:
    """``13 Mar 10:41``, with the year only when it is another one."""
    local, now = timezone.localtime(moment), timezone.localtime(clock.now())
    day = day_name(local, with_year=local.year != now.year)
    return f"{day} {local:%H:%M:%S}" if seconds else f"{day} {local:%H:%M}"


def day_name(day: date, *, with_year: bool = False, with_weekday: bool = False) -> str:
    """``13 Mar``, ``13 Mar 2026``, ``Fri 13 Mar``."""
    if with_weekday:
        return date_format(day, say("D j M"))
    return date_format(day, say("j M Y") if with_year else say("j M"))


def span(length: timedelta) -> str:
    """A length of time in its one largest unit: ``40 s``, ``5 min``, ``26 h``, ``3 days``."""
    seconds = int(abs(length).total_seconds())
    if seconds < 60:
        return say("{count} s", count=seconds)
    if seconds < 3600:
        return say("{count} min", count=seconds // 60)
    if seconds < 48 * 3600:
        return say("{count} h", count=seconds // 3600)
    return say("{count} days", count=seconds // 86400)


def relative(moment: datetime) -> str:
    """``just now``, ``4 min ago``, ``in 3 days``; after a week the day itself."""
    distance = clock.now() - moment
    if abs(distance) < timedelta(seconds=10):
        return say("just now")
    if abs(distance) >= timedelta(days=7):
        return short(moment)
    return say("{span} ago", span=span(distance)) if distance > timedelta(0) else say("in {span}", span=span(distance))


def when(moment: datetime | None) -> SafeString | str:
    """A time as lists show it: relative, exact on hover."""
    if moment is None:
        return NOTHING
    markup = format_html(
        '<time datetime="{}" title="{}">{}</time>', moment.isoformat(), exact(moment), relative(moment)
    )
    return shown(markup, moment)


def stamp(moment: datetime | None, *, seconds: bool = True) -> SafeString | str:
    """A time as a timeline shows it: the moment, exact on hover."""
    if moment is None:
        return NOTHING
    markup = format_html(
        '<time datetime="{}" title="{}">{}</time>', moment.isoformat(), exact(moment), short(moment, seconds=seconds)
    )
    return shown(markup, moment)


def left(length: timedelta) -> str:
    """How long is left, in its two largest units: ``3 days 4 h``, ``13 h 42 min``, ``4 min 10 s``, ``40 s``."""
    seconds = max(0, int(length.total_seconds()))
    days, hours, minutes = seconds // 86400, seconds // 3600 % 24, seconds // 60 % 60
    if days:
        whole = counted("{count} day", "{count} days", days)
        return f"{whole} {say('{count} h', count=hours)}" if hours else whole
    if hours:
        whole = say("{count} h", count=hours)
        return f"{whole} {say('{count} min', count=minutes)}" if minutes else whole
    if minutes:
        whole = say("{count} min", count=minutes)
        return f"{whole} {say('{count} s', count=seconds % 60)}" if seconds % 60 else whole
    return say("{count} s", count=seconds)


def countdown(until: datetime) -> SafeString:
    """How long is left until a moment; where scripts run, the page goes on counting by the portal's own clock."""
    now = clock.now()
    words = (
        say("{left} left", left=left(until - now)) if until > now else say("passed {span} ago", span=span(now - until))
    )
    return format_html(
        '<time class="left{}" datetime="{}" title="{}" data-until="{}" data-now="{}">{}</time>',
        "" if until > now else " passed",
        until.isoformat(),
        exact(until),
        int(until.timestamp() * 1000),
        int(now.timestamp() * 1000),
        words,
    )


Column = TypeVar("Column", bound=Callable[..., Any])


def column(
    title: str, *, numeric: bool = False, wraps: bool = False, is_minor: bool = False, is_money: bool = False
) -> Callable[[Column], Column]:
    """Name a list's column.

    ``numeric`` ones stand right-aligned in tabular figures, texts that are long wrap, and what ``is_minor`` gives way
    on a narrow screen: the thing's page tells it too. What ``is_money`` has its currency in a column of its own when
    the list is exported.
    """
    kinds = (("num", numeric), ("wrap", wraps), ("minor", is_minor))

    def named(function: Column) -> Column:
        described = admin.display(description=title)(function)
        described.cell_class = " ".join(kind for kind, holds in kinds if holds)  # type: ignore[attr-defined]
        described.is_money = is_money  # type: ignore[attr-defined]
        return described

    return named
