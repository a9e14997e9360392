"""The desk's pages of bank credits: what arrived, which batch it pays, and what still waits for a word."""

from typing import Any

from django.contrib import admin
from django.core.files.uploadedfile import UploadedFile
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from portal.admin import display
from portal.admin.acts import Act, Done
from portal.admin.display import Chip
from portal.admin.ledger import AccountFilter, Card, Headline, LedgerAdmin, Question, Questions, Table
from portal.gather import Standing
from portal.registry import TimelineEntry
from portal.words import lazy, say, told
from reconciliation import bank, operations
from reconciliation.admin.bank_forms import (
    ImportStatementForm,
    MatchCreditForm,
    SetAsideForm,
    TakeUpForm,
    UnmatchCreditForm,
)
from reconciliation.admin.shared import list_url
from reconciliation.models import BankCredit, Batch, CreditSource, CreditStatus

_TONES = {CreditStatus.OPEN: "wait", CreditStatus.MATCHED: "good", CreditStatus.SET_ASIDE: "", CreditStatus.DEBIT: ""}


def _not_open(credit: BankCredit) -> str:
    words = {
        CreditStatus.OPEN: "",
        CreditStatus.MATCHED: say("It is matched already. Unmatch it first."),
        CreditStatus.SET_ASIDE: say("It was set aside. Take it up again first."),
        CreditStatus.DEBIT: say("A debit pays no batch."),
    }
    return words[CreditStatus(credit.status)]


def _not_matched(credit: BankCredit) -> str:
    return "" if credit.status == CreditStatus.MATCHED else say("It is not matched.")


def _not_aside(credit: BankCredit) -> str:
    return "" if credit.status == CreditStatus.SET_ASIDE else say("It was not set aside.")


class CreditQuestions(Questions):
    """What one asks about bank credits."""

    questions = (
        Question("open", lazy("Not matched"), lambda: Q(status=CreditStatus.OPEN)),
        Question("matched", lazy("Matched"), lambda: Q(status=CreditStatus.MATCHED)),
        Question(
            "unseen",
            lazy("By hand, on no statement yet"),
            lambda: Q(source=CreditSource.HAND, file_sha256=""),
        ),
        Question("aside", lazy("Set aside"), lambda: Q(status=CreditStatus.SET_ASIDE)),
        Question("debits", lazy("Debits"), lambda: Q(status=CreditStatus.DEBIT)),
    )


