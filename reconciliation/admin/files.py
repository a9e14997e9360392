"""The desk's pages of settlement files: try one, look at what it would do, import it."""

from collections.abc import Callable
from contextlib import suppress
from datetime import date
from functools import partial
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.files.uploadedfile import UploadedFile
from django.db.models import Model, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString

from portal.admin import display
from portal.admin.acts import Act, ActForm, ChosenForm, Done, ReasonForm
from portal.admin.display import Chip
from portal.admin.filters import DayFilter
from portal.admin.ledger import AccountFilter, Card, Headline, LedgerAdmin, Question, Questions, Table
from portal.errors import PortalError
from portal.gather import Standing
from portal.models import AcquirerAccount
from portal.money import Money
from portal.words import lazy, say
from reconciliation import operations, periods, queries
from reconciliation.admin.shared import (
    DISCREPANCIES_SHOWN,
    discrepancy_table,
    law_sentence,
    list_url,
    open_chip,
    open_of_file,
    rows_in_words,
    sentence,
    state_chip,
)
from reconciliation.errors import ReportRefused
from reconciliation.layouts import SUMMING, LayoutChange, ReportKind
from reconciliation.models import AmountUnit, Batch, FeeParts, FeeSign, FileStatus, Reason, ReportFile, RowState
from reconciliation.operations import UNDO_REASONS, Answers, Outcome, Result
from reconciliation.operations.pieces import PIECE_BYTES
from reconciliation.outcomes import describe
from reconciliation.progress import how_far
from reconciliation.reading import MAX_REPORT_BYTES, Delivery, gather

FILES_AT_ONCE = 50
_QUESTIONS = frozenset({"unit_unclear", "fees_unclear"})
"""Refusals that a person can answer."""


class SeveralFilesInput(forms.ClearableFileInput):
    """The browser's chooser, for several files."""

    allow_multiple_selected = True


class ReportsField(forms.FileField):
    """One or several reports; cleans to a list. What is in them is judged by trying them."""

    widget = SeveralFilesInput

    def clean(self, data: Any, initial: Any = None) -> Any:
        given = [one for one in (data if isinstance(data, list | tuple) else [data]) if one]
        if not given:
            raise forms.ValidationError(say("Choose at least one file."))
        if len(given) > FILES_AT_ONCE:
            raise forms.ValidationError(say("At most {files_at_once} files at once.", files_at_once=FILES_AT_ONCE))
        for one in given:
            if one.size == 0:
                raise forms.ValidationError(
                    say("{name} is empty: not even a header line. Fetch it again.", name=one.name)
                )
            if one.size > settings.PORTAL_REPORT_MAX_MIB * 1024**2:
                raise forms.ValidationError(
                    say(
                        "{name} is larger than {max_report_bytes} MiB.",
                        name=one.name,
                        max_report_bytes=settings.PORTAL_REPORT_MAX_MIB,
                    )
                )
        return given


class AnswersForm(ActForm):
    """What a person may say where a file cannot tell it."""

    unit = forms.ChoiceField(
        choices=[("", lazy("The file tells")), *AmountUnit.choices],
        required=False,
        label=lazy("Amounts are in"),
        help_text=lazy("Told by decimal points, and by rows that carry an amount of ours."),
    )
    fee_sign = forms.ChoiceField(
        choices=[("", lazy("The file tells")), *FeeSign.choices],
        required=False,
        label=lazy("Sign of the fees"),
        help_text=lazy("Told by whether net = gross + fees or net = gross − fees closes on the rows."),
    )
    fee_parts = forms.ChoiceField(
        choices=[("", lazy("The file tells")), *(choice for choice in FeeParts.choices if choice[0] != FeeParts.NONE)],
        required=False,
        label=lazy("Tax, processing and dispute fees are"),
        help_text=lazy("Asked of E1 to E3 only, whose fee column is a total."),
    )

    def answers(self) -> Answers:
        """What was said."""
        said = self.cleaned_data
        return Answers(
            AmountUnit(said["unit"]) if said["unit"] else None,
            FeeSign(said["fee_sign"]) if said["fee_sign"] else None,
            FeeParts(said["fee_parts"]) if said["fee_parts"] else None,
        )


