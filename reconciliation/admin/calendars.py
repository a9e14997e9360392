"""The desk's pages of settlement calendars: on which days the acquirer settles, and when sales are expected by it."""

import calendar as grid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.dates import WEEKDAYS
from django.utils.formats import date_format
from django.utils.safestring import SafeString

from portal import clock
from portal.admin import display
from portal.admin.acts import Act, ActForm
from portal.admin.ledger import Card, Headline, LedgerAdmin, Table
from portal.words import counted, lazy, say
from reconciliation import operations
from reconciliation.calendars import Calendar, CalendarUnclear, calendar_of, read_days, spans, write_days
from reconciliation.expecting import Cycle, Expectation, ahead, day_of
from reconciliation.models import SettlementCalendar

DAYS_AHEAD = 35
"""That the preview shows; of a month's cycle more, so that the next month is in it."""
_DAYS_AHEAD_OF_MONTHS = 92
_MONTHS_SHOWN = 3
_SOON = 6
"""Expectations that the form tells of before it is saved."""


class CalendarForm(ActForm):
    """The weekend, the holidays and the days worked for them, as lists to be pasted."""

    title = lazy("Edit the settlement calendar")
    is_roomy = True
    weekend = forms.MultipleChoiceField(
        label=lazy("Weekend"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        choices=[(str(number), name) for number, name in WEEKDAYS.items()],
        help_text=lazy("Weekdays on which the acquirer never settles."),
    )
    holidays = forms.CharField(
        label=lazy("Holidays"),
        required=False,
        max_length=100_000,
        widget=forms.Textarea(attrs={"rows": 8, "class": "mono"}),
        help_text=lazy(
            "One a line: 2026-10-01 National Day. Several days in a row: 2026-10-01..2026-10-07 Golden Week."
        ),
    )
    made_up = forms.CharField(
        label=lazy("Working days of a weekend"),
        required=False,
        max_length=100_000,
        widget=forms.Textarea(attrs={"rows": 4, "class": "mono"}),
        help_text=lazy("Weekend days that are worked in exchange for a holiday, written alike."),
    )
    note = forms.CharField(label=lazy("Reason"), max_length=256, help_text=lazy("For whoever reads the journal."))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kept: Calendar = self.thing.calendar()
        self.initial.update(
            weekend=[str(number) for number in sorted(kept.weekend)],
            holidays=write_days(kept.holidays),
            made_up=write_days(kept.made_up),
        )

    def clean(self) -> dict[str, Any]:
        """Read the lists."""
        cleaned = super().clean() or self.cleaned_data
        days: dict[str, Mapping[date, str]] = {}
        for name in ("holidays", "made_up"):
            try:
                days[name] = read_days(cleaned.get(name, ""))
            except CalendarUnclear as reason:
                self.add_error(name, reason.message)
        if len(days) == 2:
            try:
                cleaned["calendar"] = calendar_of({int(number) for number in cleaned.get("weekend", ())}, **days)
            except CalendarUnclear as reason:
                self.add_error(None, reason.message)
        return cleaned

    def calendar(self) -> Calendar:
        """As it is written in the form; before that, as it is kept."""
        written = getattr(self, "cleaned_data", {}).get("calendar")
        kept: Calendar = self.thing.calendar()
        return written if isinstance(written, Calendar) else kept

    def will_happen(self) -> list[str]:
        cycle = _cycle_of(self.thing, self.calendar())
        told = [
            say("What is missing by the new calendar is looked for at once; what is not due by it is closed again."),
        ]
        return told + [
            say("Sales of {days}: expected on {day}.", days=_days(one), day=_day(one.expected_on))
            for one in ahead(cycle, _today(), DAYS_AHEAD)[:_SOON]
        ]

    def button(self) -> str:
        kept = self.calendar()
        return counted(
            "Save the calendar: {count} day listed",
            "Save the calendar: {count} days listed",
            len(kept.holidays) + len(kept.made_up),
        )


@dataclass(frozen=True)
class _Square:
    """A day in the picture of a month; without a number it belongs to another month."""

    number: str = ""
    kind: str = ""
    name: str = ""
    is_today: bool = False


@dataclass(frozen=True)
class _Month:
    """A month as weeks of squares."""

    name: str
    weeks: list[list[_Square]]


@admin.register(SettlementCalendar)
class SettlementCalendarAdmin(LedgerAdmin):
    """On which days each account is settled."""

    section, position, icon = "Finance", 65, "clock"
    menu_label = lazy("Settlement calendars")
    empty_title = lazy("No calendar yet")
    empty_text = lazy("An account's calendar is made when it is connected.")
    list_display = ("name", "cycle", "weekend_days", "next_holiday")
    list_select_related = ("account",)
    search_fields = ("account__name",)
    acts = (Act("edit", lazy("Edit…"), form=CalendarForm, permission="act_settlement_calendar", tone="main"),)

    def get_queryset(self, request: HttpRequest) -> QuerySet[SettlementCalendar]:
        return super().get_queryset(request).prefetch_related("days")

    @display.column(lazy("Account"))
    def name(self, kept: SettlementCalendar) -> str:
        return str(kept.account)

    @display.column(lazy("Cycle"))
    def cycle(self, kept: SettlementCalendar) -> str:
        return kept.account.cycle

    @display.column(lazy("Weekend"), is_minor=True)
    def weekend_days(self, kept: SettlementCalendar) -> str:
        return _weekend(kept.calendar())

    @display.column(lazy("Next holiday"), wraps=True)
    def next_holiday(self, kept: SettlementCalendar) -> str:
        coming = _coming(kept.calendar().holidays)
        return _span(coming[0]) if coming else say("none listed")

    def headline(self, kept: SettlementCalendar) -> Headline:
        nearest = ahead(_cycle_of(kept, kept.calendar()), _today(), 1)[0]
        return Headline(
            str(kept.account),
            (),
            say(
                "{cycle}: what is sold today is expected on {day}.",
                cycle=kept.account.cycle,
                day=_day(nearest.expected_on),
            ),
        )

    def cards(self, request: HttpRequest, kept: SettlementCalendar) -> list[Card]:
        calendar = kept.calendar()
        cycle = _cycle_of(kept, calendar)
        shown = _DAYS_AHEAD_OF_MONTHS if cycle.together == "M" else DAYS_AHEAD
        expectations = Table(
            head=(say("Sales of"), say("Expected on"), say("Missing from")),
            rows=[(_days(one), _day(one.expected_on), _day(one.missing_on)) for one in ahead(cycle, _today(), shown)],
        )
        return [
            Card(say("What is expected when"), note=say("days of the acquirer, UTC+8"), table=expectations, wide=True),
            Card(
                say("The next months"),
                template="reconciliation/calendar.html",
                context={"months": _months(calendar), "weekdays": [_short(number) for number in range(7)]},
                wide=True,
            ),
            Card(
                say("Calendar"),
                facts=[
                    (say("Account"), display.to(kept.account)),
                    (say("Cycle"), kept.account.cycle),
                    (
                        say("Missing after"),
                        counted(
                            "{count} working day late", "{count} working days late", kept.account.settlement_grace_days
                        ),
                    ),
                    (say("Weekend"), _weekend(calendar)),
                ],
            ),
            Card(say("Holidays"), table=_listed(calendar.holidays, say("None is listed: Monday to Friday count."))),
            Card(say("Worked weekends"), table=_listed(calendar.made_up, say("None is listed."))),
        ]

    # The acts.

    def edit(self, request: HttpRequest, kept: SettlementCalendar, form: CalendarForm) -> str:
        written = form.calendar()
        operations.edit_calendar(
            kept.account,
            set(written.weekend),
            written.holidays,
            written.made_up,
            by=form.actor,
            note=form.cleaned_data["note"],
            remember=form.remember,
        )
        return say("The calendar is saved.")


def _cycle_of(kept: SettlementCalendar, calendar: Calendar) -> Cycle:
    account = kept.account
    return Cycle(account.settlement_days, account.settlement_grace_days, account.settlement_cycle, calendar)


def _today() -> date:
    return day_of(clock.now())


def _day(day: date) -> str:
    return display.day_name(day, with_weekday=True)


def _days(one: Expectation) -> str:
    if one.first == one.last:
        return _day(one.first)
    return say("{first} to {last}", first=_day(one.first), last=_day(one.last))


def _weekend(calendar: Calendar) -> str:
    return ", ".join(str(WEEKDAYS[number]) for number in sorted(calendar.weekend)) or say("none")


def _coming(days: Mapping[date, str]) -> list[tuple[date, date, str]]:
    return [span for span in spans(sorted(days.items())) if span[1] >= _today()]


def _span(span: tuple[date, date, str]) -> str:
    first, last, name = span
    days = display.day_name(first, with_year=True)
    if last > first:
        days = say("{first} to {last}", first=display.day_name(first), last=display.day_name(last, with_year=True))
    return f"{days} {name}".strip()


def _listed(days: Mapping[date, str], empty: str) -> Table:
    rows: list[tuple[str | SafeString, ...]] = [
        (_span((first, last, "")), name) for first, last, name in spans(sorted(days.items()))
    ]
    return Table(head=(say("Days"), say("Name")), rows=rows, empty=empty)


def _short(weekday: int) -> str:
    return date_format(date(2024, 1, 1 + weekday), "D")  # a Monday and the days after it


def _months(calendar: Calendar) -> list[_Month]:
    """This month and the next ones."""
    first = _today().replace(day=1)
    found = []
    for _ in range(_MONTHS_SHOWN):
        weeks = grid.Calendar().monthdatescalendar(first.year, first.month)
        squares = [[_square(day, first.month, calendar) for day in week] for week in weeks]
        found.append(_Month(date_format(first, say("F Y")), squares))
        first = (first.replace(day=28) + timedelta(days=4)).replace(day=1)
    return found


def _square(day: date, month: int, calendar: Calendar) -> _Square:
    if day.month != month:
        return _Square()
    kind = "worked" if day in calendar.made_up else "" if calendar.is_working(day) else "free"
    if day in calendar.holidays:
        kind = "holiday"
    name = calendar.made_up.get(day) or calendar.holidays.get(day, "")
    words = {"worked": say("worked"), "free": say("no settlement"), "holiday": say("holiday")}
    return _Square(str(day.day), kind, name or words.get(kind, ""), day == _today())
