"""The desk's pages of accounting months: what is in the way of closing one, what it books, its journal as a file."""

import hashlib
from typing import Any

from django import forms
from django.contrib import admin
from django.db import transaction
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.html import format_html

from portal import journal
from portal.admin import display
from portal.admin.acts import Act, ActForm, ReasonForm
from portal.admin.display import Chip
from portal.admin.ledger import AccountFilter, Card, Headline, LedgerAdmin, Question, Questions, Table
from portal.errors import PortalError
from portal.money import Money
from portal.registry import TimelineEntry
from portal.words import lazy, say, told
from reconciliation import bookkeeping, journal_export, operations, periods, queries
from reconciliation.admin.falls import fall_of
from reconciliation.admin.shared import sentence
from reconciliation.bookkeeping import Entry
from reconciliation.models import Period, PeriodStatus, SettlementRow

_ENTRIES_SHOWN = 50
CSV, BEANCOUNT = "csv", "beancount"
_WRITERS = {CSV: journal_export.csv_text, BEANCOUNT: journal_export.beancount_text}
_TYPES = {CSV: "text/csv; charset=utf-8", BEANCOUNT: "text/plain; charset=utf-8"}


def _is_closed(period: Period) -> str:
    return "" if period.is_open else say("It is closed already, by {by}.", by=period.locked_by.partition(":")[2])


class LockForm(ReasonForm):
    """Close a month."""

    title = lazy("Close this month")
    reasons = operations.LOCK_REASONS

    def will_happen(self) -> list[str]:
        failing = [check.sentence for check in periods.checklist(self.thing) if not check.holds]
        if failing:
            return [say("It cannot be closed yet."), *failing]
        own, adjusting = periods.to_book(self.thing)
        return [
            say(
                "Batches of the month that are booked: {own}; of earlier months, adjusted: {adjusting}.",
                own=len(own),
                adjusting=len(adjusting),
            ),
            say(
                "It is never opened again: what comes to light later is booked in the next month, by adjusting entries."
            ),
            say("No import of a file that is booked can be undone any more."),
        ]

    def is_risky(self) -> bool:
        return True

    def button(self) -> str:
        return say("Close {month}", month=str(self.thing))


class BooksForm(ActForm):
    """Take a month's journal."""

    title = lazy("Take the journal")
    is_download = True
    kind = forms.ChoiceField(label=lazy("As"), choices=[(CSV, "CSV"), (BEANCOUNT, "beancount")])

    def will_happen(self) -> list[str]:
        if self.thing.is_open:
            return [say("The month is open: this is what it would book now, and it may change until it is closed.")]
        return [say("Double entry, balanced per batch and currency. The same bytes every time.")]

    def button(self) -> str:
        return say("Take the journal")


class PeriodQuestions(Questions):
    """What one asks about months."""

    questions = (
        Question("open", lazy("Open", sense="month"), lambda: Q(status=PeriodStatus.OPEN)),
        Question("closed", lazy("Closed", sense="month"), lambda: Q(status=PeriodStatus.LOCKED)),
    )


