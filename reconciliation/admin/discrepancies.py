"""The desk's queue of discrepancies: what differs, what is at stake, and how it ends."""

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from portal import clock
from portal.admin import display
from portal.admin.acts import Act, ActForm, Done, ReasonForm
from portal.admin.display import Chip
from portal.admin.ledger import AccountFilter, Card, DayFilter, Headline, LedgerAdmin, Question, Questions, Table
from portal.registry import TimelineEntry
from reconciliation import operations, queries
from reconciliation.admin.shared import OPEN, FileFilter
from reconciliation.models import Discrepancy, Match
from reconciliation.operations.discrepancies import CHOOSABLE


def _is_closed(discrepancy: Discrepancy) -> str:
    return "" if discrepancy.is_open else "It is closed already."


def _not_checkable(discrepancy: Discrepancy) -> str:
    if not discrepancy.is_open:
        return "It is closed already."
    return "" if discrepancy.row_id is not None else "It is about the file, not about a row of ours."


class TakeForm(ActForm):
    """Make a discrepancy one's own."""

    title = "Take this discrepancy"

    def will_happen(self) -> list[str]:
        owner = self.thing.owner
        return [
            f"{owner.get_username()} has it now; it becomes yours." if owner else "It becomes yours; others see that."
        ]

    def button(self) -> str:
        return "Take it"


class CheckForm(ActForm):
    """Decide on the row again."""

    title = "Check this row again"

    def will_happen(self) -> list[str]:
        return [
            "The row is compared once more with what our books say by now.",
            "If they agree, the discrepancy settles itself; what still differs stays open.",
        ]

    def button(self) -> str:
        return "Check again"


class CloseForm(ReasonForm):
    """Close a discrepancy with a reason."""

    title = "Close this discrepancy"
    reasons = CHOOSABLE

    def will_happen(self) -> list[str]:
        share = self.thing.share
        sentences = [f"{share} of the file count as explained from now on." if share.value else "No amount is moved."]
        sentences.append("No payment, no refund and no report row is changed by it.")
        return sentences

    def button(self) -> str:
        return f"Close with {self.thing.stake}" if self.thing.stake_value else "Close it"


class DiscrepancyQuestions(Questions):
    """What one asks about discrepancies."""

    questions = (
        Question("open", "Open", lambda: OPEN),
        Question("urgent", "Urgent", lambda: OPEN & Q(is_urgent=True)),
        Question("nobody", "Nobody has it", lambda: OPEN & Q(owner__isnull=True)),
        Question("closed", "Closed", lambda: Q(closed_at__isnull=False)),
    )


class DiscrepancyAccount(AccountFilter):
    """By account."""

    path = "file__account"


class OpenedDay(DayFilter):
    """By the day it opened."""

    field = "opened_at"


