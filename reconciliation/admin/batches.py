"""The desk's pages of settlement batches: the law as headline, from gross to net, and what is proved."""

from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.formats import date_format
from django.utils.safestring import SafeString

from portal.admin import display
from portal.admin.display import Chip
from portal.admin.ledger import AccountFilter, Card, Headline, LedgerAdmin, Question, Questions, Table
from portal.registry import TimelineEntry
from portal.words import lazy, say
from reconciliation import queries
from reconciliation.admin.falls import fall_of
from reconciliation.admin.shared import (
    DISCREPANCIES_SHOWN,
    discrepancy_table,
    law_sentence,
    list_url,
    open_chip,
    open_of_file,
    rows_in_words,
    state_chip,
)
from reconciliation.models import Batch, Discrepancy, Reason


@dataclass(frozen=True)
class Proof:
    """One line of the proof: whether it holds, and what."""

    chip: Chip
    claim: str


class BatchQuestions(Questions):
    """What one asks about batches."""

    questions = (
        Question("open", lazy("With open discrepancies"), lambda: Q(open_details__gt=0) | Q(open_summary__gt=0)),
        Question("no_details", lazy("Details missing"), lambda: Q(details__isnull=True)),
        Question("no_summary", lazy("Summary missing"), lambda: Q(summary__isnull=True)),
    )


