"""The desk's queue of discrepancies: what differs, what is at stake, and how it ends."""

from dataclasses import replace
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString

from payments import operations as paying
from payments.admin import truths
from payments.models import Payment, Refund
from portal import clock, gather
from portal.admin import display
from portal.admin.acts import Act, Done
from portal.admin.display import Chip
from portal.admin.filters import DayFilter
from portal.admin.ledger import AccountFilter, Card, Headline, LedgerAdmin, Question, Questions, Table
from portal.registry import TimelineEntry
from portal.words import in_english, lazy, say
from reconciliation import operations, queries, service_levels
from reconciliation.admin.bulk import (
    ExportQueueForm,
    ImportDecisionsForm,
    in_time,
    queue_as_sheet,
    results_of,
    sheet_read,
)
from reconciliation.admin.discrepancy_forms import (
    AskForm,
    AssignChosenForm,
    AssignForm,
    CheckForm,
    CloseChosenForm,
    CloseForm,
    MatchForm,
    RaiseForm,
    ReopenForm,
    TakeForm,
    WriteOffChosenForm,
    WriteOffForm,
)
from reconciliation.admin.shared import OPEN, FileFilter, as_printed
from reconciliation.models import COUNTING, BulkAct, Discrepancy, LineStatus, Match, Reason
from reconciliation.operations.by_hand import not_matchable
from reconciliation.operations.discrepancies import not_reopenable, weight_of
from reconciliation.operations.raising import about


def _is_closed(discrepancy: Discrepancy) -> str:
    return "" if discrepancy.is_open else say("It is closed already.")


def _not_checkable(discrepancy: Discrepancy) -> str:
    if not discrepancy.is_open:
        return say("It is closed already.")
    if discrepancy.file_id is None:
        return say("It closes by itself once a report has it.")
    return "" if discrepancy.row_id is not None else say("It is about the file, not about a row of ours.")


def _nothing_to_write_off(discrepancy: Discrepancy) -> str:
    if not discrepancy.is_open:
        return say("It is closed already.")
    return "" if weight_of(discrepancy).value else say("No amount is at stake.")


def _nobody_to_ask_about(discrepancy: Discrepancy) -> str:
    return "" if about(discrepancy) is not None else say("The row names no payment of ours.")


class DiscrepancyQuestions(Questions):
    """What one asks about discrepancies."""

    questions = (
        Question("open", lazy("Open"), lambda: OPEN),
        Question("urgent", lazy("Urgent"), lambda: OPEN & Q(is_urgent=True)),
        Question("overdue", lazy("Overdue"), service_levels.overdue),
        Question("missing", lazy("Missing in settlement"), lambda: OPEN & Q(reason=Reason.MISSING)),
        Question("nobody", lazy("Nobody has it"), lambda: OPEN & Q(owner__isnull=True)),
        Question("raised", lazy("With the acquirer"), lambda: OPEN & Q(raised_at__isnull=False)),
        Question("closed", lazy("Closed"), lambda: Q(closed_at__isnull=False)),
    )