@admin.register(Discrepancy)
class DiscrepancyAdmin(LedgerAdmin):
    """A difference that a person must explain."""

    section, position, icon = "Finance", 20, "balance"
    hint = "newest first"
    empty_title = "No discrepancy"
    empty_text = "What the acquirer's reports say and our books do not is written here."
    list_display = ("reason_shown", "state", "what", "line", "stake_shown", "owner_name", "opened")
    list_select_related = ("owner", "file", "row", "summary_row")
    page_select_related = ("file__account", "row__file", "row__batch", "summary_row__batch")
    list_filter = (DiscrepancyQuestions, FileFilter, OpenedDay, DiscrepancyAccount)
    search_fields = (
        "row__transaction_request_id",
        "row__transaction_id",
        "row__batch__batch_id",
        "summary_row__batch__batch_id",
        "reason",
    )
    ordering = ("-opened_at", "-pk")
    acts = (
        Act("take", "Take it", form=TakeForm, permission="act_take_discrepancy", why_not=_is_closed),
        Act("check_again", "Check again", form=CheckForm, permission="act_take_discrepancy", why_not=_not_checkable),
        Act("close", "Close…", form=CloseForm, permission="act_close_discrepancy", tone="main", why_not=_is_closed),
    )

    def hot_count(self) -> int:
        return Discrepancy.objects.filter(OPEN).count()

    @display.column("Reason")
    def reason_shown(self, one: Discrepancy) -> str:
        return one.get_reason_display()

    @display.column("State")
    def state(self, one: Discrepancy) -> Chip:
        return _chip(one)

    @display.column("What differs", wraps=True)
    def what(self, one: Discrepancy) -> str:
        return one.sentence

    @display.column("Line", numeric=True)
    def line(self, one: Discrepancy) -> Any:
        line = one.row or one.summary_row
        return line.line_number if line is not None else display.NOTHING

    @display.column("At stake", numeric=True)
    def stake_shown(self, one: Discrepancy) -> SafeString | str:
        return display.money(one.stake) if one.stake_value else display.NOTHING

    @display.column("Owner")
    def owner_name(self, one: Discrepancy) -> str:
        return one.owner.get_username() if one.owner else "nobody"

    @display.column("Opened", numeric=True)
    def opened(self, one: Discrepancy) -> SafeString | str:
        return display.when(one.opened_at)

    # The page.

    def headline(self, one: Discrepancy) -> Headline:
        title = display.money(one.stake) if one.stake_value else one.get_reason_display()
        return Headline(title, (_chip(one), Chip(one.get_reason_display())), one.sentence)

    def timeline(self, one: Discrepancy) -> list[TimelineEntry]:
        entries = [TimelineEntry(one.opened_at, f"Opened: {one.sentence}", tone="wait")]
        if one.closed_at is not None:
            by = one.closed_by.partition(":")[2] or one.closed_by
            words = f"Closed by {by}: {one.get_resolution_display()}."
            entries.append(TimelineEntry(one.closed_at, words, detail=one.note, tone="good"))
        match = _match(one)
        if match is not None:
            entries += queries.timeline(match.refund or match.cancel or match.payment)
        return entries

    def cards(self, request: HttpRequest, one: Discrepancy) -> list[Card]:
        row = one.row
        batch = row.batch if row is not None else one.summary_row.batch if one.summary_row is not None else None
        match = _match(one)
        cards = [
            Card(
                "The discrepancy",
                facts=[
                    ("Reason", one.get_reason_display()),
                    ("At stake", display.money(one.stake)),
                    ("Share of the file", display.money(one.share)),
                    ("Owner", one.owner.get_username() if one.owner else "nobody"),
                    ("Open for", display.span((one.closed_at or clock.now()) - one.opened_at)),
                    ("File", display.to(one.file)),
                    ("Batch", display.to(batch)),
                    ("Row", display.to(row, f"line {row.line_number}") if row is not None else display.NOTHING),
                ],
            )
        ]
        if match is not None:
            ours = match.refund or match.payment
            cards.append(
                Card(
                    "In our books",
                    facts=[
                        ("Payment", display.to(match.payment, display.mono(match.payment.payment_request_id))),
                        ("Refund", display.to(match.refund)),
                        ("Amount", display.money(ours.amount)),
                        ("Status", str(ours.get_status_display())),
                    ],
                )
            )
        if row is not None:
            cells = [(name, display.mono(cell)) for name, cell in row.raw.items()]
            cards.append(Card("The row as printed", table=Table(("Column", "Cell"), cells), wide=True))
        return cards

    def subjects(self, one: Discrepancy) -> list[str]:
        match = _match(one)
        if match is None:
            return []
        return [match.payment.payment_request_id, *([match.refund.refund_request_id] if match.refund else [])]

    # The acts.

    def take(self, request: HttpRequest, one: Discrepancy, form: TakeForm) -> str:
        operations.take(one, by=form.actor, remember=form.remember)
        return "It is yours."

    def check_again(self, request: HttpRequest, one: Discrepancy, form: CheckForm) -> Done:
        """Compare the row with our books of now."""
        changed = operations.check_again(one, by=form.actor, remember=form.remember)
        if not changed:
            return Done("Checked again: nothing has changed.", "wait")
        return Done("It has settled itself." if not one.is_open else "Checked again: a part of it still differs.")

    def close(self, request: HttpRequest, one: Discrepancy, form: CloseForm) -> str:
        operations.close(
            one,
            by=form.actor,
            resolution=form.cleaned_data["reason_code"],
            note=form.cleaned_data["note"],
            remember=form.remember,
        )
        return f"Closed: {one.get_resolution_display()}."


def _chip(one: Discrepancy) -> Chip:
    if not one.is_open:
        return Chip("Closed", "good")
    return Chip("Urgent", "bad") if one.is_urgent else Chip("Open", "wait")


def _match(one: Discrepancy) -> Match | None:
    found: QuerySet[Match] = Match.objects.filter(row=one.row_id).select_related("payment__order", "refund", "cancel")
    return found.first() if one.row_id is not None else None
