"""The desk's pages of decisions on several discrepancies: what became of each, and sheets that wait for a person."""

import time
from typing import Any

from django import forms
from django.contrib import admin
from django.core.files.uploadedfile import UploadedFile
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString

from portal import journal
from portal.admin import display, exports
from portal.admin.acts import Act, ActForm, Done
from portal.admin.display import Chip
from portal.admin.ledger import Card, Headline, LedgerAdmin, Question, Questions, Table
from portal.models import AcquirerAccount
from portal.words import counted, lazy, say, told
from reconciliation import operations, queries, sheets
from reconciliation.admin.shared import list_url, sentence
from reconciliation.models import BulkAct, BulkDecision, BulkDecisionLine, BulkStatus, LineStatus
from reconciliation.operations.discrepancies import CHOOSABLE, WRITE_OFF_REASONS

LINES_SHOWN = 100
REQUEST_SECONDS = 10
"""Of a person's request; what is left then is the worker's."""
_SHEET_BYTES = 10 * 1024 * 1024
_TONES = {
    BulkStatus.TRIED: "wait",
    BulkStatus.RUNNING: "wait",
    BulkStatus.DONE: "good",
    BulkStatus.DISCARDED: "",
}
_LINE_TONES = {
    LineStatus.WAITING: "",
    LineStatus.DONE: "good",
    LineStatus.ASKED: "wait",
    LineStatus.REFUSED: "bad",
}


class ExportQueueForm(ActForm):
    """Take the queue away as a spreadsheet, to be filled in."""

    title = lazy("Export the queue to fill in")
    is_download = True
    account = forms.ModelChoiceField(
        label=lazy("Account"),
        queryset=AcquirerAccount.objects.order_by("name"),
        required=False,
        empty_label=lazy("All accounts"),
    )
    kind = forms.ChoiceField(label=lazy("As"), choices=[(exports.XLSX, "XLSX"), (exports.CSV, "CSV")])

    def will_happen(self) -> list[str]:
        return [
            say("Every open discrepancy is a line, the oldest first; {most:,} at most.", most=sheets.LINES_AT_MOST),
            say("Fill in decision (accept, write off), reason and note; a line without a decision stays as it is."),
            say("Reasons to accept: {reasons}.", reasons=", ".join(code for code, _ in CHOOSABLE)),
            say("Reasons to write off: {reasons}.", reasons=", ".join(code for code, _ in WRITE_OFF_REASONS)),
        ]

    def button(self) -> str:
        return say("Take the sheet")


class ImportDecisionsForm(ActForm):
    """Give the filled sheet back."""

    title = lazy("Read decisions from a sheet")
    sheet = forms.FileField(
        label=lazy("Sheet"),
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,.xlsx"}),
        help_text=lazy("The exported queue, filled in: CSV or XLSX."),
    )

    def clean_sheet(self) -> Any:
        """No more bytes than a sheet has."""
        given = self.cleaned_data["sheet"]
        if given.size > _SHEET_BYTES:
            raise forms.ValidationError(say("This file is too large for a sheet of decisions."))
        return given

    def will_happen(self) -> list[str]:
        return [
            say("Each line is read, and you see what it would do, or why it is refused. Nothing is decided yet."),
            say("A discrepancy that has changed since the sheet was written is refused."),
        ]

    def button(self) -> str:
        return say("Read the sheet")


class CarryOutForm(ActForm):
    """Decide as the sheet says."""

    title = lazy("Carry the decisions out")

    def will_happen(self) -> list[str]:
        found = operations.counts(self.thing)
        told_ = [
            say("Each is decided as if it were the only one; one that is refused stops no other."),
            say("One above what you accept alone becomes a request for a second person."),
        ]
        if found[LineStatus.REFUSED]:
            told_.append(
                counted("{count} line is refused already.", "{count} lines are refused already.", found["REFUSED"])
            )
        return told_

    def button(self) -> str:
        waiting = operations.counts(self.thing)[LineStatus.WAITING]
        return counted("Carry out {count} decision", "Carry out {count} decisions", waiting)


class DiscardSheetForm(ActForm):
    """Carry nothing of it out."""

    title = lazy("Discard the decisions")

    def will_happen(self) -> list[str]:
        return [say("Nothing of it is carried out. It stays in the list, and can be read again from its file.")]

    def button(self) -> str:
        return say("Discard")

    def is_risky(self) -> bool:
        return True


def _not_waiting(bulk: BulkDecision) -> str:
    return "" if bulk.status == BulkStatus.TRIED else say("It does not wait to be carried out.")


def results_of(bulk: BulkDecision) -> Done:
    """The result of a decision on several, which leads to the page of each."""
    found = operations.counts(bulk)
    total = sum(found.values())
    done = say("{done} of {results} done.", done=found[LineStatus.DONE], results=total)
    is_whole = found[LineStatus.DONE] == total
    return Done(done, "good" if is_whole else "wait", display.page_of(bulk))


def in_time() -> Any:
    """Whether a request has taken long enough, asked later."""
    ends = time.monotonic() + REQUEST_SECONDS
    return lambda: time.monotonic() > ends