class TryForm(AnswersForm):
    """Choose reports, and see what they would do before anything is kept."""

    title = lazy("Import settlement reports")
    reports = ReportsField(
        label=lazy("Reports"),
        widget=SeveralFilesInput(attrs={"accept": ".csv,.xlsx,.zip"}),
        help_text=(
            lazy(
                "Transaction details, settlement details and summaries of any edition, as CSV, XLSX, or a "
                "ZIP of them. Several at once are fine; parts of one report (_000, _001 …) are put together."
            )
        ),
    )
    account = forms.ModelChoiceField(
        AcquirerAccount.objects.none(),
        required=False,
        empty_label=lazy("As the files say (customerId)"),
        label=lazy("Account"),
    )
    field_order = ("reports", "account", "unit", "fee_sign", "fee_parts")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        chooser: Any = self.fields["account"]
        chooser.queryset = AcquirerAccount.objects.order_by("name")

    def will_happen(self) -> list[str]:
        return [
            say("Each file is read to its end and matched, and you see what it would do. Nothing is imported yet."),
            say("A file that is cut, foreign or damaged is refused as a whole, with the reason."),
        ]

    def button(self) -> str:
        return say("Try them first")


class AnswerForm(AnswersForm):
    """Answer what a file asks."""

    title = lazy("Answer and try again")

    def clean(self) -> dict[str, Any]:
        """Demand one answer at least."""
        cleaned = super().clean() or self.cleaned_data
        if not any(cleaned.get(name) for name in ("unit", "fee_sign", "fee_parts")):
            raise forms.ValidationError(say("Say at least one of them; the file alone cannot tell."))
        return cleaned

    def will_happen(self) -> list[str]:
        return [
            self.thing.refusal,
            say("What you say is kept with the file and shown with it. Nothing is imported yet."),
        ]

    def button(self) -> str:
        return say("Try again")


class CommitForm(ActForm):
    """Import a file that was tried."""

    title = lazy("Import this file")

    def will_happen(self) -> list[str]:
        sentences = [
            say("{rows_in_words}, imported in one go or not at all.", rows_in_words=rows_in_words(self.thing.row_count))
        ]
        try:
            seen = operations.forecast(self.thing)
        except PortalError as refusal:
            return [refusal.message]
        if seen is None:
            sentences.append(say("Something was imported since it was tried: what it opens is being found out anew."))
        elif seen.result is Result.KNOWN:
            return [seen.sentence]
        elif count := seen.discrepancy_count:
            noun = say("discrepancy opens") if count == 1 else say("discrepancies open")
            sentences.append(
                say(
                    "{count} {noun} and wait{ending} for a person.",
                    count=count,
                    noun=noun,
                    ending="s" if count == 1 else "",
                )
            )
        if seen is not None and seen.restated_rows:
            sentences.append(
                say("{rows_in_words} of other files change with it.", rows_in_words=rows_in_words(seen.restated_rows))
            )
        sentences.append(say("No payment and no refund is moved by it. The file's bytes are kept, encrypted."))
        return sentences

    def button(self) -> str:
        return say("Import {rows_in_words}", rows_in_words=rows_in_words(self.thing.row_count))


class CommitChosenForm(ChosenForm):
    """Import several files that were tried, as one act."""

    title = lazy("Import the chosen files")

    def rows(self) -> QuerySet[ReportFile]:
        return ReportFile.objects.filter(status=FileStatus.TRIED).defer("content", "preview", "differences")

    def will_happen(self) -> list[str]:
        return [
            say("Each file is imported in one go or not at all; one that is refused stops no other."),
            say("The order does not matter: the same files end in the same matches and discrepancies."),
        ]

    def button(self) -> str:
        return say("Import {count} file{ending}", count=self.count(), ending="" if self.count() == 1 else "s")