@admin.register(Batch)
class BatchAdmin(LedgerAdmin):
    """What the acquirer pays in one go."""

    section, position, icon, menu_label = "Finance", 10, "balance", "Settlement batches"
    hint = lazy("newest first")
    empty_title = lazy("No batch yet")
    empty_text = lazy("Import settlement details or a summary to see what the acquirer pays.")
    list_display = ("batch", "account", "psp", "state", "initiated", "rows_shown", "net_shown")
    list_select_related = ("account", "details", "summary")
    page_select_related = ("details__account", "summary__account")
    list_filter = (BatchQuestions, AccountFilter)
    search_fields = ("batch_id",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Batch]:
        # One that belongs to no file is being written, or was taken back.
        rows: QuerySet[Batch] = super().get_queryset(request).exclude(details=None, summary=None)
        return rows.annotate(open_details=open_of_file("details"), open_summary=open_of_file("summary")).defer(
            "details__content", "details__preview", "summary__content", "summary__preview"
        )

    @display.column(lazy("Batch"))
    def batch(self, batch: Batch) -> SafeString | str:
        return display.mono(batch.batch_id)

    @display.column(lazy("State"))
    def state(self, batch: Batch) -> Chip:
        return open_chip(_open_count(batch))

    @display.column(lazy("Initiated"))
    def initiated(self, batch: Batch) -> str:
        return display.day_name(batch.initiated_on, with_year=True)

    @display.column(lazy("Rows"), numeric=True)
    def rows_shown(self, batch: Batch) -> str:
        return f"{batch.row_count:,}" if batch.details_id is not None else display.NOTHING

    @display.column(lazy("Net"), numeric=True, is_money=True)
    def net_shown(self, batch: Batch) -> SafeString | str:
        return display.money(batch.net)

    # The page.

    def headline(self, batch: Batch) -> Headline:
        files = sum(file is not None for file in (batch.details_id, batch.summary_id))
        day = date_format(batch.initiated_on, say("j F Y"))
        rows = say(
            "{rows_in_words} in {files} file{ending}",
            rows_in_words=rows_in_words(batch.row_count),
            files=files,
            ending="" if files == 1 else "s",
        )
        chips = (open_chip(_open_count(batch)),)
        return Headline(display.money(batch.net), chips, f"{batch.account} · {batch.psp} · {day} · {rows}")

    def timeline(self, batch: Batch) -> list[TimelineEntry]:
        entries = []
        for file, what in ((batch.details, say("Settlement details")), (batch.summary, say("Settlement summary"))):
            if file is not None:
                link = (file.name, display.page_of(file))
                by = file.imported_by
                entries.append(
                    TimelineEntry(
                        file.imported_at or file.tried_at,
                        say("{what} imported by {by}.", what=what, by=by),
                        tone="good",
                        links=(link,),
                    )
                )
        return entries

    def cards(self, request: HttpRequest, batch: Batch) -> list[Card]:
        found = (
            _open(batch)
            .select_related("row__file", "summary_row__file")
            .order_by("-is_urgent", "opened_at", "pk")[:DISCREPANCIES_SHOWN]
        )
        return [
            Card(say("Open discrepancies"), table=discrepancy_table(found), wide=True),
            Card(say("Summary against details"), table=_summary_table(batch), wide=True),
            Card(
                say("The batch"),
                facts=[
                    (say("Batch id"), display.mono(batch.batch_id)),
                    (say("Account"), display.to(batch.account)),
                    ("PSP", batch.psp),
                    (say("Initiated"), f"{batch.initiated_on.isoformat()} (UTC+8)"),
                    (say("Details"), display.to(batch.details)),
                    (say("Summary"), display.to(batch.summary)),
                    (say("Rows"), _rows_link(batch)),
                ],
            ),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The page of a batch, under the law."""
        response = super().change_view(request, object_id, form_url, extra_context)
        if isinstance(response, TemplateResponse) and response.context_data is not None:
            batch: Batch = response.context_data["thing"]
            response.template_name = "reconciliation/batch.html"
            response.context_data["laws"] = [
                law_sentence(law.currency, law.reported.value, law.matched.value, law.explained.value, law.open.value)
                for law in queries.law_of_batch(batch)
            ]
            steps = queries.waterfall(batch) if batch.details_id is not None else []
            response.context_data["fall"] = fall_of(steps, batch=batch.pk)
            response.context_data["proofs"] = proofs(batch)
        return response


def _open_count(batch: Batch) -> int:
    return int(getattr(batch, "open_details", 0)) + int(getattr(batch, "open_summary", 0))


def _open(batch: Batch) -> QuerySet[Discrepancy]:
    about = Q(row__batch=batch) | Q(summary_row__batch=batch)
    # File-wide ones belong to the batch whose file it is.
    files = [key for key in (batch.details_id, batch.summary_id) if key is not None]
    about |= Q(file__in=files, row__isnull=True, summary_row__isnull=True)
    return Discrepancy.objects.filter(about, closed_at=None)


def _rows_link(batch: Batch) -> SafeString | str:
    if batch.details_id is None:
        return display.NOTHING
    return display.link(list_url("settlementrow", file=batch.details_id), rows_in_words(batch.row_count))


def _summary_table(batch: Batch) -> Table:
    return Table(
        head=(say("Type"), "", say("Rows"), say("Summary says"), say("Details agree")),
        rows=[
            (
                row.summary_type,
                state_chip(row.state),
                f"{row.count:,}",
                display.money(row.net),
                display.minor(row.matched_value, row.currency) if row.summary_type != "TOTAL" else display.NOTHING,
            )
            for row in batch.summary_rows.all()
        ],
        numeric=frozenset({2, 3, 4}),
        empty=say("The summary of this batch is not imported yet."),
    )


def proofs(batch: Batch) -> list[Proof]:
    """What is proved of a batch, and what is still waited for."""
    counted: dict[str, int] = dict(
        Discrepancy.objects.filter(summary_row__batch=batch, closed_at=None)
        .order_by()
        .values_list("reason")
        .annotate(Count("pk"))
    )
    in_file = 0
    if batch.summary_id is not None:
        in_file = Discrepancy.objects.filter(file=batch.summary_id, row=None, summary_row=None, closed_at=None).count()
    totals = counted.pop(Reason.TOTAL_DIFFERS, 0)
    counted.pop(Reason.DETAILS_AWAITED, None)
    differing = sum(counted.values()) + in_file
    rows_open = Discrepancy.objects.filter(row__batch=batch, closed_at=None).count()
    both = batch.details_id is not None and batch.summary_id is not None
    return [
        _proof(batch.details_id is not None, 0, say("Settlement details complete to <END>")),
        _proof(batch.details_id is not None, rows_open, say("Every row matched or explained")),
        _proof(both, differing, say("Details = summary, per type and fee")),
        _proof(batch.summary_id is not None, totals, say("Types add up to TOTAL")),
    ]


def _proof(is_here: bool, differing: int, claim: str) -> Proof:
    if not is_here:
        return Proof(Chip(say("Waiting")), claim)
    return Proof(
        Chip(say("{differing} open", differing=differing), "wait") if differing else Chip(say("Holds"), "good"), claim
    )
