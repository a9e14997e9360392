"""The desk's pages of settlement files: try one, look at what it would do, import it."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.files.uploadedfile import UploadedFile
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.safestring import SafeString

from portal.admin import display
from portal.admin.acts import Act, ActForm, Done
from portal.admin.display import Chip
from portal.admin.ledger import AccountFilter, Card, DayFilter, Headline, LedgerAdmin, Question, Questions, Table
from portal.errors import PortalError
from portal.models import AcquirerAccount
from portal.money import Money
from reconciliation import operations, queries
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
from reconciliation.layouts import ReportKind
from reconciliation.models import Batch, FileStatus, Reason, ReportFile, RowState
from reconciliation.operations import Outcome, Result
from reconciliation.outcomes import describe
from reconciliation.reading import MAX_REPORT_BYTES

FILES_AT_ONCE = 20


class SeveralFilesInput(forms.ClearableFileInput):
    """The browser's chooser, for several files."""

    allow_multiple_selected = True


class ReportsField(forms.FileField):
    """One or several reports; cleans to a list. What is in them is judged by trying them."""

    widget = SeveralFilesInput

    def clean(self, data: Any, initial: Any = None) -> Any:
        given = [one for one in (data if isinstance(data, list | tuple) else [data]) if one]
        if not given:
            raise forms.ValidationError("Choose at least one file.")
        if len(given) > FILES_AT_ONCE:
            raise forms.ValidationError(f"At most {FILES_AT_ONCE} files at once.")
        for one in given:
            if one.size == 0:
                raise forms.ValidationError(f"{one.name} is empty: not even a header line. Fetch it again.")
            if one.size > MAX_REPORT_BYTES:
                raise forms.ValidationError(f"{one.name} is larger than {MAX_REPORT_BYTES // 1024**2} MiB.")
        return given


