"""The desk's pages of single rows: as printed, as understood, and whose they are."""

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from portal.admin import display
from portal.admin.acts import Act, Done
from portal.admin.display import Chip
from portal.admin.ledger import AccountFilter, Card, Headline, LedgerAdmin, Question, Questions, Table
from portal.money import Money
from portal.words import lazy, say, told
from reconciliation import operations
from reconciliation.admin.discrepancy_forms import UnmatchForm
from reconciliation.admin.shared import (
    STATE_TONES,
    BatchFilter,
    FileFilter,
    MonthFilter,
    StepFilter,
    as_printed,
    sentence,
    state_chip,
)
from reconciliation.models import FileStatus, Match, Role, RowState, SettlementRow
from reconciliation.operations.by_hand import not_unmatchable
from reconciliation.row_types import ExplanationKind


class RowQuestions(Questions):
    """What one asks about rows."""

    questions = (
        Question("open", lazy("Open"), lambda: Q(state=RowState.OPEN)),
        Question("matched", lazy("Matched"), lambda: Q(state=RowState.MATCHED)),
        Question("explained", lazy("Explained"), lambda: Q(state=RowState.EXPLAINED)),
    )


class RowAccount(AccountFilter):
    """By account."""

    path = "file__account"


@admin.register(SettlementRow)
class SettlementRowAdmin(LedgerAdmin):
    """One line of a details report."""

    section, position, icon, menu_label = "Finance", 40, "order", "Settlement rows"
    hint = lazy("as printed")
    empty_title = lazy("No row yet")
    empty_text = lazy("Rows come with settlement reports.")
    change_form_template = "reconciliation/row.html"  # what became of it first
    list_display = ("line", "row_type", "request_id", "state_shown", "amount", "net_shown")
    more_columns = ("transaction_id", "printed_status", "payment_method_type", "quote_currency_pair", "quote_price")
    list_select_related = ("file", "batch")
    list_filter = (RowQuestions, FileFilter, BatchFilter, MonthFilter, StepFilter, RowAccount)
    search_fields = (
        "transaction_request_id",
        "transaction_id",
        "original_transaction_request_id",
        "reference_transaction_id",
        "batch__batch_id",
    )
    ordering = ("-file_id", "line_number")
    page_select_related = ("file__account",)
    acts = (
        Act("unmatch", lazy("Unmatch…"), form=UnmatchForm, permission="act_match_discrepancy", why_not=not_unmatchable),
    )

    def unmatch(self, request: HttpRequest, row: SettlementRow, form: UnmatchForm) -> Done:
        """Take the match away."""
        opened = operations.unmatch(
            row,
            by=form.actor,
            reason_code=form.cleaned_data["reason_code"],
            note=form.cleaned_data["note"],
            remember=form.remember,
        )
        return Done(say("Unmatched. It is open now."), "wait", display.page_of(opened))

    def get_queryset(self, request: HttpRequest) -> QuerySet[SettlementRow]:
        rows: QuerySet[SettlementRow] = super().get_queryset(request)
        return rows.filter(file__status=FileStatus.IMPORTED).defer(
            "file__content", "file__preview", "file__differences"
        )

    @display.column(lazy("Line"))
    def line(self, row: SettlementRow) -> str:
        return f"{row.batch or row.file} · {row.line_number}"

    @display.column(lazy("Type"))
    def row_type(self, row: SettlementRow) -> str:
        return row.printed_type

    @display.column(lazy("Id"))
    def request_id(self, row: SettlementRow) -> SafeString | str:
        return display.mono(row.transaction_request_id or row.original_transaction_request_id or row.transaction_id)

    @display.column(lazy("State"))
    def state_shown(self, row: SettlementRow) -> SafeString:
        return state_chip(row.state)

    @display.column(lazy("Amount"), numeric=True, is_money=True)
    def amount(self, row: SettlementRow) -> SafeString | str:
        return display.money(row.transaction_amount)

    @display.column(lazy("Net"), numeric=True, is_money=True)
    def net_shown(self, row: SettlementRow) -> SafeString | str:
        return display.money(row.net)

    def headline(self, row: SettlementRow) -> Headline:
        chip = Chip(RowState(row.state).label, STATE_TONES[RowState(row.state)])
        shown = row.net if row.net is not None else row.transaction_amount
        title = display.money(shown) if shown is not None else row.printed_type
        return Headline(
            title,
            (chip,),
            say(
                "{printed_type} · line {line_number} of {file}",
                printed_type=row.printed_type,
                line_number=row.line_number,
                file=row.file,
            ),
        )

    def cards(self, request: HttpRequest, row: SettlementRow) -> list[Card]:
        match = Match.objects.filter(row=row).select_related("payment__order", "refund", "cancel").first()
        facts: list[tuple[str, Any]] = [
            (say("File"), display.to(row.file)),
            (say("Batch"), display.to(row.batch)),
            (say("Belongs to"), _whose(match)),
            (say("Gross"), display.minor(row.gross_value, row.settlement_currency)),
            (say("Fees"), display.money(row.fees_total)),
            (say("Net"), display.money(row.net)),
            (say("Rate"), display.joined((row.quote_currency_pair, row.quote_price), " ") or display.NOTHING),
        ]
        if row.superseded_by_id is not None:
            facts.append((say("Later copy"), display.to(row.superseded_by)))
        parts: list[tuple[Any, ...]] = []
        if match is not None and match.value:
            parts.append(
                (display.chip(say("Matched"), "good"), _whose(match), display.minor(match.value, match.currency))
            )
        parts += [
            (
                display.chip(say("Explained")),
                ExplanationKind(one.kind).label,
                display.minor(one.value, one.currency),
            )
            for one in row.explanations.order_by("pk")
        ]
        for found in row.discrepancies.order_by("pk"):
            chip = display.chip(say("Open"), "wait") if found.is_open else display.chip(say("Closed"), "good")
            what = display.joined((display.to(found, told(found.get_reason_display())), sentence(found.sentence)), " ")
            parts.append((chip, what, display.money(found.share)))
        return [
            Card(
                say("What became of it"),
                table=Table(("", say("What"), say("Share", sense="part")), parts, frozenset({2})),
                wide=True,
            ),
            Card(say("As understood"), facts=facts),
            Card(
                say("As printed"),
                note=say("personal data left out"),
                table=as_printed(row),
            ),
        ]

    def subjects(self, row: SettlementRow) -> list[str]:
        return [row.transaction_request_id] if row.transaction_request_id else []


def _whose(match: Match | None) -> SafeString | str:
    if match is None:
        return display.NOTHING
    thing = match.refund or match.cancel or match.payment
    amount = Money(match.refund.amount_value, match.refund.currency) if match.refund else match.payment.amount
    words = display.joined((Role(match.role).label, thing, amount, say("by hand") if match.is_by_hand else ""))
    return display.to(thing, words)