class UndoForm(ReasonForm):
    """Take an import back."""

    title = lazy("Undo this import")
    reasons = UNDO_REASONS

    def will_happen(self) -> list[str]:
        file = self.thing
        closed = file.discrepancies.filter(closed_at__isnull=False).exclude(resolution="HEALED").count()
        sentences = [
            say(
                "{rows_in_words} with their matches and discrepancies are taken back as one act.",
                rows_in_words=rows_in_words(file.row_count),
            ),
            say("Rows of other files that it had changed are what they would be without it. Nothing else is touched."),
            say("The file stays, as one that was tried: it can be imported again."),
        ]
        if closed:
            noun = say("discrepancy") if closed == 1 else say("discrepancies")
            sentences.insert(
                1,
                say(
                    "{closed} {noun} that somebody closed go with it; the journal keeps what was said.",
                    closed=closed,
                    noun=noun,
                ),
            )
        return sentences

    def button(self) -> str:
        return say("Take back {rows_in_words}", rows_in_words=rows_in_words(self.thing.row_count))

    def is_risky(self) -> bool:
        return True


class DiscardForm(ActForm):
    """Forget a file that was only tried."""

    title = lazy("Discard this file")

    def will_happen(self) -> list[str]:
        return [say("The file is forgotten; nothing was imported of it. It can be tried again any time.")]

    def button(self) -> str:
        return say("Discard")

    def is_risky(self) -> bool:
        return True


def _not_discardable(file: ReportFile) -> str:
    if file.status in {FileStatus.IMPORTED, FileStatus.IMPORTING, FileStatus.UNDOING}:
        return say("It is imported already.")
    return say("It is about to be imported.") if file.errand else ""


def _not_importable(file: ReportFile) -> str:
    if file.status == FileStatus.TRIED:
        return say("It is about to be imported.") if file.errand else ""
    words = {
        FileStatus.ARRIVED: say("It is still being tried. Wait for what that shows."),
        FileStatus.REFUSED: say("It was refused; its page says why."),
        FileStatus.UNDOING: say("Its import is being undone."),
    }
    return words.get(FileStatus(file.status), say("It is imported already."))


def _not_undoable(file: ReportFile) -> str:
    if file.status != FileStatus.IMPORTED:
        return say("It is not imported.")
    closed = periods.closed_with(file)
    if closed is not None:
        return say("{closed} is closed with this file in it, so it stays.", closed=closed)
    return say("It is about to be undone.") if file.errand else ""


def _asks_nothing(file: ReportFile) -> str:
    is_asking = file.status == FileStatus.REFUSED and file.refusal_code in _QUESTIONS
    return "" if is_asking else say("This file asks nothing.")


class FileQuestions(Questions):
    """What one asks about files."""

    questions = (
        Question("tried", lazy("Tried, not imported"), lambda: Q(status=FileStatus.TRIED)),
        Question("refused", lazy("Refused"), lambda: Q(status=FileStatus.REFUSED)),
        Question("details", lazy("Settlement details"), lambda: Q(kind=ReportKind.SETTLEMENT)),
        Question("summaries", lazy("Summaries"), lambda: Q(kind=ReportKind.SUMMARY)),
        Question("paid", lazy("Payouts"), lambda: Q(kind=ReportKind.PAYOUT)),
        Question("transactions", lazy("Transaction details"), lambda: Q(kind=ReportKind.TRANSACTIONS)),
    )


class TriedDay(DayFilter):
    """By the day it came."""

    field = "tried_at"