@admin.register(BankCredit)
class BankCreditAdmin(LedgerAdmin):
    """What the bank credited, and which batch it pays."""

    section, position, icon, menu_label = "Finance", 45, "balance", "Bank credits"
    hint = lazy("newest first")
    empty_title = lazy("No bank credit yet")
    empty_text = lazy("Import a statement of your bank, or enter a credit on the page of the batch it pays.")
    list_display = ("day", "account", "amount_shown", "state", "batch_shown", "reference_shown", "source_shown")
    more_columns = ("text", "file_name", "line", "matched_by")
    personal_columns = ("text",)
    list_select_related = ("account", "batch", "payout")
    list_filter = (CreditQuestions, AccountFilter)
    search_fields = ("reference", "batch__batch_id", "shares__batch__batch_id", "file_sha256")
    ordering = ("-value_date", "-pk")
    acts = (
        Act(
            "match",
            lazy("Match…"),
            form=MatchCreditForm,
            permission="act_match_bank_credit",
            tone="main",
            why_not=_not_open,
        ),
        Act("set_aside", lazy("Set aside…"), form=SetAsideForm, permission="act_match_bank_credit", why_not=_not_open),
        Act(
            "unmatch",
            lazy("Unmatch…"),
            form=UnmatchCreditForm,
            permission="act_match_bank_credit",
            tone="risk",
            why_not=_not_matched,
        ),
        Act("take_up", lazy("Take up again…"), form=TakeUpForm, permission="act_match_bank_credit", why_not=_not_aside),
    )
    list_acts = (
        Act(
            "import_statement",
            lazy("Import a statement…"),
            form=ImportStatementForm,
            permission="act_import_statement",
            tone="main",
        ),
    )

    hot_rows = Standing(lambda: BankCredit.objects.filter(status=CreditStatus.OPEN))

    def get_queryset(self, request: HttpRequest) -> QuerySet[BankCredit]:
        """Without the files that settlements came in."""
        return super().get_queryset(request).defer("payout__content", "payout__preview", "payout__differences")

    @display.column(lazy("Value date"))
    def day(self, credit: BankCredit) -> str:
        return display.day_name(credit.value_date, with_year=True)

    @display.column(lazy("Amount"), numeric=True, is_money=True)
    def amount_shown(self, credit: BankCredit) -> SafeString | str:
        return display.money(credit.amount)

    @display.column(lazy("State"))
    def state(self, credit: BankCredit) -> Chip:
        return _chip(credit)

    @display.column(lazy("Pays"))
    def batch_shown(self, credit: BankCredit) -> SafeString | str:
        return _what_it_pays(credit)

    @display.column(lazy("Bank reference"), is_minor=True)
    def reference_shown(self, credit: BankCredit) -> SafeString | str:
        return display.mono(credit.reference)

    @display.column(lazy("Source"), is_minor=True)
    def source_shown(self, credit: BankCredit) -> str:
        return told(credit.get_source_display())

    # The page.

    def headline(self, credit: BankCredit) -> Headline:
        day = display.day_name(credit.value_date, with_year=True)
        line = f"{credit.account} · {day} · {credit.reference or display.NOTHING}"
        return Headline(display.money(credit.amount), (_chip(credit),), line)

    def timeline(self, credit: BankCredit) -> list[TimelineEntry]:
        came = TimelineEntry(
            credit.created_at,
            say("Entered by hand by {by}.", by=credit.actor_name)
            if credit.source == CreditSource.HAND
            else say("Read from {file_name} by {by}.", file_name=credit.file_name, by=credit.actor_name),
        )
        if credit.matched_at is None:
            return [came]
        if credit.batch is None:
            matched = TimelineEntry(
                credit.matched_at,
                say("Matched with a settlement of {count} clearings.", count=len(credit.shares.all())),
                told(credit.get_basis_display()),
                "good",
                ((str(credit.payout), display.page_of(credit.payout)),),
            )
            return [came, matched]
        matched = TimelineEntry(
            credit.matched_at,
            say("Matched with batch {batch}.", batch=credit.batch),
            told(credit.get_basis_display()),
            "good",
            ((credit.batch.batch_id, display.page_of(credit.batch)),),
        )
        return [came, matched]

    def cards(self, request: HttpRequest, credit: BankCredit) -> list[Card]:
        facts = Card(
            say("The credit"),
            facts=[
                (say("Account"), display.to(credit.account)),
                (say("Value date"), display.day_name(credit.value_date, with_year=True)),
                (say("Bank reference"), display.mono(credit.reference)),
                (say("Text"), display.mono(credit.text)),
                (say("Pays"), _what_it_pays(credit)),
                (say("Source"), source_of(credit)),
                ("SHA-256", display.mono(credit.file_sha256)),
            ],
        )
        if credit.payout is not None:
            return [_shares_card(credit), facts]
        if credit.status != CreditStatus.OPEN:
            return [facts]
        rows = [
            (
                _linked(payable),
                display.day_name(bank.first_day_of(payable), with_year=True),
                display.money(bank.open_of(payable)),
                display.chip(say("Same amount"), "good") if bank.open_of(payable) == credit.amount else "",
                display.chip(say("Named"), "good") if bank.is_named(payable, credit) else "",
            )
            for payable in bank.proposals(credit)
        ]
        table = Table(
            (say("Batch"), say("Initiated"), say("Open at the bank"), "", ""),
            rows,
            frozenset({2}),
            empty=say("No batch of this account and currency is near."),
        )
        return [Card(say("Could pay"), note=say("not matched by itself"), table=table, wide=True), facts]

    # The acts.

    def import_statement(self, request: HttpRequest, thing: None, form: ImportStatementForm) -> Done:
        """Read a statement, and match what can be matched."""
        given: UploadedFile[Any] = form.cleaned_data["statement"]
        outcome = operations.import_statement(
            given.name or "statement",
            given.read(),
            account=form.cleaned_data["account"],
            by=form.actor,
            remember=form.remember,
        )
        if not outcome.is_new:
            return Done(outcome.sentence, "wait")
        if outcome.waiting:
            return Done(outcome.sentence, "wait", list_url("bankcredit", ask="open"))
        return Done(outcome.sentence)

    def match(self, request: HttpRequest, credit: BankCredit, form: MatchCreditForm) -> Done:
        """A person confirms which batch it pays."""
        assert form.payable is not None  # noqa: S101 - validated
        operations.match_credit(
            credit,
            form.payable,
            by=form.actor,
            reason_code=form.cleaned_data["reason_code"],
            note=form.cleaned_data["note"],
            remember=form.remember,
        )
        if isinstance(form.payable, bank.Payout):
            return Done(say("Matched with settlement {settlement}.", settlement=form.payable.number))
        return Done(say("Matched with batch {batch}.", batch=form.payable), "good", display.page_of(form.payable))

    def unmatch(self, request: HttpRequest, credit: BankCredit, form: UnmatchCreditForm) -> Done:
        """Take the match away."""
        operations.unmatch_credit(
            credit,
            by=form.actor,
            reason_code=form.cleaned_data["reason_code"],
            note=form.cleaned_data["note"],
            remember=form.remember,
        )
        return Done(say("Unmatched. It waits for a person."), "wait")

    def set_aside(self, request: HttpRequest, credit: BankCredit, form: SetAsideForm) -> str:
        """It pays no batch."""
        operations.set_aside(
            credit,
            by=form.actor,
            reason_code=form.cleaned_data["reason_code"],
            note=form.cleaned_data["note"],
            remember=form.remember,
        )
        return say("Set aside.")

    def take_up(self, request: HttpRequest, credit: BankCredit, form: TakeUpForm) -> Done:
        """It waits again."""
        operations.take_up(credit, by=form.actor, remember=form.remember)
        return Done(say("It waits for a person again."), "wait")


