"""What the pages of settlement share: the law as a sentence, chips, filters by file."""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.db.models import Count, IntegerField, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString

from portal.admin import display
from portal.admin.display import Chip
from portal.admin.ledger import Table
from portal.money import Money
from portal.words import lazy, say, told
from reconciliation import periods
from reconciliation.models import Batch, Discrepancy, Period, ReportFile, RowState, SettlementRow
from reconciliation.queries import rows_of_step

DISCREPANCIES_SHOWN = 20

STATE_TONES = {RowState.MATCHED: "good", RowState.EXPLAINED: "", RowState.OPEN: "wait"}


def state_chip(state: str) -> SafeString:
    """What became of a row."""
    return display.chip(RowState(state).label, STATE_TONES[RowState(state)])


def as_printed(row: SettlementRow) -> Table:
    """The cells of a row as the file prints them."""
    cells = [(display.column_name(name), display.mono(cell)) for name, cell in row.raw.items()]
    return Table((say("Column"), say("Cell")), cells)


def law_sentence(currency: str, reported: int, matched: int, explained: int, open_value: int) -> SafeString:
    """*Reported = matched + explained + open*, as one line; a negative part is taken away."""
    return format_html(
        '{} {} = {} {} <span>{} {} {}</span> <span class="{}">{} {} {}</span><span class="cur">{}</span>',
        say("Reported"),
        Money(reported, currency).display,
        say("matched"),
        Money(matched, currency).display,
        "−" if explained < 0 else "+",
        say("explained"),
        Money(abs(explained), currency).display,
        "due" if open_value else "",
        "−" if open_value < 0 else "+",
        say("open"),
        Money(abs(open_value), currency).display,
        currency,
    )


def open_chip(count: int) -> Chip:
    """How many discrepancies wait."""
    return Chip(say("{count} open", count=count), "wait") if count else Chip(say("Nothing open"), "good")


def open_of_file(file: str) -> Coalesce:
    """A subquery that counts the open discrepancies of the file in this column."""
    found = (
        Discrepancy.objects.filter(file=OuterRef(file), closed_at=None)
        .order_by()
        .values("file")
        .annotate(count=Count("pk"))
        .values("count")
    )
    return Coalesce(Subquery(found, output_field=IntegerField()), 0)


def list_url(model: str, **filters: Any) -> str:
    """The URL of a list of ours, filtered."""
    return f"{reverse(f'admin:reconciliation_{model}_changelist')}?{urlencode(filters)}"


def discrepancy_table(found: Iterable[Discrepancy]) -> Table:
    """Open discrepancies inside a card."""
    return Table(
        head=(say("Reason"), say("Line"), say("What differs"), say("At stake")),
        rows=[
            (
                display.to(one, told(one.get_reason_display())),
                line_number(one),
                sentence(one.sentence),
                display.money(one.stake) if one.stake_value else display.NOTHING,
            )
            for one in found
        ],
        numeric=frozenset({1, 3}),
        empty=say("Nothing is open."),
    )


def sentence(text: str) -> SafeString:
    """A sentence in a cell, which may wrap where other cells may not."""
    return format_html('<span class="sentence">{}</span>', told(text))


def rows_in_words(count: int) -> str:
    """``1 row``, ``1,204 rows``."""
    return say("{count:,} row{ending}", count=count, ending="" if count == 1 else "s")


def line_number(one: Discrepancy) -> Any:
    """The line of the file it is about, linked to its row."""
    if one.row is not None:
        return display.to(one.row, one.row.line_number)
    return one.summary_row.line_number if one.summary_row is not None else display.NOTHING


class FileFilter(admin.SimpleListFilter):
    """One file, chosen on its own page."""

    title = lazy("file")
    parameter_name = "file"
    path = "file"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        chosen = request.GET.get(self.parameter_name, "")
        if not _is_key(chosen):
            return []
        return [(str(pk), name) for pk, name in ReportFile.objects.filter(pk=chosen).values_list("pk", "name")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        known = {value for value, _ in self.lookup_choices}
        return queryset.filter(**{self.path: self.value()}) if self.value() in known else queryset


class BatchFilter(admin.SimpleListFilter):
    """One batch, chosen on its own page."""

    title = lazy("batch")
    parameter_name = "batch"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        chosen = request.GET.get(self.parameter_name, "")
        if not _is_key(chosen):
            return []
        return [(str(pk), name) for pk, name in Batch.objects.filter(pk=chosen).values_list("pk", "batch_id")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        known = {value for value, _ in self.lookup_choices}
        return queryset.filter(batch=self.value()) if self.value() in known else queryset


class MonthFilter(admin.SimpleListFilter):
    """The settlement rows of one month and currency, chosen on the month's page: ``?month=12.USD``."""

    title = lazy("month")
    parameter_name = "month"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        chosen = request.GET.get(self.parameter_name, "")
        key, _, currency = chosen.partition(".")
        period = Period.objects.filter(pk=key).first() if _is_key(key) and currency.isascii() else None
        self._period, self._currency = period, currency
        return [(chosen, f"{told(str(period))}, {currency}")] if period is not None else []

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self._period is None:
            return queryset
        return queryset.filter(batch__in=periods.batches(self._period).values("pk"), currency=self._currency)


class StepFilter(admin.SimpleListFilter):
    """The rows a step from gross to net is made of, chosen in the picture."""

    title = lazy("step")
    parameter_name = "step"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        chosen = request.GET.get(self.parameter_name, "")
        labels = {
            "gross": say("Gross"),
            "refunds": say("Refunds"),
            "fees": say("Fees"),
            "fx": "FX",
            "disputes": say("Disputes"),
        }
        labels |= {"reserve": say("Reserve"), "other": say("Other"), "net": say("Net")}
        return [(chosen, labels[chosen])] if chosen in labels else []

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(rows_of_step(self.value() or "")) if self.lookup_choices else queryset


def _is_key(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 18


OPEN = Q(closed_at__isnull=True)