def queue_as_sheet(form: ExportQueueForm) -> HttpResponse:
    """The open discrepancies, for people to decide in a spreadsheet."""
    found = queries.open_discrepancies().select_related("file", "row", "summary_row", "payment", "refund", "owner")
    found = found.defer("file__content", "file__preview", "file__differences").order_by("opened_at", "pk")
    account = form.cleaned_data["account"]
    if account is not None:
        found = found.filter(Q(file__account=account) | Q(account=account))
    kind = form.cleaned_data["kind"]
    listed = list(found[: sheets.LINES_AT_MOST])
    content = sheets.write(listed, kind)
    journal.write("export discrepancies to decide", by=form.actor, outcome=f"{len(listed)} lines.")
    response = HttpResponse(content, content_type=exports.TYPES[kind])
    response["Content-Disposition"] = f'attachment; filename="discrepancies.{kind}"'
    response["Cache-Control"] = "no-store"
    return response


def sheet_read(form: ImportDecisionsForm) -> BulkDecision:
    """What the uploaded sheet decides, not carried out yet."""
    given: UploadedFile[Any] = form.cleaned_data["sheet"]
    return operations.try_sheet(given.name or "sheet", given.read(), by=form.actor, remember=form.remember)


def _decision(line: BulkDecisionLine) -> str:
    if not line.act:
        return display.NOTHING
    if line.act == BulkAct.ASSIGN:
        return say("to {owner}", owner=line.owner.get_username()) if line.owner else say("back to the queue")
    reasons = dict(CHOOSABLE if line.act == BulkAct.ACCEPT else WRITE_OFF_REASONS)
    words = f"{told(BulkAct(line.act).label)}: {told(reasons.get(line.reason_code, line.reason_code))}"
    return f"{words} · {line.note}" if line.note else words


def _in_words(line: BulkDecisionLine) -> str:
    """What was decided, and what it came to or will come to."""
    decision = f"{_decision(line)}." if line.act else ""
    return f"{decision} {told(line.sentence)}".strip()


def _about(line: BulkDecisionLine) -> SafeString | str:
    return display.to(line.discrepancy, line.label) if line.discrepancy is not None else line.label


def _line_chip(line: BulkDecisionLine) -> SafeString:
    return display.chip(told(line.get_status_display()), _LINE_TONES[LineStatus(line.status)])


class BulkQuestions(Questions):
    """What one asks about them."""

    questions = (
        Question("tried", lazy("Wait to be carried out"), lambda: Q(status=BulkStatus.TRIED)),
        Question("running", lazy("Being carried out"), lambda: Q(status=BulkStatus.RUNNING)),
    )


