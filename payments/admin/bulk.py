"""The desk's pages of bulk refunds: give a file or a selection, look at every line, start it, watch it, go on."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from django import forms
from django.contrib import admin
from django.core import signing
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from payments import bulk_files, operations
from payments.admin import chips
from payments.admin.acts import REASONS
from payments.models import BulkLine, BulkRefund, Order, Payment
from payments.operations.bulk import BULK_REFUND, selection, to_try_again
from payments.states import BulkStatus, LineStatus, RefundStatus
from portal import approvals
from portal.admin import display
from portal.admin.acts import Act, ActForm, ChosenForm, Done, ReasonForm, asks_first
from portal.admin.display import Chip
from portal.admin.filters import DayFilter
from portal.admin.ledger import Card, Headline, LedgerAdmin, Question, Questions, Table
from portal.errors import PortalError
from portal.money import Money
from portal.registry import TimelineEntry
from portal.words import lazy, say

_LINES_AT_MOST = 500
_KEPT_AT_MOST = 512 * 1024
"""Of a file that was read, in the form that is shown again; a form holds no more than twice that."""
_SALT = "payments.admin.bulk"
_MAY = "act_bulk_refund"
_TONES = {
    BulkStatus.DRAFT: "wait",
    BulkStatus.STARTED: "wait",
    BulkStatus.STOPPED: "bad",
    BulkStatus.FINISHED: "good",
    BulkStatus.DISCARDED: "",
}


@dataclass(frozen=True)
class _Kept:
    """A file that was given with a form which is shown again: no browser sends it a second time by itself."""

    name: str
    said: list[bulk_files.Said]

    def __str__(self) -> str:
        return self.name


class UploadForm(ReasonForm):
    """A file of many refunds. What it said is kept in the form until the form is good."""

    title = lazy("Refund many at once")
    reasons = REASONS
    file = forms.FileField(
        label=lazy("File"),
        widget=forms.FileInput(attrs={"accept": ".csv,.xlsx,text/csv"}),
        help_text=lazy(
            "CSV or XLSX with the columns {COLUMNS}. An empty amount is all that is left.", COLUMNS=bulk_files.COLUMNS
        ),
        error_messages={"required": lazy("Choose a file."), "empty": lazy("The file is empty.")},
    )
    kept = forms.CharField(required=False, widget=forms.HiddenInput)
    field_order = ("file", "reason_code", "note")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason_code"].required = False
        self.fields["reason_code"].help_text = say("For lines that say none.")
        sample = format_html(
            ' <a href="{}" download>{}</a>', reverse("admin:payments_bulkrefund_sample"), say("A file to begin with")
        )
        self.fields["file"].help_text = format_html("{}{}", self.fields["file"].help_text, sample)
        self.said: list[bulk_files.Said] = []
        kept = _kept(self.data.get("kept", ""))
        if kept is not None:
            self.initial["file"] = kept
            self._say_kept(kept)

    def clean_file(self) -> Any:
        """Read it to its end, and keep what it says."""
        file = self.cleaned_data["file"]
        if isinstance(file, _Kept):
            self.said = file.said
            return file
        try:
            self.said = bulk_files.read(file.name, file.read(bulk_files.MAX_BYTES + 1))
        except PortalError as refusal:
            raise forms.ValidationError(refusal.message) from None
        self._keep(_Kept(file.name, self.said))
        return file

    def clean(self) -> dict[str, Any]:
        """Demand a reason where a line says none."""
        cleaned = super().clean() or self.cleaned_data
        mute = [one.number for one in self.said if not one.reason]
        if mute and not cleaned.get("reason_code") and "reason_code" not in self.errors:
            problem = say(
                "{count} lines say no reason, the first of them line {number}. Choose one for them.",
                count=len(mute),
                number=mute[0],
            )
            self.add_error("reason_code", problem)
        return cleaned

    def _keep(self, kept: _Kept) -> None:
        text = signing.Signer(salt=_SALT).sign_object(
            {"name": kept.name, "said": [asdict(one) for one in kept.said]}, compress=True
        )
        sent: Any = self.data
        data = sent.copy()
        data["kept"] = text if len(text) <= _KEPT_AT_MOST else ""
        self.data = data
        if data["kept"]:
            self._say_kept(kept)

    def _say_kept(self, kept: _Kept) -> None:
        self["file"].help_text = say(
            "{name} is kept, {count} lines. Choose a file only to give another one.",
            name=kept.name,
            count=len(kept.said),
        )
        self.fields["file"].widget.is_required = False

    def will_happen(self) -> list[str]:
        return [
            say("Every line is looked up, and you see what it would do and what is wrong with it."),
            say("Nothing goes back yet: that is started on the next page."),
        ]

    def button(self) -> str:
        return say("Look at it first")


def _kept(text: str) -> _Kept | None:
    """What a form kept; None where it kept nothing, or nothing of ours."""
    try:
        held = signing.Signer(salt=_SALT).unsign_object(text)
    except (signing.BadSignature, ValueError):
        return None
    return _Kept(held["name"], [bulk_files.Said(**one) for one in held["said"]])


class ChosenRefundForm(ChosenForm, ReasonForm):
    """Refund what was ticked in a list, all that is left of each."""

    reasons = REASONS

    def heading(self) -> str:
        return say("Refund {count} at once", count=self.count())

    def will_happen(self) -> list[str]:
        return [
            say(
                "Of each, all that is left goes back by refund. First you see what that is, and what is wrong with any."
            ),
            say("Nothing goes back yet: that is started on the next page."),
        ]

    def button(self) -> str:
        return say("Look at it first")


class ChosenPaymentsForm(ChosenRefundForm):
    """Of payments."""

    def rows(self) -> QuerySet[Any]:
        return Payment.objects.all()


class ChosenOrdersForm(ChosenRefundForm):
    """Of orders."""

    def rows(self) -> QuerySet[Any]:
        return Order.objects.all()


def refund_chosen(form: ChosenRefundForm) -> Done:
    """Keep what was chosen as a bulk refund, to be looked at."""
    chosen = list(form.cleaned_data["chosen"])
    return _draft(f"{len(chosen)} chosen in the list", selection(chosen), form)


def _draft(name: str, said: Sequence[bulk_files.Said], form: Any) -> Done:
    bulk = operations.draft_bulk(
        name,
        said,
        by=form.actor,
        reason_code=form.cleaned_data["reason_code"],
        note=form.cleaned_data["note"],
        remember=form.remember,
    )
    return Done(say("Look at the lines, then start it. Nothing went back yet."), "wait", display.page_of(bulk))


class StartForm(ActForm):
    """Let every good line become a refund."""

    title = lazy("Start these refunds")

    def _sums(self) -> str:
        return ", ".join(str(amount) for amount in self.thing.sums())

    def will_happen(self) -> list[str]:
        why = approvals.would_need(BULK_REFUND, by=self.actor)
        count = self.thing.lines.filter(status=LineStatus.DRAFT).count()
        return [
            say(
                "{count} refunds are made, one after the other: {sums}. It cannot be taken back.",
                count=count,
                sums=self._sums(),
            ),
            say("Each is checked once more before it is sent. One that is refused stops no other."),
            *asks_first(why),
        ]

    def is_risky(self) -> bool:
        return True

    def button(self) -> str:
        return say("Refund {sums}", sums=self._sums())


class StopForm(ActForm):
    """Make no further refund."""

    title = lazy("Stop")
    note = forms.CharField(
        label=lazy("Why?"), max_length=256, error_messages={"required": lazy("Say in a few words why.")}
    )

    def will_happen(self) -> list[str]:
        return [say("No further refund is made. What is made already goes its way.")]

    def button(self) -> str:
        return say("Stop it")


class ResumeForm(ActForm):
    """Go on."""

    title = lazy("Go on")

    def will_happen(self) -> list[str]:
        again = self.thing.lines.filter(to_try_again()).count()
        waiting = self.thing.lines.filter(status=LineStatus.WAITING).count()
        return [
            say(
                "{waiting} lines that wait go on, and {again} that were refused or failed are tried anew.",
                waiting=waiting,
                again=again,
            ),
            say("What was given back is not touched."),
        ]

    def button(self) -> str:
        return say("Go on")


class DiscardForm(ActForm):
    """Forget it."""

    title = lazy("Discard")

    def will_happen(self) -> list[str]:
        return [say("It is kept for the record and can be started no more. Nothing was given back by it.")]

    def button(self) -> str:
        return say("Discard it")


def _only(*statuses: BulkStatus) -> Any:
    def why_not(bulk: BulkRefund) -> str:
        return (
            ""
            if bulk.status in statuses
            else say("Not possible now: it is {status}.", status=str(bulk.get_status_display()).lower())
        )

    return why_not


def _nothing_to_resume(bulk: BulkRefund) -> str:
    if bulk.status == BulkStatus.STOPPED:
        return ""
    if bulk.status == BulkStatus.FINISHED and bulk.lines.filter(to_try_again()).exists():
        return ""
    return say("There is nothing to go on with.")


class BulkQuestions(Questions):
    """What one asks about bulk refunds."""

    questions = (
        Question("open", lazy("Not finished"), lambda: ~Q(status__in=(BulkStatus.FINISHED, BulkStatus.DISCARDED))),
        Question("finished", lazy("Finished"), lambda: Q(status=BulkStatus.FINISHED)),
    )


@admin.register(BulkRefund)
class BulkRefundAdmin(LedgerAdmin):
    """Many refunds wanted as one."""

    section, position, icon = "Payments", 35, "refund"
    menu_label = lazy("Bulk refunds")
    hint = lazy("newest first")
    empty_title = lazy("No bulk refund yet")
    empty_text = lazy("Give a file of orders or payments, or tick them in their list, and refund them all at once.")
    list_display = ("what", "state", "progress", "sums", "who", "time")
    list_filter = (BulkQuestions, DayFilter)
    search_fields = ("number", "name")
    list_acts = (Act("upload", lazy("Refund many…"), form=UploadForm, permission=_MAY, tone="main"),)
    acts = (
        Act(
            "start",
            lazy("Start…"),
            form=StartForm,
            permission=_MAY,
            tone="main",
            why_not=_only(BulkStatus.DRAFT),
        ),
        Act(
            "stop",
            lazy("Stop…"),
            form=StopForm,
            permission=_MAY,
            tone="risk",
            why_not=_only(BulkStatus.STARTED),
        ),
        Act("resume", lazy("Go on…"), form=ResumeForm, permission=_MAY, why_not=_nothing_to_resume),
        Act("discard", lazy("Discard…"), form=DiscardForm, permission=_MAY, why_not=_only(BulkStatus.DRAFT)),
    )

    def get_urls(self) -> list[URLPattern]:
        """The file to begin with beside the rest."""
        view = self.admin_site.admin_view(self.sample_view)
        return [path("sample/", view, name="payments_bulkrefund_sample"), *super().get_urls()]

    def sample_view(self, request: HttpRequest) -> HttpResponse:
        """A file to write one's own after."""
        user: Any = request.user
        if not user.has_perm(f"payments.{_MAY}"):
            raise PermissionDenied
        headers = {"Content-Disposition": 'attachment; filename="refunds.csv"', "Cache-Control": "no-store"}
        return HttpResponse(bulk_files.sample(), content_type="text/csv; charset=utf-8", headers=headers)

    def get_queryset(self, request: HttpRequest) -> QuerySet[BulkRefund]:
        made = Q(lines__status=LineStatus.PROMISED)
        counted: QuerySet[BulkRefund] = (
            super()
            .get_queryset(request)
            .annotate(
                good=Count("lines", filter=~Q(lines__status=LineStatus.PROBLEM)),
                done=Count("lines", filter=made & Q(lines__refund__status=RefundStatus.SUCCEEDED)),
                failed=Count(
                    "lines",
                    filter=Q(lines__status=LineStatus.REFUSED) | made & Q(lines__refund__status=RefundStatus.FAILED),
                ),
            )
        )
        return counted

    @display.column(lazy("Bulk refund"), wraps=True)
    def what(self, bulk: BulkRefund) -> str:
        return bulk.name

    @display.column(lazy("State"))
    def state(self, bulk: BulkRefund) -> Chip:
        return _chip(bulk)

    @display.column(lazy("Refunded"), numeric=True)
    def progress(self, bulk: Any) -> str:
        return say("{done} of {good}", done=bulk.done, good=bulk.good) + (
            say(", {failed} failed", failed=bulk.failed) if bulk.failed else ""
        )

    @display.column(lazy("Amounts"), numeric=True)
    def sums(self, bulk: BulkRefund) -> SafeString:
        return display.joined(display.money(amount) for amount in bulk.sums())

    @display.column(lazy("By"), is_minor=True)
    def who(self, bulk: BulkRefund) -> SafeString | str:
        return display.person(bulk.actor_name)

    @display.column(lazy("Time"), numeric=True)
    def time(self, bulk: BulkRefund) -> SafeString | str:
        return display.when(bulk.created_at)

    def headline(self, bulk: Any) -> Headline:
        count = say("1 refund") if bulk.good == 1 else say("{good} refunds", good=bulk.good)
        left_out = bulk.line_count - bulk.good
        return Headline(
            display.joined((count, *(display.money(amount) for amount in bulk.sums()))),
            (_chip(bulk), *([Chip(say("{left_out} left out", left_out=left_out), "bad")] if left_out else [])),
            f"{bulk.name} · {bulk.actor_name}",
        )

    def timeline(self, bulk: BulkRefund) -> list[TimelineEntry]:
        if bulk.finished_at is None:
            return []
        return [TimelineEntry(bulk.finished_at, say("Finished: every line has its refund, or its refusal"), "", "good")]

    def cards(self, request: HttpRequest, bulk: Any) -> list[Card]:
        lines = list(bulk.lines.select_related("payment__order", "refund")[:_LINES_AT_MOST])
        problems = [line for line in lines if line.status == LineStatus.PROBLEM]
        others = [line for line in lines if line.status != LineStatus.PROBLEM]
        more = bulk.line_count - len(lines)
        cards = [
            Card(
                say("Bulk refund"),
                facts=[
                    (say("Number"), display.mono(bulk.number)),
                    (say("By"), bulk.actor_name),
                    (say("Note"), bulk.note or display.NOTHING),
                    (say("Prepared"), display.stamp(bulk.created_at)),
                    (say("Started"), display.stamp(bulk.started_at)),
                    (say("Finished"), display.stamp(bulk.finished_at)),
                    (say("Approved as"), display.mono(bulk.approval)),
                ],
            ),
            Card(say("Totals"), table=_totals(bulk)),
        ]
        if problems:
            rows = [
                (str(line.number), _said(line), display.cut(line.said_amount), display.sentence(line.result))
                for line in problems
            ]
            table = Table((say("Line"), say("Given"), say("Amount"), say("What is wrong")), rows, frozenset({0, 2}))
            cards.append(Card(say("Left out"), note=say("not refunded"), table=table, wide=True))
        note = (
            say("the first {lines_at_most:,}; {more:,} more", lines_at_most=_LINES_AT_MOST, more=more)
            if more > 0
            else ""
        )
        table = Table(
            (say("Line"), say("Order"), say("Amount"), say("State"), say("Result")),
            [_row(line) for line in others],
            frozenset({0, 2}),
            empty=say("No line can be refunded."),
        )
        cards.append(Card(say("Lines"), note=note, table=table, wide=True))
        return cards

    def upload(self, request: HttpRequest, thing: None, form: UploadForm) -> Done:
        return _draft(form.cleaned_data["file"].name, form.said, form)

    def start(self, request: HttpRequest, bulk: BulkRefund, form: StartForm) -> Done:
        operations.start_bulk(bulk, by=form.actor, remember=form.remember)
        return Done(say("Started. The worker makes the refunds; look here again in a moment."), "wait")

    def stop(self, request: HttpRequest, bulk: BulkRefund, form: StopForm) -> str:
        operations.stop_bulk(bulk, by=form.actor, note=form.cleaned_data["note"], remember=form.remember)
        return say("Stopped. What is made already goes its way.")

    def resume(self, request: HttpRequest, bulk: BulkRefund, form: ResumeForm) -> Done:
        operations.resume_bulk(bulk, by=form.actor, remember=form.remember)
        return Done(say("It goes on."), "wait")

    def discard(self, request: HttpRequest, bulk: BulkRefund, form: DiscardForm) -> str:
        operations.discard_bulk(bulk, by=form.actor, remember=form.remember)
        return say("Discarded.")


