"""The desk's pages of settlement batches: the law as headline, from gross to net, what is proved, and the bank."""

from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString

from portal import clock
from portal.admin import display
from portal.admin.acts import Act, Done
from portal.admin.display import Chip
from portal.admin.ledger import AccountFilter, Card, Headline, LedgerAdmin, Question, Questions, Table
from portal.money import Money
from portal.registry import TimelineEntry
from portal.words import lazy, say, told
from reconciliation import bank, operations, queries, rates
from reconciliation.admin.bank_credits import source_of
from reconciliation.admin.bank_forms import EnterCreditForm, NameDifferenceForm, TakeBackForm
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
from reconciliation.layouts import Edition
from reconciliation.models import (
    BankCredit,
    BankDifference,
    BankShare,
    Batch,
    Discrepancy,
    Reason,
    ReportFile,
    SummaryRow,
)
from reconciliation.operations.banking import not_payable
from reconciliation.row_types import SETTLED


@dataclass(frozen=True)
class Proof:
    """One line of the proof: whether it holds, and what."""

    chip: Chip
    claim: str

    @property
    def holds(self) -> bool:
        """Whether it is proved."""
        return self.chip.tone == "good"


def _nothing_open(batch: Batch) -> str:
    standing = bank.standing_of(batch)
    if standing is None:
        return say("It is not known yet what this batch pays.")
    return say("Nothing of this batch is open at the bank.") if standing.ties_out else ""


def _nothing_named(batch: Batch) -> str:
    standing = bank.standing_of(batch)
    is_named = standing is not None and (standing.explained.value or batch.bank_differences.exists())
    return "" if is_named else say("No cause was named.")


class BatchQuestions(Questions):
    """What one asks about batches."""

    questions = (
        Question("open", lazy("With open discrepancies"), lambda: Q(open_details__gt=0) | Q(open_summary__gt=0)),
        Question("no_details", lazy("Details missing"), lambda: Q(details__isnull=True)),
        Question("no_summary", lazy("Summary missing"), lambda: Q(summary__isnull=True)),
        Question("at_bank", lazy("Open at the bank"), lambda: bank.OPEN_AT_BANK),
    )