class TryForm(ActForm):
    """Choose reports, and see what they would do before anything is kept."""

    title = "Import settlement reports"
    reports = ReportsField(
        label="Reports",
        widget=SeveralFilesInput(attrs={"accept": ".csv,text/csv"}),
        help_text="Transaction details, settlement details or settlement summary, as CSV. Several at once are fine.",
    )
    account = forms.ModelChoiceField(
        AcquirerAccount.objects.none(),
        required=False,
        empty_label="As the files say (customerId)",
        label="Account",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        chooser: Any = self.fields["account"]
        chooser.queryset = AcquirerAccount.objects.order_by("name")

    def will_happen(self) -> list[str]:
        return [
            "Each file is read to its end and matched, and you see what it would do. Nothing is imported yet.",
            "A file that is cut, foreign or damaged is refused as a whole, with the reason.",
        ]

    def button(self) -> str:
        return "Try them first"


class CommitForm(ActForm):
    """Import a file that was tried."""

    title = "Import this file"

    def will_happen(self) -> list[str]:
        preview = self.thing.preview or {}
        sentences = [f"{rows_in_words(self.thing.row_count)}, imported in one go or not at all."]
        if count := preview.get("discrepancy_count", 0):
            noun = "discrepancy opens" if count == 1 else "discrepancies open"
            sentences.append(f"{count} {noun} and wait{'s' if count == 1 else ''} for a person.")
        sentences.append("No payment and no refund is moved by it. The file's bytes are kept, encrypted.")
        return sentences

    def button(self) -> str:
        return f"Import {rows_in_words(self.thing.row_count)}"


class DiscardForm(ActForm):
    """Forget a file that was only tried."""

    title = "Discard this file"

    def will_happen(self) -> list[str]:
        return ["The file is forgotten; nothing was imported of it. It can be tried again any time."]

    def button(self) -> str:
        return "Discard"

    def is_risky(self) -> bool:
        return True


def _is_imported(file: ReportFile) -> str:
    return "" if file.status == FileStatus.TRIED else "It is imported already."


class FileQuestions(Questions):
    """What one asks about files."""

    questions = (
        Question("tried", "Tried, not imported", lambda: Q(status=FileStatus.TRIED)),
        Question("details", "Settlement details", lambda: Q(kind=ReportKind.SETTLEMENT)),
        Question("summaries", "Summaries", lambda: Q(kind=ReportKind.SUMMARY)),
        Question("transactions", "Transaction details", lambda: Q(kind=ReportKind.TRANSACTIONS)),
    )


class TriedDay(DayFilter):
    """By the day it came."""

    field = "tried_at"


@admin.register(ReportFile)
class ReportFileAdmin(LedgerAdmin):
    """One report as it was delivered."""

    section, position, icon, menu_label = "Finance", 30, "file", "Settlement files"
    hint = "newest first"
    empty_title = "No report yet"
    empty_text = "Import what the acquirer delivered: transaction details, settlement details, settlement summaries."
    list_display = ("file_name", "kind_words", "account", "state", "rows_shown", "came")
    list_select_related = ("account",)
    list_filter = (FileQuestions, TriedDay, AccountFilter)
    search_fields = ("name", "sha256", "detailed_batches__batch_id", "summed_batches__batch_id")
    acts = (
        Act("discard", "Discard", form=DiscardForm, permission="act_discard_report", why_not=_is_imported),
        Act("commit", "Import…", form=CommitForm, permission="act_import_report", tone="main", why_not=_is_imported),
    )
    list_acts = (Act("import_files", "Import reports…", form=TryForm, permission="act_import_report", tone="main"),)

    def hot_count(self) -> int:
        return ReportFile.objects.filter(status=FileStatus.TRIED).count()

    def get_queryset(self, request: HttpRequest) -> QuerySet[ReportFile]:
        rows: QuerySet[ReportFile] = super().get_queryset(request).defer("content", "preview")
        return rows.annotate(open_count=open_of_file("pk"))

    @display.column("File")
    def file_name(self, file: ReportFile) -> str:
        return file.name

    @display.column("Report")
    def kind_words(self, file: ReportFile) -> str:
        return file.get_kind_display()

    @display.column("State")
    def state(self, file: ReportFile) -> Chip:
        return self._chip(file)

    @display.column("Rows", numeric=True)
    def rows_shown(self, file: ReportFile) -> str:
        return f"{file.row_count:,}"

    @display.column("Came", numeric=True)
    def came(self, file: ReportFile) -> SafeString | str:
        return display.when(file.imported_at or file.tried_at)

    def _chip(self, file: ReportFile) -> Chip:
        if file.status == FileStatus.TRIED:
            return Chip("Not imported", "wait")
        return open_chip(getattr(file, "open_count", 0))

    # The page.

    def headline(self, file: ReportFile) -> Headline:
        return Headline(
            file.get_kind_display(),
            (self._chip(file),),
            f"{file.account} · {file.name} · {rows_in_words(file.row_count)}",
        )

    def cards(self, request: HttpRequest, file: ReportFile) -> list[Card]:
        if file.status == FileStatus.TRIED:
            preview = file.preview or {}
            return [
                *_tables(preview, imported=None),
                Card(
                    "What it would open",
                    note=f"{preview.get('discrepancy_count', 0)} discrepancies",
                    table=_preview_findings(preview),
                    wide=True,
                ),
                _facts_card(file),
            ]
        shown = describe(file, Result.IMPORTED, "")
        found = (
            file.discrepancies.filter(closed_at=None)
            .select_related("row__file", "summary_row__file")
            .order_by("-is_urgent", "opened_at", "pk")[:DISCREPANCIES_SHOWN]
        )
        return [
            *_tables(shown.as_json(), imported=file),
            Card(
                "Open discrepancies",
                note=f"{shown.discrepancy_count}",
                table=discrepancy_table(found),
                wide=True,
                text=display.link(list_url("discrepancy", file=file.pk, ask="open"), "All of them in the queue")
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
            response.template_name = "reconciliation/file.html"
            response.context_data["laws"] = _laws(file)
            response.context_data["is_tried"] = file.status == FileStatus.TRIED
            response.context_data["unknown_columns"] = file.unknown_columns
            response.context_data["said"] = (file.preview or {}).get("sentence", "")
        return response

    # The acts.

    def import_files(self, request: HttpRequest, thing: None, form: TryForm) -> Done:
        """Try every file; one leads to its page, several to the list of what waits to be imported."""
        kept: list[tuple[Outcome, ReportFile | None]] = []
        refused: list[str] = []
        given: list[UploadedFile[Any]] = form.cleaned_data["reports"]
        for upload in given:
            try:
                remember = None if any(file is not None for _, file in kept) else form.remember
                kept.append(
                    operations.try_report(
                        upload.name or "report.csv",
                        upload.read(),
                        by=form.actor,
                        account=form.cleaned_data["account"],
                        remember=remember,
                    )
                )
            except PortalError as refusal:
                refused.append(f"{upload.name}: {refusal.message}")
        if not kept:
            raise ReportRefused(problem=" ".join(refused))
        for why in refused:
            messages.error(request, why)
        if len(given) == 1:
            outcome, file = kept[0]
            url = reverse("admin:reconciliation_reportfile_change", args=[file.pk]) if file is not None else ""
            return Done(outcome.sentence, "wait" if outcome.result is Result.KNOWN else "good", url)
        for outcome, _ in kept:
            if outcome.result is Result.KNOWN:
                messages.info(request, f"{outcome.file}: {outcome.sentence}")
        tried = sum(outcome.result is Result.TRIED for outcome, _ in kept)
        return Done(
            f"{tried} of {len(given)} files were tried. Look at each, and import it.",
            "good" if tried else "wait",
            list_url("reportfile", ask="tried"),
        )

    def commit(self, request: HttpRequest, file: ReportFile, form: CommitForm) -> Done:
        """Import it."""
        outcome = operations.commit(file, by=form.actor, remember=form.remember)
        clean = outcome.result is Result.IMPORTED and not outcome.discrepancy_count
        return Done(outcome.sentence, "good" if clean else "wait")

    def discard(self, request: HttpRequest, file: ReportFile, form: DiscardForm) -> Done:
        """Forget it."""
        operations.discard(file, by=form.actor)
        return Done(f"{file} is forgotten.", url=reverse("admin:reconciliation_reportfile_changelist"))


def _laws(file: ReportFile) -> list[SafeString]:
    if file.status == FileStatus.TRIED:
        return [
            law_sentence(
                law["currency"],
                law["reported_value"],
                law["matched_value"],
                law["explained_value"],
                law["open_value"],
            )
            for law in (file.preview or {}).get("law", [])
        ]
    return [
        law_sentence(law.currency, law.reported.value, law.matched.value, law.explained.value, law.open.value)
        for law in queries.law(file)
    ]


def _tables(shown: dict[str, Any], *, imported: ReportFile | None) -> list[Card]:
    """Totals per type and currency, and how many rows are matched, explained and open."""
    types = Table(
        head=("Type", "Rows", "Reported", "Matched", "Explained", "Open"),
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
        empty="There are no transactions in this report.",
    )
    counts = [
        (state, shown.get(f"{state.value.lower()}_rows", 0))
        for state in (RowState.MATCHED, RowState.EXPLAINED, RowState.OPEN)
    ]
    facts = []
    for state, count in counts:
        words: Any = rows_in_words(count)
        if imported is not None and imported.kind != ReportKind.SUMMARY and count:
            words = display.link(list_url("settlementrow", file=imported.pk, ask=state.value.lower()), words)
        facts.append((state_chip(state), words))
    return [Card("By type", table=types, wide=True), Card("Rows", facts=facts)]


def _preview_findings(preview: dict[str, Any]) -> Table:
    return Table(
        head=("Reason", "Line", "What differs", "At stake"),
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
        empty="Nothing: every row would be matched or explained.",
    )


def _facts_card(file: ReportFile) -> Card:
    batches = Batch.objects.filter(Q(details=file) | Q(summary=file)) if file.status == FileStatus.IMPORTED else []
    facts: list[tuple[str, Any]] = [
        ("Account", display.to(file.account)),
        ("Edition", file.edition),
        *(("Batch", display.to(batch, display.mono(batch.batch_id))) for batch in batches),
        ("Amounts", f"{file.get_amount_unit_display()}: {file.amount_unit_basis}"),
        ("Fees", f"{file.get_fee_sign_display()}: {file.fee_sign_basis}"),
        ("Size", f"{file.byte_size:,} bytes"),
        ("SHA-256", display.mono(file.sha256)),
        ("Tried", display.stamp(file.tried_at)),
    ]
    if file.report_day:
        facts.insert(2, ("Day", f"{file.report_day[:4]}-{file.report_day[4:6]}-{file.report_day[6:]} (UTC+8)"))
    if file.imported_at is not None:
        facts.append(("Imported", display.stamp(file.imported_at)))
        facts.append(("By", file.imported_by.partition(":")[2] or file.imported_by))
    return Card("The file", facts=facts)