@admin.register(BulkDecision)
class BulkDecisionAdmin(LedgerAdmin):
    """What was decided on several discrepancies at once, and what became of each."""

    section, position, icon = "Finance", 25, "balance"
    menu_label = lazy("Bulk decisions")
    empty_title = lazy("No bulk decision yet")
    empty_text = lazy("What is decided on several discrepancies at once is listed here, with a result for each.")
    list_display = ("name", "state", "done_shown", "refused_shown", "who", "when")
    list_filter = (BulkQuestions,)
    search_fields = ("sheet_name", "actor_name")
    acts = (
        Act(
            "carry_out",
            lazy("Carry out…"),
            form=CarryOutForm,
            permission="act_decide_by_sheet",
            tone="main",
            why_not=_not_waiting,
        ),
        Act(
            "discard",
            lazy("Discard…"),
            form=DiscardSheetForm,
            permission="act_decide_by_sheet",
            tone="risk",
            why_not=_not_waiting,
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[BulkDecision]:
        rows: QuerySet[BulkDecision] = super().get_queryset(request)
        return rows.annotate(
            line_count=Count("lines"),
            done_count=Count("lines", filter=Q(lines__status=LineStatus.DONE)),
            refused_count=Count("lines", filter=Q(lines__status=LineStatus.REFUSED)),
        )

    @display.column(lazy("Decision"))
    def name(self, bulk: BulkDecision) -> str:
        return bulk.sheet_name or told(bulk.act)

    @display.column(lazy("State"))
    def state(self, bulk: BulkDecision) -> Chip:
        return Chip(told(bulk.get_status_display()), _TONES[BulkStatus(bulk.status)])

    @display.column(lazy("Done"), numeric=True)
    def done_shown(self, bulk: Any) -> str:
        return say("{done} of {lines}", done=bulk.done_count, lines=bulk.line_count)

    @display.column(lazy("Refused"), numeric=True)
    def refused_shown(self, bulk: Any) -> Any:
        return bulk.refused_count or display.NOTHING

    @display.column(lazy("By"), is_minor=True)
    def who(self, bulk: BulkDecision) -> str:
        return bulk.actor_name

    @display.column(lazy("Made"))
    def when(self, bulk: BulkDecision) -> SafeString | str:
        return display.when(bulk.created_at)

    def headline(self, bulk: BulkDecision) -> Headline:
        found = operations.counts(bulk)
        said = [
            counted("{count} done", "{count} done", found[LineStatus.DONE]) if found[LineStatus.DONE] else "",
            counted("{count} refused", "{count} refused", found["REFUSED"]) if found["REFUSED"] else "",
            counted("{count} wait for a second person", "{count} wait for a second person", found["ASKED"])
            if found["ASKED"]
            else "",
            counted("{count} not yet", "{count} not yet", found["WAITING"]) if found["WAITING"] else "",
        ]
        chip = Chip(told(bulk.get_status_display()), _TONES[BulkStatus(bulk.status)])
        return Headline(bulk.sheet_name or told(bulk.act), (chip,), " · ".join(part for part in said if part))

    def cards(self, request: HttpRequest, bulk: BulkDecision) -> list[Card]:
        lines = bulk.lines.select_related("discrepancy", "owner")[:LINES_SHOWN]
        table = Table(
            head=(say("Line"), say("Discrepancy"), say("Result"), say("Decision")),
            rows=[(line.position, _about(line), _line_chip(line), sentence(_in_words(line))) for line in lines],
            numeric=frozenset({0}),
            empty=say("The sheet decides nothing: no line has a decision."),
        )
        facts: list[tuple[str, Any]] = [
            (say("By"), bulk.actor_name),
            (say("Made"), display.stamp(bulk.created_at)),
            (say("Ended"), display.stamp(bulk.finished_at) if bulk.finished_at else display.NOTHING),
            (say("All lines"), display.link(list_url("bulkdecisionline", bulk=bulk.pk), bulk.lines.count())),
        ]
        if bulk.sheet_name:
            facts.append((say("Lines without a decision"), bulk.passed_over))
        note = say("the first {count}", count=LINES_SHOWN) if len(table.rows) == LINES_SHOWN else ""
        return [Card(say("Line by line"), note=note, table=table, wide=True), Card(say("Decision"), facts=facts)]

    # The acts.

    def carry_out(self, request: HttpRequest, bulk: BulkDecision, form: CarryOutForm) -> Done:
        return results_of(operations.carry_out(bulk, by=form.actor, remember=form.remember, is_time_up=in_time()))

    def discard(self, request: HttpRequest, bulk: BulkDecision, form: DiscardSheetForm) -> str:
        operations.discard_sheet(bulk, by=form.actor, remember=form.remember)
        return say("Nothing of it is carried out.")


class _BulkFilter(admin.SimpleListFilter):
    """One of them, chosen on its own page."""

    title = lazy("decision")
    parameter_name = "bulk"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        chosen = request.GET.get(self.parameter_name, "")
        if not (chosen.isascii() and chosen.isdecimal() and len(chosen) < 19):
            return []
        return [(str(one.pk), str(one)) for one in BulkDecision.objects.filter(pk=chosen)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        known = {value for value, _ in self.lookup_choices}
        return queryset.filter(bulk=self.value()) if self.value() in known else queryset


class LineQuestions(Questions):
    """What one asks about their lines."""

    questions = (
        Question("refused", lazy("Refused"), lambda: Q(status=LineStatus.REFUSED)),
        Question("asked", lazy("Waits for a second person"), lambda: Q(status=LineStatus.ASKED)),
        Question("waiting", lazy("Not yet"), lambda: Q(status=LineStatus.WAITING)),
    )


@admin.register(BulkDecisionLine)
class BulkDecisionLineAdmin(LedgerAdmin):
    """Every line, for those that have more than their page shows; found from there."""

    empty_title = lazy("No line")
    empty_text = lazy("What is decided on several discrepancies at once has a line for each.")
    list_display = ("line", "about", "decision", "result", "words")
    list_select_related = ("discrepancy", "owner", "bulk")
    list_filter = (LineQuestions, _BulkFilter)
    search_fields = ("label",)
    ordering = ("-bulk", "position")

    @display.column(lazy("Line"), numeric=True)
    def line(self, line: BulkDecisionLine) -> int:
        return line.position

    @display.column(lazy("Discrepancy"))
    def about(self, line: BulkDecisionLine) -> SafeString | str:
        return _about(line)

    @display.column(lazy("Decision"))
    def decision(self, line: BulkDecisionLine) -> str:
        return _decision(line)

    @display.column(lazy("Result"))
    def result(self, line: BulkDecisionLine) -> SafeString:
        return _line_chip(line)

    @display.column(lazy("In words"), wraps=True)
    def words(self, line: BulkDecisionLine) -> str:
        return told(line.sentence)

    def headline(self, line: BulkDecisionLine) -> Headline:
        chip = Chip(told(line.get_status_display()), _LINE_TONES[LineStatus(line.status)])
        return Headline(line.label, (chip,), told(line.sentence))

    def cards(self, request: HttpRequest, line: BulkDecisionLine) -> list[Card]:
        facts = [
            (say("Bulk decision"), display.to(line.bulk)),
            (say("Discrepancy"), _about(line)),
            (say("Decision"), _decision(line)),
        ]
        return [Card(say("Decision"), facts=facts)]