@admin.register(Batch)
class BatchAdmin(LedgerAdmin):
    """What the acquirer pays in one go."""

    section, position, icon, menu_label = "Finance", 10, "balance", "Settlement batches"
    hint = lazy("newest first")
    empty_title = lazy("No batch yet")
    empty_text = lazy("Import settlement details or a summary to see what the acquirer pays.")
    change_form_template = "reconciliation/batch.html"
    list_display = ("batch", "account", "psp", "state", "at_bank", "initiated", "rows_shown", "net_shown")
    list_select_related = ("account", "details", "summary")
    page_select_related = ("details__account", "summary__account")
    list_filter = (BatchQuestions, AccountFilter)
    search_fields = ("batch_id",)
    acts = (
        Act(
            "enter_credit",
            lazy("Enter bank credit…"),
            form=EnterCreditForm,
            permission="act_enter_bank_credit",
            tone="main",
            why_not=not_payable,
        ),
        Act(
            "name_difference",
            lazy("Name a difference…"),
            form=NameDifferenceForm,
            permission="act_name_bank_difference",
            why_not=_nothing_open,
        ),
        Act(
            "take_back_difference",
            lazy("Take a cause back…"),
            form=TakeBackForm,
            permission="act_name_bank_difference",
            tone="risk",
            why_not=_nothing_named,
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Batch]:
        # One that belongs to no file is being written, or was taken back.
        rows: QuerySet[Batch] = bank.with_standing(super().get_queryset(request)).exclude(details=None, summary=None)
        return rows.annotate(open_details=open_of_file("details"), open_summary=open_of_file("summary")).defer(
            "details__content", "details__preview", "summary__content", "summary__preview"
        )

    @display.column(lazy("Batch"))
    def batch(self, batch: Batch) -> SafeString | str:
        return display.mono(batch.batch_id)

    @display.column(lazy("State"))
    def state(self, batch: Batch) -> Chip:
        return open_chip(_open_count(batch))

    @display.column(lazy("At the bank"))
    def at_bank(self, batch: Batch) -> Chip | str:
        return _bank_chip(batch) or display.NOTHING

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
        waiting, arrival = _open_count(batch), _bank_chip(batch)
        chips = [open_chip(waiting)] if waiting or arrival is None or arrival.tone == "good" else []
        chips += [arrival] if arrival is not None else []
        about = " · ".join(filter(None, (str(batch.account), batch.psp, day, rows)))
        return Headline(display.money(batch.net), chips, about)

    def timeline(self, batch: Batch) -> list[TimelineEntry]:
        entries = []
        for file in (batch.details, batch.summary, _paid_by(batch)):
            if file is not None:
                link, what = (file.name, display.page_of(file)), told(file.title)
                by = file.imported_by
                entries.append(
                    TimelineEntry(
                        file.imported_at or file.tried_at,
                        say("{what} imported by {by}.", what=what, by=by),
                        tone="good",
                        links=(link,),
                    )
                )
        entries += [
            TimelineEntry(
                credit.matched_at,
                say(
                    "The bank credited {amount} on {day}.",
                    amount=amount,
                    day=display.day_name(credit.value_date, with_year=True),
                ),
                told(credit.get_basis_display()),
                "good",
                ((say("Bank credit"), display.page_of(credit)),),
            )
            for credit, amount in _credits_of(batch)
            if credit.matched_at is not None
        ]
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
            *_rates_card(batch),
            _bank_card(batch),
            Card(
                say("The batch"),
                facts=[
                    (say("Batch id"), display.mono(batch.batch_id)),
                    (say("Account"), display.to(batch.account)),
                    *([("PSP", batch.psp)] if batch.psp else []),
                    (say("Initiated"), f"{display.day_name(batch.initiated_on, with_year=True)} (UTC+8)"),
                    (say("Details"), _file_link(batch.details)),
                    (say("Summary"), _file_link(batch.summary)),
                    *([(say("Paid by"), _file_link(_paid_by(batch)))] if _is_cleared(batch) else []),
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
            response.context_data["laws"] = [
                law_sentence(law.currency, law.reported.value, law.matched.value, law.explained.value, law.open.value)
                for law in queries.law_of_batch(batch)
            ]
            steps = queries.waterfall(batch) if batch.details_id is not None else []
            response.context_data["fall"] = fall_of(steps, batch=batch.pk)
            proved = proofs(batch)
            response.context_data["proofs"] = proved
            response.context_data["verdict"] = (
                Chip(say("Ties out"), "good")
                if all(proof.holds for proof in proved)
                else Chip(say("Does not tie out yet"), "wait")
            )
        return response

    # The acts.

    def enter_credit(self, request: HttpRequest, batch: Batch, form: EnterCreditForm) -> str:
        """Write down what the bank credited."""
        said = form.cleaned_data
        credit = operations.enter_credit(
            batch,
            amount=said["amount"],
            value_date=said["value_date"],
            reference=said["reference"],
            text=said["text"],
            by=form.actor,
            reason_code=said["reason_code"],
            note=said["note"],
            remember=form.remember,
        )
        return say("{amount} entered.", amount=credit.amount)

    def name_difference(self, request: HttpRequest, batch: Batch, form: NameDifferenceForm) -> str:
        """Say why so much did not arrive."""
        made = operations.name_difference(
            batch,
            cause=form.cleaned_data["reason_code"],
            amount=form.signed(),
            by=form.actor,
            note=form.cleaned_data["note"],
            remember=form.remember,
        )
        return say("{cause}: {amount} explained.", cause=made.get_cause_display(), amount=made.amount)

    def take_back_difference(self, request: HttpRequest, batch: Batch, form: TakeBackForm) -> Done:
        """It is open again."""
        difference = form.cleaned_data["difference"]
        operations.take_back_difference(
            difference,
            by=form.actor,
            reason_code=form.cleaned_data["reason_code"],
            note=form.cleaned_data["note"],
            remember=form.remember,
        )
        return Done(say("{amount} are open again.", amount=difference.amount), "wait")


def _credits_of(batch: Batch) -> list[tuple[BankCredit, Money]]:
    """Each with what of it is the batch's: all of it, or its share where it pays several."""
    held: list[tuple[BankCredit, Money]] | None = batch.__dict__.get("desk_bank_credits")
    if held is None:
        held = [(credit, credit.amount) for credit in batch.bank_credits.order_by("value_date", "pk")]
        shares = BankShare.objects.filter(batch=batch).select_related("credit")
        held += [(share.credit, share.amount) for share in shares]
        batch.__dict__["desk_bank_credits"] = held
    return held


def _bank_chip(batch: Batch) -> Chip | None:
    standing = bank.standing_of(batch)
    if standing is None:
        return None
    if standing.ties_out:
        return Chip(say("Credited") if standing.credited.value else say("Nothing to come"), "good")
    if standing.credited.value or standing.explained.value or standing.pays.value < 0:
        return Chip(say("{differing} open", differing=str(standing.open)), "wait")
    today = clock.now().astimezone(clock.ACQUIRER_ZONE).date()
    is_late = today > batch.initiated_on + bank.ARRIVES_WITHIN
    return Chip(say("Overdue"), "bad") if is_late else Chip(say("Awaited"))


def _rates_card(batch: Batch) -> list[Card]:
    """At which rates it was exchanged, beside the usual ones; nothing where nothing was."""
    found = rates.rates_of(batch)
    if not found:
        return []
    table = Table(
        head=(say("Exchanged"), say("This batch"), say("Before"), say("Difference")),
        rows=[
            (
                f"1 {rate.currency} → {rate.settled_in}",
                rates.in_words(rate.rate),
                rates.in_words(rate.usual) if rate.usual is not None else display.NOTHING,
                _drift(rate),
            )
            for rate in found
        ],
        numeric=frozenset({1, 2, 3}),
    )
    note = say("beside the {count} batches before", count=rates.BATCHES_BEFORE)
    return [Card(say("Exchange rates"), note=note, table=table, wide=True)]


def _drift(rate: rates.Rate) -> Any:
    if rate.drift is None:
        return display.NOTHING
    words = f"{float(rate.drift * 100):+.2f} %".replace("-", "−")
    return display.chip(words, "wait") if rate.is_out_of_line else words


def _bank_card(batch: Batch) -> Card:
    standing = bank.standing_of(batch)
    differences: list[BankDifference] = list(batch.bank_differences.all())
    rows: list[tuple[Any, ...]] = [
        (
            display.to(credit, display.day_name(credit.value_date, with_year=True)),
            display.mono(credit.reference),
            _wrapping(source_of(credit)),
            display.money(amount),
        )
        for credit, amount in _credits_of(batch)
    ]
    rows += [
        (
            told(one.get_cause_display()),
            say("named by {by}", by=one.actor_name),
            _wrapping(one.note),
            display.money(one.amount),
        )
        for one in differences
    ]
    table = Table(
        (say("Day or cause"), say("Bank reference"), say("Source or note"), say("Amount")),
        rows,
        frozenset({3}),
        empty=say("The bank has credited nothing of this batch yet."),
    )
    return Card(say("At the bank"), text=_bank_sentence(standing), table=table, wide=True)


def _wrapping(text: str) -> SafeString:
    """A text that may be a person's, and is not told again, in a cell that wraps."""
    return format_html('<span class="sentence">{}</span>', text)


def _bank_sentence(standing: bank.Standing | None) -> str:
    if standing is None:
        return say("It is not known yet what this batch pays.")
    return say(
        "Pays {pays} = credited {credited} + explained {explained} + open {open} {currency}",
        pays=standing.pays.display,
        credited=standing.credited.display,
        explained=standing.explained.display,
        open=standing.open.display,
        currency=standing.pays.currency,
    )


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


def _file_link(file: ReportFile | None) -> SafeString | str:
    return display.NOTHING if file is None else display.to(file, display.file_name(file.name))


def _is_cleared(batch: Batch) -> bool:
    """Whether its acquirer clears first, and says later what it pays for that."""
    return any(file is not None and file.edition == Edition.C1 for file in (batch.details, batch.summary))


def _paid_by(batch: Batch) -> ReportFile | None:
    """The settlement that pays for it."""
    row = _settled_row(batch)
    return row.file if row is not None else None


def _settled_row(batch: Batch) -> SummaryRow | None:
    held: list[SummaryRow] | None = batch.__dict__.get("desk_settled_rows")
    if held is None:
        settled = batch.summary_rows.filter(summary_type=SETTLED).select_related("file")
        held = list(settled.defer("file__content", "file__preview", "file__differences"))
        batch.__dict__["desk_settled_rows"] = held
    return held[0] if held else None


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
            for row in batch.summary_rows.exclude(summary_type=SETTLED)
        ],
        numeric=frozenset({2, 3, 4}),
        empty=say("The summary of this batch is not imported yet."),
    )


def proofs(batch: Batch) -> list[Proof]:
    """What is proved of a batch, and what is still waited for."""
    counted: dict[str, int] = dict(
        Discrepancy.objects.filter(summary_row__batch=batch, closed_at=None)
        .exclude(summary_row__summary_type=SETTLED)
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
    whole = say("Settlement details complete to <END>")
    paid: list[Proof] = []
    if _is_cleared(batch):
        whole, row = say("Clearing details add up to their totals"), _settled_row(batch)
        differs = row is not None and bool(row.open_value)
        paid = [_proof(row is not None and batch.details_id is not None, int(differs), say("Paid for it = details"))]
    return [
        _proof(batch.details_id is not None, 0, whole),
        _proof(batch.details_id is not None, rows_open, say("Every row matched or explained")),
        _proof(both, differing, say("Details = summary, per type and fee")),
        _proof(batch.summary_id is not None, totals, say("Types add up to TOTAL")),
        *paid,
        _bank_proof(batch),
    ]


def _bank_proof(batch: Batch) -> Proof:
    """The last step: what was paid has arrived, to the unit."""
    standing = bank.standing_of(batch)
    claim = say("TOTAL = bank credit")
    if standing is None or (standing.open == standing.pays and standing.pays.value > 0):
        return Proof(Chip(say("Waiting")), claim)
    if standing.ties_out:
        return Proof(Chip(say("Holds"), "good"), claim)
    return Proof(Chip(say("{differing} open", differing=str(standing.open)), "wait"), claim)


def _proof(is_here: bool, differing: int, claim: str) -> Proof:
    if not is_here:
        return Proof(Chip(say("Waiting")), claim)
    return Proof(
        Chip(say("{differing} open", differing=differing), "wait") if differing else Chip(say("Holds"), "good"), claim
    )