def _chip(bulk: BulkRefund) -> Chip:
    return Chip(str(bulk.get_status_display()), _TONES[BulkStatus(bulk.status)])


def _totals(bulk: BulkRefund) -> Table:
    """By currency: wanted, given back, failed. Never added across them."""
    counted: dict[str, list[int]] = {}
    for line in bulk.lines.exclude(status=LineStatus.PROBLEM).select_related("refund"):
        sums = counted.setdefault(line.currency, [0, 0, 0, 0])
        value, refund = line.amount_value or 0, line.refund
        sums[0], sums[1] = sums[0] + 1, sums[1] + value
        if refund is not None and refund.status == RefundStatus.SUCCEEDED:
            sums[2] += value
        elif line.status == LineStatus.REFUSED or (refund is not None and refund.status == RefundStatus.FAILED):
            sums[3] += value
    rows = [
        (str(count), *(display.money(Money(value, currency)) for value in values))
        for currency, (count, *values) in sorted(counted.items())
    ]
    return Table((say("Lines"), say("Wanted"), say("Given back"), say("Failed")), rows, frozenset({0, 1, 2, 3}))


def _row(line: BulkLine) -> tuple[Any, ...]:
    payment = line.payment
    order = display.to(payment.order, display.ident(payment.order.number)) if payment else _said(line)
    if line.refund is not None:
        state: Any = display.link(display.page_of(line.refund), chips.refund(line.refund))
        result = " ".join(part for part in (line.refund.result_code, line.refund.result_message) if part)
        said = "" if line.refund.status == RefundStatus.SUCCEEDED else result
    else:
        tone = {LineStatus.REFUSED: "bad", LineStatus.WAITING: "wait"}.get(LineStatus(line.status), "")
        state, said = Chip(str(line.get_status_display()), tone), line.result
    return str(line.number), order, display.money(line.amount), state, display.sentence(said)


def _said(line: BulkLine) -> SafeString | str:
    """What the file names, whole: one looks it up in the file."""
    return display.sentence(display.mono(line.said)) or display.NOTHING