class DiscrepancyAccount(AccountFilter):
    """By account, which the file says, or what is missing in all of them."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        slug = self.value()
        return queryset.filter(Q(file__account__slug=slug) | Q(account__slug=slug)) if slug else queryset


class OpenedDay(DayFilter):
    """By the day it opened."""

    field = "opened_at"


class OwnerFilter(admin.SimpleListFilter):
    """By who has it."""

    title = lazy("owner")
    parameter_name = "owner"

    def __init__(self, request: HttpRequest, *args: Any) -> None:
        self._me = request.user.pk
        super().__init__(request, *args)

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("me", say("Mine")), ("nobody", say("Nobody's")), ("others", say("Somebody else's"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        match self.value():
            case "me":
                return queryset.filter(owner=self._me)
            case "nobody":
                return queryset.filter(owner__isnull=True)
            case "others":
                return queryset.filter(owner__isnull=False).exclude(owner=self._me)
        return queryset


@admin.register(Discrepancy)
class DiscrepancyAdmin(LedgerAdmin):
    """A difference that a person must explain."""

    section, position, icon = "Finance", 20, "balance"
    hint = lazy("newest first")
    empty_title = lazy("No discrepancy")
    empty_text = lazy("What the acquirer's reports say and our books do not is written here.")
    change_form_template = "reconciliation/row.html"  # its evidence first
    list_display = ("reason_shown", "state", "what", "stake_shown", "owner_name", "due", "opened")
    more_columns = (
        "line",
        "share_shown",
        "case_reference",
        "raised_at",
        "closed_at",
        "closed_by",
        "resolution",
        "note",
    )
    list_select_related = ("owner", "file", "row", "summary_row")
    page_select_related = ("file__account", "account", "row__batch", "summary_row__batch", "payment", "refund")
    list_filter = (DiscrepancyQuestions, OwnerFilter, FileFilter, OpenedDay, DiscrepancyAccount)
    search_fields = (
        "row__transaction_request_id",
        "row__transaction_id",
        "row__batch__batch_id",
        "summary_row__batch__batch_id",
        "payment__payment_request_id",
        "refund__refund_request_id",
        "reason",
    )
    ordering = ("-opened_at", "-pk")
    acts = (
        Act("take", lazy("Take it"), form=TakeForm, permission="act_take_discrepancy", why_not=_is_closed),
        Act("match", lazy("Match…"), form=MatchForm, permission="act_match_discrepancy", why_not=not_matchable),
        Act(
            "close", lazy("Close…"), form=CloseForm, permission="act_close_discrepancy", tone="main", why_not=_is_closed
        ),
        Act("assign", lazy("Assign…"), form=AssignForm, permission="act_take_discrepancy", why_not=_is_closed),
        Act(
            "check_again",
            lazy("Check again"),
            form=CheckForm,
            permission="act_take_discrepancy",
            why_not=_not_checkable,
        ),
        Act("ask", lazy("Ask now"), form=AskForm, permission="act_take_discrepancy", why_not=_nobody_to_ask_about),
        Act(
            "raise_it",
            lazy("Raise to the acquirer…"),
            form=RaiseForm,
            permission="act_raise_discrepancy",
            why_not=_is_closed,
        ),
        Act(
            "write_off",
            lazy("Write off…"),
            form=WriteOffForm,
            permission="act_write_off_discrepancy",
            tone="risk",
            why_not=_nothing_to_write_off,
        ),
        Act("reopen", lazy("Open again…"), form=ReopenForm, permission="act_close_discrepancy", why_not=not_reopenable),
    )
    list_acts = (
        Act(
            "assign_chosen",
            lazy("Assign chosen…"),
            form=AssignChosenForm,
            permission="act_take_discrepancy",
            of_chosen=True,
        ),
        Act(
            "close_chosen",
            lazy("Close chosen…"),
            form=CloseChosenForm,
            permission="act_close_discrepancy",
            of_chosen=True,
        ),
        Act(
            "write_off_chosen",
            lazy("Write off chosen…"),
            form=WriteOffChosenForm,
            permission="act_write_off_discrepancy",
            tone="risk",
            of_chosen=True,
        ),
        Act("export_queue", lazy("Export to fill in…"), form=ExportQueueForm, permission="act_decide_by_sheet"),
        Act(
            "import_decisions", lazy("Read a filled sheet…"), form=ImportDecisionsForm, permission="act_decide_by_sheet"
        ),
    )

    hot_rows = gather.Standing(queries.open_discrepancies)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Discrepancy]:
        rows: QuerySet[Discrepancy] = super().get_queryset(request)
        return rows.filter(COUNTING).defer("file__content", "file__preview", "file__differences")

    def thing_or_none(self, request: HttpRequest, object_id: str) -> Any:
        """The row of a page; its line's file is its own, without the bytes of the report."""
        one = super().thing_or_none(request, object_id)
        if one is not None and one.row is not None:
            one.row.file = one.file
        return one

    @display.column(lazy("Reason"))
    def reason_shown(self, one: Discrepancy) -> str:
        return one.get_reason_display()

    @display.column(lazy("State"))
    def state(self, one: Discrepancy) -> Chip:
        return _chip(one)

    @display.column(lazy("What differs"), wraps=True)
    def what(self, one: Discrepancy) -> str:
        return one.sentence

    @display.column(lazy("Line"), numeric=True)
    def line(self, one: Discrepancy) -> Any:
        line = one.row or one.summary_row
        return line.line_number if line is not None else display.NOTHING

    @display.column(lazy("At stake"), numeric=True, is_money=True)
    def stake_shown(self, one: Discrepancy) -> SafeString | str:
        return display.money(one.stake) if one.stake_value else display.NOTHING

    @display.column(lazy("Share of the file"), numeric=True, is_money=True)
    def share_shown(self, one: Discrepancy) -> SafeString | str:
        return display.money(one.share) if one.value else display.NOTHING

    @display.column(lazy("Due"))
    def due(self, one: Discrepancy) -> Any:
        return _due(one)

    @display.column(lazy("Owner", sense="work"))
    def owner_name(self, one: Discrepancy) -> str:
        return one.owner.get_username() if one.owner else say("nobody")

    @display.column(lazy("Opened"), numeric=True)
    def opened(self, one: Discrepancy) -> SafeString | str:
        return display.when(one.opened_at)

    # The page.

    def headline(self, one: Discrepancy) -> Headline:
        title = display.money(one.stake) if one.stake_value else one.get_reason_display()
        return Headline(title, (_chip(one), Chip(one.get_reason_display())), one.sentence)

    def timeline(self, one: Discrepancy) -> list[TimelineEntry]:
        entries = [TimelineEntry(one.opened_at, say("Opened: {sentence}", sentence=one.sentence), tone="wait")]
        if one.closed_at is not None:
            by = one.closed_by.partition(":")[2] or one.closed_by
            words = say("Closed by {by}: {resolution}.", by=by, resolution=one.get_resolution_display())
            entries.append(TimelineEntry(one.closed_at, words, detail=one.note, tone="good"))
        match = _match(one)
        if match is not None:
            entries += queries.timeline(match.refund or match.cancel or match.payment)
        elif (missing := one.refund or one.payment) is not None:
            entries += queries.timeline(missing)
        return entries

    def cards(self, request: HttpRequest, one: Discrepancy) -> list[Card]:
        row = one.row
        batch = row.batch if row is not None else one.summary_row.batch if one.summary_row is not None else None
        facts: list[tuple[str, Any]] = [
            (say("Reason"), one.get_reason_display()),
            (say("At stake"), display.money(one.stake)),
            (say("Share of the file"), display.money(one.share)),
            (say("Owner", sense="work"), one.owner.get_username() if one.owner else say("nobody")),
            (say("Open for"), display.span((one.closed_at or clock.now()) - one.opened_at)),
            (say("Due"), _due(one)),
        ]
        missing = one.refund or one.payment
        if missing is not None:
            facts.append((say("Missing"), display.to(missing, display.ident(str(missing)))))
        else:
            facts += [
                (say("File"), display.to(one.file)),
                (say("Batch"), display.to(batch)),
                (
                    say("Row"),
                    display.to(row, say("line {line_number}", line_number=row.line_number))
                    if row is not None
                    else display.NOTHING,
                ),
            ]
        if one.raised_at is not None:
            facts.append((say("Raised"), display.joined((display.stamp(one.raised_at), one.case_reference))))
        payment = about(one)
        evidence = self._evidence(request, one, payment)
        return [*evidence, Card(say("The discrepancy"), facts=facts), *_printed(one, wide=payment is None)]

    def _evidence(self, request: HttpRequest, one: Discrepancy, payment: Payment | None) -> list[Card]:
        """What our books and the acquirer say, to stand beside the row as printed; else what it may belong to."""
        row = one.row
        if payment is not None:
            return [replace(truths.card(payment, self.ready_form(request, one, "ask")), wide=True)]
        if row is None or not one.is_open:
            return []
        proposed = queries.proposals(row) if row.batch_id is not None else []
        table = Table(
            (say("Ours"), say("State"), say("Amount")),
            [_proposed(ours) for ours in proposed],
            numeric=frozenset({2}),
            empty=say("Nothing of ours is named by the row. Match it by an id, if you know one."),
        )
        note = say("not matched by itself") if proposed else ""
        return [Card(say("It may belong to"), note=note, table=table, wide=True)]

    def subjects(self, one: Discrepancy) -> list[str]:
        match = _match(one)
        if match is None:
            missing = one.refund or one.payment
            return [] if missing is None else [str(missing)]
        return [match.payment.payment_request_id, *([match.refund.refund_request_id] if match.refund else [])]

    # The acts.

    def take(self, request: HttpRequest, one: Discrepancy, form: TakeForm) -> str:
        operations.take(one, by=form.actor, remember=form.remember)
        return say("It is yours.")

    def check_again(self, request: HttpRequest, one: Discrepancy, form: CheckForm) -> Done:
        """Compare the row with our books of now."""
        changed = operations.check_again(one, by=form.actor, remember=form.remember)
        if not changed:
            return Done(say("Checked again: nothing has changed."), "wait")
        return Done(
            say("It has settled itself.") if not one.is_open else say("Checked again: a part of it still differs.")
        )

    def assign(self, request: HttpRequest, one: Discrepancy, form: AssignForm) -> str:
        owner = form.cleaned_data["owner"]
        operations.assign(one, owner, by=form.actor, note=form.cleaned_data["note"], remember=form.remember)
        return (
            say("It is {owner}'s now.", owner=owner.get_username())
            if owner is not None
            else say("It is back in the queue.")
        )

    def ask(self, request: HttpRequest, one: Discrepancy, form: AskForm) -> Done:
        """Ask the acquirer about the payment the row names."""
        payment = about(one)
        if payment is None:  # ``why_not`` has refused before
            raise LookupError("it is about no payment")
        asked = paying.ask(payment, by=form.actor)
        return Done(say("The acquirer was asked. The payment is {status}.", status=asked.get_status_display().lower()))

    def match(self, request: HttpRequest, one: Discrepancy, form: MatchForm) -> Done:
        """Match the row by hand."""
        if form.ours is None:  # a valid form has it
            raise LookupError("nothing was named")
        operations.match_by_hand(one, form.ours, by=form.actor, remember=form.remember, **_reason(form))
        left = one.row.discrepancies.filter(closed_at=None).first() if one.row is not None else None
        if left is not None:
            return Done(
                say("Matched; what is not agreed is open as a discrepancy of its own."), "wait", display.page_of(left)
            )
        return Done(say("Matched. Nothing of the row is open any more."))

    def close(self, request: HttpRequest, one: Discrepancy, form: CloseForm) -> str:
        operations.close(
            one,
            by=form.actor,
            resolution=form.cleaned_data["reason_code"],
            note=form.cleaned_data["note"],
            remember=form.remember,
        )
        return say("Closed: {resolution}.", resolution=one.get_resolution_display())

    def write_off(self, request: HttpRequest, one: Discrepancy, form: WriteOffForm) -> str:
        operations.write_off(one, by=form.actor, remember=form.remember, **_reason(form))
        return say("Written off: {amount}.", amount=weight_of(one))

    def reopen(self, request: HttpRequest, one: Discrepancy, form: ReopenForm) -> Done:
        """Open it again."""
        operations.reopen(one, by=form.actor, remember=form.remember, **_reason(form))
        return Done(say("It is open again."), "wait")

    def raise_it(self, request: HttpRequest, one: Discrepancy, form: RaiseForm) -> HttpResponse:
        """Note that it is raised, and give the bundle out."""
        user: Any = request.user
        with in_english():  # it is for the acquirer, whoever takes it
            pack = operations.raise_to_acquirer(
                one,
                by=form.actor,
                case_reference=form.cleaned_data["case_reference"],
                with_messages=user.has_perm("portal.view_exchange"),
                **_reason(form),
            )
        response = HttpResponse(pack, content_type="application/zip")
        response["Content-Disposition"] = f'attachment; filename="discrepancy-{one.pk}.zip"'
        response["Cache-Control"] = "no-store"
        return response

    # On several.

    def assign_chosen(self, request: HttpRequest, thing: None, form: AssignChosenForm) -> Done:
        return _decide(operations.ASSIGN_SEVERAL, form, BulkAct.ASSIGN, owner=form.cleaned_data["owner"])

    def close_chosen(self, request: HttpRequest, thing: None, form: CloseChosenForm) -> Done:
        return _decide(operations.CLOSE_SEVERAL, form, BulkAct.ACCEPT)

    def write_off_chosen(self, request: HttpRequest, thing: None, form: WriteOffChosenForm) -> Done:
        return _decide(operations.WRITE_OFF_SEVERAL, form, BulkAct.WRITE_OFF)

    # By a spreadsheet.

    def export_queue(self, request: HttpRequest, thing: None, form: ExportQueueForm) -> HttpResponse:
        return queue_as_sheet(form)

    def import_decisions(self, request: HttpRequest, thing: None, form: ImportDecisionsForm) -> Done:
        """Read them; the page says what each would do."""
        bulk = sheet_read(form)
        found = operations.counts(bulk)
        tone = "wait" if found[LineStatus.REFUSED] else "good"
        words = say("The sheet is read. Look at what each line would do, and carry it out.")
        return Done(words, tone, display.page_of(bulk))