@admin.register(ReportFile)
class ReportFileAdmin(LedgerAdmin):
    """One report as it was delivered."""

    section, position, icon, menu_label = "Finance", 30, "file", "Settlement files"
    hint = lazy("newest first")
    empty_title = lazy("No report yet")
    empty_text = lazy(
        "Import what the acquirer delivered: transaction details, settlement details, settlement summaries."
    )
    change_form_template = "reconciliation/file.html"
    list_display = ("file_name", "kind_words", "account", "state", "rows_shown", "came")
    list_select_related = ("account",)
    list_filter = (FileQuestions, TriedDay, AccountFilter)
    search_fields = ("name", "sha256", "detailed_batches__batch_id", "summed_batches__batch_id")
    acts = (
        Act("discard", lazy("Discard"), form=DiscardForm, permission="act_discard_report", why_not=_not_discardable),
        Act(
            "answer",
            lazy("Answer…"),
            form=AnswerForm,
            permission="act_import_report",
            tone="main",
            why_not=_asks_nothing,
        ),
        Act(
            "commit",
            lazy("Import…"),
            form=CommitForm,
            permission="act_import_report",
            tone="main",
            why_not=_not_importable,
        ),
        Act("undo", lazy("Undo…"), form=UndoForm, permission="act_undo_report", tone="risk", why_not=_not_undoable),
    )
    list_acts = (
        Act(
            "commit_chosen",
            lazy("Import chosen…"),
            form=CommitChosenForm,
            permission="act_import_report",
            of_chosen=True,
        ),
        Act("import_files", lazy("Import reports…"), form=TryForm, permission="act_import_report", tone="main"),
    )

    def get_urls(self) -> list[URLPattern]:
        """How far a file is, for the page to ask."""
        view = self.admin_site.admin_view(self.progress_view)
        mine = [path("<path:object_id>/progress/", view, name="reconciliation_reportfile_progress")]
        return mine + super().get_urls()

    def progress_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """How far the worker is with a file."""
        file = self.thing_or_none(request, object_id)
        if file is None or not self.has_view_permission(request, file):
            raise Http404(say("There is no settlement file with this id."))
        response = JsonResponse(how_far(file).as_json())
        response["Cache-Control"] = "no-store"
        return response

    hot_rows = Standing(lambda: ReportFile.objects.filter(status__in=(FileStatus.TRIED, FileStatus.REFUSED)))

    def get_queryset(self, request: HttpRequest) -> QuerySet[ReportFile]:
        rows: QuerySet[ReportFile] = super().get_queryset(request).defer("content", "preview", "differences")
        return rows.annotate(open_count=open_of_file("pk"))

    @display.column(lazy("File"), wraps=True)
    def file_name(self, file: ReportFile) -> SafeString | str:
        return display.file_name(file.name)

    @display.column(lazy("Report"), is_minor=True)
    def kind_words(self, file: ReportFile) -> str:
        return file.title

    @display.column(lazy("State"))
    def state(self, file: ReportFile) -> Chip:
        return self._chip(file)

    @display.column(lazy("Rows"), numeric=True, is_minor=True)
    def rows_shown(self, file: ReportFile) -> str:
        return f"{file.row_count:,}"

    @display.column(lazy("Came"), numeric=True)
    def came(self, file: ReportFile) -> SafeString | str:
        return display.when(file.imported_at or file.tried_at)

    def _chip(self, file: ReportFile) -> Chip:
        match file.status:
            case FileStatus.TRIED if not file.errand:
                return Chip(say("Not imported"), "wait")
            case FileStatus.REFUSED:
                return Chip(say("Refused"), "bad")
            case FileStatus.IMPORTED if not file.errand:
                return open_chip(getattr(file, "open_count", 0))
        return Chip(how_far(file).title, "wait")

    # The page.

    def headline(self, file: ReportFile) -> Headline:
        return Headline(
            file.title,
            (self._chip(file),),
            f"{file.account} · {file.name}{_counted(file)}",
        )

    def cards(self, request: HttpRequest, file: ReportFile) -> list[Card]:
        if file.status == FileStatus.REFUSED:
            return [*_difference_cards(file), _facts_card(file)]
        if file.status == FileStatus.TRIED:
            seen = _seen(file)
            if seen is None:
                return [_facts_card(file)]
            return [
                *_tables(seen.as_json(), imported=None),
                Card(
                    say("What it would open"),
                    note=f"{seen.discrepancy_count}",
                    table=_preview_findings(seen.as_json()),
                    wide=True,
                ),
                _facts_card(file, seen),
            ]
        if file.status != FileStatus.IMPORTED:
            return [_facts_card(file)]
        shown = describe(file, Result.IMPORTED, "")
        found = (
            file.discrepancies.filter(closed_at=None)
            .select_related("row__file", "summary_row__file")
            .order_by("-is_urgent", "opened_at", "pk")[:DISCREPANCIES_SHOWN]
        )
        return [
            *(_paid(file) if file.kind == ReportKind.PAYOUT else _tables(shown.as_json(), imported=file)),
            Card(
                say("Open discrepancies"),
                note=f"{shown.discrepancy_count}",
                table=discrepancy_table(found),
                wide=True,
                text=display.link(list_url("discrepancy", file=file.pk, ask="open"), say("All of them in the queue"))
                if shown.discrepancy_count > DISCREPANCIES_SHOWN
                else "",
            ),
            _facts_card(file),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The page of a file, under the law."""
        response = super().change_view(request, object_id, form_url, extra_context)
        if isinstance(response, TemplateResponse) and response.context_data is not None:
            file: ReportFile = response.context_data["thing"]
            far = how_far(file)
            is_tried = file.status == FileStatus.TRIED and not far.is_at_work
            response.context_data["laws"] = _laws(file)
            response.context_data["is_tried"] = is_tried
            change = LayoutChange(tuple(file.unknown_columns), tuple(file.absent_columns))
            response.context_data["layout_change"] = change.sentence()
            response.context_data["said"] = _said(file) if is_tried else ""
            response.context_data["refusal"] = file.refusal if file.status == FileStatus.REFUSED else ""
            response.context_data["is_copy"] = file.refusal_code == "same_as_before"
            response.context_data["progress"] = far if far.is_at_work else None
        return response

    # The acts.

    def import_files(self, request: HttpRequest, thing: None, form: TryForm) -> Done:
        """Try every file; one leads to its page, several to the list of what waits to be imported."""
        kept: list[tuple[Outcome, ReportFile | None]] = []
        refused: list[str] = []
        given: list[UploadedFile[Any]] = form.cleaned_data["reports"]
        large = [upload for upload in given if (upload.size or 0) > MAX_REPORT_BYTES]
        deliveries = gather([(one.name or "report.csv", one.read()) for one in given if one not in large])
        tries = [(one.name, partial(_try_delivery, one)) for one in deliveries]
        tries += [(one.name or "report.csv", partial(_try_large, one)) for one in large]
        for name, attempt in tries:
            try:
                remember = None if any(file is not None for _, file in kept) else form.remember
                kept.append(attempt(form, remember))
            except PortalError as refusal:
                refused.append(f"{name}: {refusal.message}")
        if not kept:
            raise ReportRefused(problem=" ".join(refused))
        for why in refused:
            messages.error(request, why)
        if len(tries) == 1:
            outcome, file = kept[0]
            url = reverse("admin:reconciliation_reportfile_change", args=[file.pk]) if file is not None else ""
            tones = {Result.KNOWN: "wait", Result.REFUSED: "bad"}
            return Done(outcome.sentence, tones.get(outcome.result, "good"), url)
        for outcome, _ in kept:
            if outcome.result in {Result.KNOWN, Result.REFUSED}:
                messages.info(request, f"{outcome.file}: {outcome.sentence}")
        tried = sum(outcome.result in {Result.TRIED, Result.WAITING} for outcome, _ in kept)
        if not tried:
            return Done(
                say("None of the {deliveries} files is new. Nothing changed.", deliveries=len(tries)),
                "wait",
                list_url("reportfile"),
            )
        return Done(
            say(
                "{tried} of {deliveries} files {ending} tried. Look at each, and import it.",
                tried=tried,
                deliveries=len(tries),
                ending="was" if tried == 1 else "were",
            ),
            "good",
            list_url("reportfile", ask="tried"),
        )

    def answer(self, request: HttpRequest, file: ReportFile, form: AnswerForm) -> Done:
        """Say what it asked, and try it again."""
        file = operations.answer(file, form.answers(), by=form.actor, remember=form.remember)
        if file.status == FileStatus.REFUSED:
            return Done(file.refusal, "bad")
        return Done(_said(file) or say("It is being tried again."))

    def commit_chosen(self, request: HttpRequest, thing: None, form: CommitChosenForm) -> Done:
        """Import each of them: details before what sums them up, which then has nothing to miss in between."""
        done, imported = 0, []
        chosen = sorted(form.cleaned_data["chosen"], key=lambda file: (ReportKind.values.index(file.kind), file.name))
        for number, file in enumerate(chosen):
            try:
                outcome = operations.commit(file, by=form.actor, remember=form.remember if not number else None)
            except PortalError as refusal:
                messages.error(request, f"{file}: {refusal.message}")
                continue
            done += outcome.result in {Result.IMPORTED, Result.WAITING}
            if outcome.result is Result.IMPORTED:
                imported.append(file)
            else:
                messages.info(request, f"{file}: {outcome.sentence}")
        # What one opens the next may close: said once, as it is after the last.
        for file in imported:
            if count := file.discrepancies.filter(closed_at=None).count():
                messages.info(request, _open_in(file, count))
        of = form.count()
        return Done(
            say("{done} of {of} files imported.", done=done, of=of),
            "good" if done == of else "wait",
            list_url("reportfile"),
        )

    def undo(self, request: HttpRequest, file: ReportFile, form: UndoForm) -> Done:
        """Take the import back."""
        file = operations.undo(
            file,
            by=form.actor,
            reason_code=form.cleaned_data["reason_code"],
            note=form.cleaned_data["note"],
            remember=form.remember,
        )
        if file.status == FileStatus.TRIED:
            return Done(
                say(
                    "The import of {file} is undone. It counts for nothing any more, and can be imported again.",
                    file=file,
                )
            )
        return Done(say("The import of {file} is being undone; its page shows how far it is.", file=file), "wait")

    def commit(self, request: HttpRequest, file: ReportFile, form: CommitForm) -> Done:
        """Import it."""
        outcome = operations.commit(file, by=form.actor, remember=form.remember)
        clean = outcome.result is Result.IMPORTED and not outcome.discrepancy_count
        return Done(outcome.sentence, "good" if clean else "wait")

    def discard(self, request: HttpRequest, file: ReportFile, form: DiscardForm) -> Done:
        """Forget it."""
        operations.discard(file, by=form.actor)
        return Done(say("{file} is forgotten.", file=file), url=reverse("admin:reconciliation_reportfile_changelist"))


def _try_delivery(
    delivery: Delivery, form: TryForm, remember: Callable[[Model], None] | None
) -> tuple[Outcome, ReportFile | None]:
    if delivery.refusal is not None:
        raise delivery.refusal
    return operations.try_report(
        delivery.name,
        delivery.content,
        by=form.actor,
        account=form.cleaned_data["account"],
        answers=form.answers(),
        remember=remember,
    )


def _try_large(
    upload: "UploadedFile[Any]", form: TryForm, remember: Callable[[Model], None] | None
) -> tuple[Outcome, ReportFile | None]:
    """One that is not read into memory: the upload lies on disk."""
    return operations.try_large_report(
        upload.name or "report.csv",
        upload.size or 0,
        partial(upload.chunks, PIECE_BYTES),
        by=form.actor,
        account=form.cleaned_data["account"],
        answers=form.answers(),
        remember=remember,
    )


def _open_in(file: ReportFile, count: int) -> str:
    if count == 1:
        return say("{file}: imported, with 1 open discrepancy.", file=file)
    return say("{file}: imported, with {count:,} open discrepancies.", file=file, count=count)


def _counted(file: ReportFile) -> str:
    """How many rows it has, where that is known: a refused file may never have been read to its end."""
    is_read = file.row_count or file.status not in {FileStatus.ARRIVED, FileStatus.REFUSED}
    return f" · {rows_in_words(file.row_count)}" if is_read else ""


def _seen(file: ReportFile) -> Outcome | None:
    """What importing a tried file would do now; None where that is not known yet, or it would be refused."""
    try:
        return operations.forecast(file)
    except PortalError:
        return None


def _said(file: ReportFile) -> str:
    """The sentence of a tried file."""
    try:
        seen = operations.forecast(file)
    except PortalError as refusal:
        return refusal.message
    if seen is None:
        return say("What it would do is being found out anew: something was imported since it was tried.")
    return seen.sentence


def _laws(file: ReportFile) -> list[SafeString]:
    if file.status == FileStatus.TRIED:
        seen = _seen(file)
        return [
            law_sentence(law.currency, law.reported_value, law.matched_value, law.explained_value, law.open_value)
            for law in (seen.law if seen is not None else ())
        ]
    if file.status != FileStatus.IMPORTED:
        return []
    return [
        law_sentence(law.currency, law.reported.value, law.matched.value, law.explained.value, law.open.value)
        for law in queries.law(file)
    ]


def _difference_cards(file: ReportFile) -> list[Card]:
    """Row by row, how a copy differs from the batch that is here."""
    if not file.differences:
        return []
    table = Table(
        head=(say("Row"), say("Column"), say("Was"), say("Is here")),
        rows=[
            (
                sentence(one["row"]),
                one["column"] or display.NOTHING,
                display.mono(one["was"]) if one["was"] else display.NOTHING,
                display.mono(one["now"]) if one["column"] else one["now"],
            )
            for one in file.differences
        ],
    )
    return [Card(say("How it differs from what is imported"), note=f"{len(file.differences)}", table=table, wide=True)]


def _tables(shown: dict[str, Any], *, imported: ReportFile | None) -> list[Card]:
    """Totals per type and currency, and how many rows are matched, explained and open."""
    types = Table(
        head=(say("Type"), say("Rows"), say("Reported"), say("Matched"), say("Explained"), say("Open")),
        rows=[
            (
                line["type"],
                f"{line['count']:,}",
                *(
                    display.money(Money(line[name], line["currency"])) if line[name] else display.NOTHING
                    for name in ("reported_value", "matched_value", "explained_value", "open_value")
                ),
            )
            for line in shown.get("types", [])
        ],
        numeric=frozenset({1, 2, 3, 4, 5}),
        empty=say("There are no transactions in this report."),
    )
    counts = [
        (state, shown.get(f"{state.value.lower()}_rows", 0))
        for state in (RowState.MATCHED, RowState.EXPLAINED, RowState.OPEN)
    ]
    facts = []
    for state, count in counts:
        words: Any = rows_in_words(count)
        if imported is not None and imported.kind not in SUMMING and count:
            words = display.link(list_url("settlementrow", file=imported.pk, ask=state.value.lower()), words)
        facts.append((state_chip(state), words))
    return [Card(say("By type"), table=types, wide=True), Card(say("Rows"), facts=facts)]


def _paid(file: ReportFile) -> list[Card]:
    """What a settlement pays for each clearing, and what the rows of that clearing come to."""
    rows = file.summary_rows.select_related("batch").order_by("batch__batch_id")
    table = Table(
        head=(say("Clearing"), say("Written on"), say("Paid for it"), say("Its rows come to"), say("State")),
        rows=[
            (
                _batch_words(row.batch),
                display.day_name(row.batch.initiated_on, with_year=True),
                display.money(row.net),
                _comes_to(row.batch) if row.settlement_value or row.batch.details_id else say("No rows"),
                state_chip(RowState(row.state)),
            )
            for row in rows
        ],
        numeric=frozenset({2, 3}),
        empty=say("It pays for nothing."),
    )
    return [Card(say("Clearings it pays for"), note=f"{len(table.rows)}", table=table, wide=True)]


def _comes_to(batch: Batch) -> SafeString | str:
    if batch.details_id is None or batch.net_value is None:
        return say("not imported yet")
    return display.money(Money(batch.net_value, batch.currency))


def _batch_words(batch: Batch) -> SafeString | str:
    """A batch by its id; one that no other report has told of yet, or that has no rows, has no page."""
    words = display.mono(batch.batch_id)
    return display.to(batch, words) if batch.details_id or batch.summary_id else words


def _settlement_facts(file: ReportFile) -> list[tuple[str, Any]]:
    """Which settlement it is, and by when the acquirer pays."""
    row = file.summary_rows.order_by("part", "line_number").first()
    if row is None:
        return []
    facts: list[tuple[str, Any]] = [(say("Settlement"), display.mono(row.raw.get("settlementBatchId", "")))]
    with suppress(ValueError):
        day = display.day_name(date.fromisoformat(row.raw.get("valueDate", "")), with_year=True)
        facts.append((say("Paid before"), day))
    return facts


def _preview_findings(preview: dict[str, Any]) -> Table:
    return Table(
        head=(say("Reason"), say("Line"), say("What differs"), say("At stake")),
        rows=[
            (
                Reason(found["reason"]).label,
                found["line"] if found["line"] is not None else display.NOTHING,
                sentence(found["sentence"]),
                display.money(Money(found["stake_value"], found["stake_currency"]))
                if found["stake_value"]
                else display.NOTHING,
            )
            for found in preview.get("discrepancies", [])
        ],
        numeric=frozenset({1, 3}),
        empty=say("Nothing: every row would be matched or explained."),
    )


def _facts_card(file: ReportFile, seen: Outcome | None = None) -> Card:
    is_imported = file.status == FileStatus.IMPORTED
    batches = Batch.objects.filter(Q(details=file) | Q(summary=file)) if is_imported else []
    parts = list(file.parts.all())
    facts: list[tuple[str, Any]] = [
        (say("Account"), display.to(file.account)),
        (say("Edition"), file.get_edition_display()),
    ]
    if file.kind == ReportKind.PAYOUT:
        facts += _settlement_facts(file)
    else:
        facts += [(say("Batch"), _batch_words(batch)) for batch in batches]
    if file.report_day:
        facts.append((say("Day"), f"{file.report_day[:4]}-{file.report_day[4:6]}-{file.report_day[6:]} (UTC+8)"))
    if file.amount_unit_basis:
        facts.append((say("Amounts"), f"{file.get_amount_unit_display()}: {file.amount_unit_basis}"))
    if file.fee_sign_basis and file.kind != ReportKind.PAYOUT:
        facts.append((say("Fees"), f"{file.get_fee_sign_display()}: {file.fee_sign_basis}"))
    if seen is not None and seen.repeated_rows:
        facts.append(
            (
                say("Repeats"),
                say("{rows_in_words} that another copy tells, too", rows_in_words=rows_in_words(seen.repeated_rows)),
            )
        )
    if seen is not None and seen.restated_rows:
        facts.append(
            (
                say("Changes elsewhere"),
                say("{rows_in_words} of other files", rows_in_words=rows_in_words(seen.restated_rows)),
            )
        )
    if len(parts) > 1:
        # Rows are counted where they are read: fees are read into the rows they are of.
        counts = [rows_in_words(part.row_count) if part.row_count else "" for part in parts]
        facts += [
            (say("Part"), display.joined((display.file_name(part.name), count)))
            for part, count in zip(parts, counts, strict=True)
        ]
    if parts:
        facts.append((say("Written in"), ", ".join(sorted({part.encoding for part in parts}))))
    facts += [
        (say("Size"), say("{byte_size:,} bytes", byte_size=file.byte_size)),
        ("SHA-256", display.mono(file.sha256)),
        (say("Tried"), display.stamp(file.tried_at)),
    ]
    if file.imported_at is not None:
        facts.append((say("Imported"), display.stamp(file.imported_at)))
        facts.append((say("By"), file.imported_by))
    return Card(say("The file"), facts=facts)