@admin.register(Period)
class PeriodAdmin(LedgerAdmin):
    """A month of an account's settlements."""

    section, position, icon, menu_label = "Finance", 50, "balance", "Accounting months"
    hint = lazy("newest first")
    empty_title = lazy("No month yet")
    empty_text = lazy("Months come with the settlement reports of their days.")
    change_form_template = "reconciliation/period.html"
    list_display = ("month_shown", "account", "state", "closed", "closed_by")
    list_select_related = ("account",)
    list_filter = (PeriodQuestions, AccountFilter)
    ordering = ("-month", "-pk")
    acts = (
        Act(
            "lock",
            lazy("Close the month…"),
            form=LockForm,
            permission="act_lock_period",
            tone="main",
            why_not=_is_closed,
        ),
        Act("books", lazy("Journal…"), form=BooksForm, permission="view_period"),
    )

    @display.column(lazy("Month"))
    def month_shown(self, period: Period) -> str:
        return str(period)

    @display.column(lazy("State"))
    def state(self, period: Period) -> Chip:
        return _chip(period)

    @display.column(lazy("Closed", sense="month"), numeric=True)
    def closed(self, period: Period) -> Any:
        return display.when(period.locked_at)

    @display.column(lazy("By"), is_minor=True)
    def closed_by(self, period: Period) -> Any:
        return period.locked_by.partition(":")[2] or display.NOTHING

    # The page.

    def headline(self, period: Period) -> Headline:
        return Headline(
            str(period), (_chip(period),), say("{account} · days of the acquirer (UTC+8)", account=period.account)
        )

    def timeline(self, period: Period) -> list[TimelineEntry]:
        if period.locked_at is None:
            return []
        by = period.locked_by.partition(":")[2] or period.locked_by
        return [TimelineEntry(period.locked_at, say("Closed by {by}.", by=by), period.note, "good")]

    acts_in_timeline = ("close month",)

    def cards(self, request: HttpRequest, period: Period) -> list[Card]:
        try:
            found = bookkeeping.entries(period)
        except PortalError as refusal:
            return [Card(say("Journal", sense="books"), text=refusal.message, wide=True)]
        note = say("as it was booked") if not period.is_open else say("as it would be booked now")
        return [
            Card(say("Journal", sense="books"), note=note, table=_totals(found), wide=True),
            Card(
                say("Entries"),
                note=say("the first {entries_shown} of {found:,}", entries_shown=_ENTRIES_SHOWN, found=len(found))
                if len(found) > _ENTRIES_SHOWN
                else f"{len(found)}",
                table=_entries(found[:_ENTRIES_SHOWN]),
                wide=True,
            ),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The page of a month, with what is in the way of closing it."""
        response = super().change_view(request, object_id, form_url, extra_context)
        if isinstance(response, TemplateResponse) and response.context_data is not None:
            period: Period = response.context_data["thing"]
            rows = SettlementRow.objects.filter(batch__in=periods.batches(period).exclude(details=None).values("pk"))
            response.context_data["falls"] = [
                fall
                for currency, steps in sorted(queries.waterfalls(rows).items())
                if (fall := fall_of(steps, month=f"{period.pk}.{currency}")) is not None
            ]
            checks = periods.checklist(period) if period.is_open else []
            response.context_data["checks"] = [
                (
                    display.chip(say("Holds"), "good") if check.holds else display.chip(say("Not yet"), "wait"),
                    told(check.claim),
                    display.link(check.url, told(check.sentence, is_ours=True)) if check.sentence else "",
                )
                for check in checks
            ]
        return response

    # The acts.

    def lock(self, request: HttpRequest, period: Period, form: LockForm) -> str:
        operations.lock(
            period,
            by=form.actor,
            reason_code=form.cleaned_data["reason_code"],
            note=form.cleaned_data["note"],
            remember=form.remember,
        )
        return say("{month} is closed.", month=str(period))

    def books(self, request: HttpRequest, period: Period, form: BooksForm) -> HttpResponse:
        """The journal as a file; who took it stands in the desk's own journal, with its SHA-256."""
        kind = form.cleaned_data["kind"]
        content = _WRITERS[kind](period, bookkeeping.entries(period))
        with transaction.atomic():
            journal.write(
                "take the journal of a month",
                by=form.actor,
                subject=period,
                outcome=f"{kind}, SHA-256 {hashlib.sha256(content).hexdigest()}",
            )
        response = HttpResponse(content, content_type=_TYPES[kind])
        name = f"journal-{period.account.slug}-{period.month:%Y-%m}{'-open' if period.is_open else ''}.{kind}"
        response["Content-Disposition"] = f'attachment; filename="{name}"'
        response["Cache-Control"] = "no-store"
        return response


def _chip(period: Period) -> Chip:
    return Chip(say("Open", sense="month"), "wait") if period.is_open else Chip(say("Closed", sense="month"), "good")


def _totals(found: list[Entry]) -> Table:
    rows = [
        (
            told(ledger.label),
            display.money(Money(debit, currency)) if debit else "",
            display.money(Money(credit, currency)) if credit else "",
        )
        for currency, ledger, debit, credit in bookkeeping.totals(found)
    ]
    return Table(
        (say("Account", sense="books"), say("Debit"), say("Credit")),
        rows,
        frozenset({1, 2}),
        empty=say("Nothing to book."),
    )


def _entries(found: list[Entry]) -> Table:
    rows = [
        (
            format_html('<time datetime="{0}">{0}</time>', entry.day.isoformat()),
            display.to(entry.batch, display.mono(entry.batch.batch_id)),
            display.chip(say("Adjusting"), "wait") if entry.is_adjusting else "",
            sentence(
                ", ".join(
                    f"{told(ledger.label)} {Money(value, entry.batch.currency)}".replace(" -", " −")
                    for ledger, value in entry.lines
                )
            ),
        )
        for entry in found
    ]
    return Table((say("Day"), say("Batch"), "", say("Lines, debits positive")), rows, empty=say("Nothing to book."))
