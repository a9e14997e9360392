"""The desk's pages of single rows: as printed, as understood, and whose they are."""

from typing import Any

from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.safestring import SafeString

from portal.admin import display
from portal.admin.display import Chip
from portal.admin.ledger import AccountFilter, Card, Headline, LedgerAdmin, Question, Questions, Table
from portal.money import Money
from reconciliation.admin.shared import STATE_TONES, FileFilter, sentence, state_chip
from reconciliation.models import Match, Role, RowState, SettlementRow
from reconciliation.row_types import ExplanationKind


class RowQuestions(Questions):
    """What one asks about rows."""

    questions = (
        Question("open", "Open", lambda: Q(state=RowState.OPEN)),
        Question("matched", "Matched", lambda: Q(state=RowState.MATCHED)),
        Question("explained", "Explained", lambda: Q(state=RowState.EXPLAINED)),
    )


class RowAccount(AccountFilter):
    """By account."""

    path = "file__account"


@admin.register(SettlementRow)
class SettlementRowAdmin(LedgerAdmin):
    """One line of a details report."""

    section, position, icon, menu_label = "Finance", 40, "order", "Settlement rows"
    hint = "as printed"
    empty_title = "No row yet"
    empty_text = "Rows come with settlement reports."
    list_display = ("line", "row_type", "request_id", "state_shown", "amount", "net_shown")
    list_select_related = ("file", "batch")
    list_filter = (RowQuestions, FileFilter, RowAccount)
    search_fields = (
        "transaction_request_id",
        "transaction_id",
        "original_transaction_request_id",
        "reference_transaction_id",
        "batch__batch_id",
    )
    ordering = ("-file_id", "line_number")

    @display.column("Line")
    def line(self, row: SettlementRow) -> str:
        return f"{row.batch or row.file} · {row.line_number}"

    @display.column("Type")
    def row_type(self, row: SettlementRow) -> str:
        return row.printed_type

    @display.column("Id")
    def request_id(self, row: SettlementRow) -> SafeString | str:
        return display.mono(row.transaction_request_id or row.original_transaction_request_id or row.transaction_id)

    @display.column("State")
    def state_shown(self, row: SettlementRow) -> SafeString:
        return state_chip(row.state)

    @display.column("Amount", numeric=True)
    def amount(self, row: SettlementRow) -> SafeString | str:
        return display.money(row.transaction_amount)

    @display.column("Net", numeric=True)
    def net_shown(self, row: SettlementRow) -> SafeString | str:
        return display.money(row.net)

    def headline(self, row: SettlementRow) -> Headline:
        chip = Chip(RowState(row.state).label, STATE_TONES[RowState(row.state)])
        shown = row.net if row.net is not None else row.transaction_amount
        title = display.money(shown) if shown is not None else row.printed_type
        return Headline(title, (chip,), f"{row.printed_type} · line {row.line_number} of {row.file}")

    def cards(self, request: HttpRequest, row: SettlementRow) -> list[Card]:
        match = Match.objects.filter(row=row).select_related("payment__order", "refund", "cancel").first()
        facts: list[tuple[str, Any]] = [
            ("File", display.to(row.file)),
            ("Batch", display.to(row.batch)),
            ("Belongs to", _whose(match)),
            ("Gross", display.minor(row.gross_value, row.settlement_currency)),
            ("Fees", display.money(row.fees_total)),
            ("Net", display.money(row.net)),
            ("Rate", display.joined((row.quote_currency_pair, row.quote_price), " ") or display.NOTHING),
        ]
        if row.superseded_by_id is not None:
            facts.append(("Later copy", display.to(row.superseded_by)))
        parts: list[tuple[Any, ...]] = []
        if match is not None and match.value:
            parts.append((display.chip("Matched", "good"), _whose(match), display.minor(match.value, match.currency)))
        parts += [
            (
                display.chip("Explained"),
                ExplanationKind(one.kind).label,
                display.minor(one.value, one.currency),
            )
            for one in row.explanations.order_by("pk")
        ]
        for found in row.discrepancies.order_by("pk"):
            chip = display.chip("Open", "wait") if found.is_open else display.chip("Closed", "good")
            what = display.joined((display.to(found, found.get_reason_display()), sentence(found.sentence)), " ")
            parts.append((chip, what, display.money(found.share)))
        return [
            Card("What became of it", table=Table(("", "What", "Share"), parts, frozenset({2})), wide=True),
            Card("As understood", facts=facts),
            Card(
                "As printed",
                note="personal data left out",
                table=Table(("Column", "Cell"), [(name, display.mono(cell)) for name, cell in row.raw.items()]),
            ),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The page of a row, with what became of it first."""
        response = super().change_view(request, object_id, form_url, extra_context)
        if isinstance(response, TemplateResponse):
            response.template_name = "reconciliation/row.html"
        return response

    def subjects(self, row: SettlementRow) -> list[str]:
        return [row.transaction_request_id] if row.transaction_request_id else []


def _whose(match: Match | None) -> SafeString | str:
    if match is None:
        return display.NOTHING
    thing = match.refund or match.cancel or match.payment
    amount = Money(match.refund.amount_value, match.refund.currency) if match.refund else match.payment.amount
    words = display.joined((Role(match.role).label, thing, amount))
    return display.to(thing, words)