def _what_it_pays(credit: BankCredit) -> SafeString | str:
    """The batch, or the settlement of several."""
    return (
        display.to(credit.payout, display.file_name(credit.payout.name)) if credit.payout else display.to(credit.batch)
    )


def _linked(payable: bank.Payable) -> SafeString | str:
    if isinstance(payable, bank.Payout):
        words = say("{settlement}, {count} clearings", settlement=payable.number, count=len(payable.batches))
        return display.to(payable.file, words)
    return display.to(payable, display.mono(payable.batch_id))


def _batch_page(batch: Batch) -> SafeString | str:
    """Its id, and the way to it; a batch of no report but its settlement has no page."""
    words = display.mono(batch.batch_id)
    return display.to(batch, words) if batch.details_id or batch.summary_id else words


def _shares_card(credit: BankCredit) -> Card:
    """What of it belongs to each clearing batch; they come to the credit."""
    rows = [
        (
            _batch_page(share.batch),
            display.day_name(share.batch.initiated_on, with_year=True),
            display.minor(share.value, credit.currency),
        )
        for share in credit.shares.select_related("batch")
    ]
    head = (say("Batch"), say("Initiated"), say("Its share"))
    return Card(say("Clearings it pays"), table=Table(head, rows, frozenset({2})), wide=True)


def source_of(credit: BankCredit) -> str:
    """Where an entry stands: ``bank.csv, line 3``, ``Entered by hand``, or both."""
    place = ""
    if credit.file_sha256:
        place = say("{file_name}, line {line}", file_name=credit.file_name, line=credit.line)
        if credit.source == CreditSource.CAMT053:
            place = say("{file_name}, entry {line}", file_name=credit.file_name, line=credit.line)
    if credit.source != CreditSource.HAND:
        return place
    return say("Entered by hand, found in {place}", place=place) if place else say("Entered by hand")


def _chip(credit: BankCredit) -> Chip:
    status = CreditStatus(credit.status)
    return Chip(told(status.label), _TONES[status])