def _reason(form: Any) -> dict[str, str]:
    return {"reason_code": form.cleaned_data["reason_code"], "note": form.cleaned_data["note"]}


def _decide(called: str, form: Any, act: BulkAct, owner: Any = None) -> Done:
    """Do it to each that was chosen, and lead to the page of what became of each."""
    said = form.cleaned_data
    wanted = operations.Wanted(act, said.get("reason_code", ""), said["note"], owner)
    chosen = list(said["chosen"])
    bulk = operations.decide(called, chosen, wanted, by=form.actor, remember=form.remember, is_time_up=in_time())
    return results_of(bulk)


def _printed(one: Discrepancy, *, wide: bool) -> list[Card]:
    """The row, beside what our books say; where they say nothing there is room for it."""
    row = one.row
    if row is None:
        return []
    return [
        Card(
            say("The row as printed"),
            note=say("line {line_number}", line_number=row.line_number),
            table=as_printed(row),
            wide=wide,
        )
    ]


def _proposed(ours: Payment | Refund) -> tuple[Any, ...]:
    key = ours.refund_request_id if isinstance(ours, Refund) else ours.payment_request_id
    return display.to(ours, display.ident(key)), ours.get_status_display(), display.money(ours.amount)


def _due(one: Discrepancy) -> Any:
    """When it should be closed, or by how much it is late."""
    if one.closed_at is not None:
        return display.NOTHING
    left = service_levels.due_by(one) - clock.now()
    if left.total_seconds() < 0:
        return display.chip(say("{span} late", span=display.span(left)), "bad")
    return say("in {span}", span=display.span(left))


def _chip(one: Discrepancy) -> Chip:
    if not one.is_open:
        return Chip(say("Closed"), "good")
    if one.is_urgent:
        return Chip(say("Urgent"), "bad")
    return Chip(say("With the acquirer") if one.raised_at is not None else say("Open"), "wait")


def _match(one: Discrepancy) -> Match | None:
    found: QuerySet[Match] = Match.objects.filter(row=one.row_id).select_related("payment__order", "refund", "cancel")
    return found.first() if one.row_id is not None else None
