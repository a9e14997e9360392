"""The last step of the proof: what the acquirer pays arrives at the bank, or a person says why not."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from portal import approvals, finding, gather
from portal.actor import Actor
from portal.errors import Conflict, InvalidInput
from portal.models import Approval, JournalEntry
from portal.money import Money
from portal.registry import TodayLine, today
from portal.roles import FINANCE
from reconciliation import bank, bookkeeping, operations, periods
from reconciliation.admin.batches import proofs
from reconciliation.models import BankCredit, BankDifference, Batch, CreditStatus, Period, ReportFile
from reconciliation.operations.banking import Imported
from tests.factories import AcquirerAccountFactory, UserFactory
from tests.reconciliation.conftest import BOOKKEEPER, Books, Import
from tests.reconciliation.reports import row, settlement, summary
from tests.reconciliation.statements import arrives, camt, details, entry, statement
from tests.reconciliation.test_desk import act, once, signed_in, upload, words
from tests.reconciliation.test_desk_in_chinese import opened
from tests.words.test_pages import CHINESE

CREDITS = "/admin/reconciliation/bankcredit/"
DAY = "2026-02-10"
"""Every batch here is initiated on it, unless told otherwise; the tests' clock stands on 2 March."""


def usd(minor: int) -> Money:
    return Money(minor, "USD")


@pytest.fixture
def pays(books: Books, imported: Import) -> Any:
    """Make batches by their details: ``pays("SB-000001", "100.00")``."""

    def do(batch: str, net: str, *, day: str = DAY, currency: str = "USD") -> Batch:
        cells = {"settlementInitiatedDate": day, "settlementCurrency": currency}
        request_id = f"P-{batch}"
        if not books.account.report_files.filter(name=f"{batch}.csv").exists():
            minor = int(net.replace(".", ""))
            if minor > 0:
                books.payment(request_id, Money(minor, currency), paid_at=datetime(2026, 2, 9, 4, tzinfo=UTC))
        kind = "REFUND" if net.startswith("-") else "PAYMENT"
        imported(settlement(row(kind, request_id, net, net, currency=currency, **cells), batch=batch), f"{batch}.csv")
        return Batch.objects.get(batch_id=batch, currency=currency)

    return do


def stands(batch: Batch) -> tuple[int, int, int, int]:
    """(pays, credited, explained, open) in minor units."""
    standing = bank.standing_of(Batch.objects.get(pk=batch.pk))
    assert standing is not None
    return standing.pays.value, standing.credited.value, standing.explained.value, standing.open.value


def matches() -> list[tuple[str, str, str]]:
    """Every credit as (reference, status, batch), in the order of their references."""
    rows = BankCredit.objects.order_by("reference", "pk").select_related("batch")
    return [(one.reference, one.status, one.batch.batch_id if one.batch else "") for one in rows]


def last_proof(batch: Batch) -> str:
    proof = proofs(bank.with_standing(Batch.objects.filter(pk=batch.pk)).get())[-1]
    assert proof.claim == "TOTAL = bank credit"
    return proof.chip.word


def page_of(batch: Batch) -> str:
    return f"/admin/reconciliation/batch/{batch.pk}/change/"


def act_of(thing: Batch | BankCredit, name: str) -> str:
    return f"/admin/reconciliation/{thing._meta.model_name}/{thing.pk}/acts/{name}/"


# What is matched by itself, and what is not.


def test_a_credit_that_can_pay_one_batch_only_is_matched(books: Books, pays: Any) -> None:
    named, by_day = pays("SB-000001", "100.00", day="2026-01-02"), pays("SB-000002", "70.00")
    assert (last_proof(named), stands(named)) == ("Waiting", (100_00, 0, 0, 100_00))

    outcome = arrives(
        books.account,
        "100.00,USD,2026-02-11,BANK-1,ANTOM SETTLEMENT sb-000001/USD",
        "70.00,USD,2026-02-11,BANK-2,ANTOM SETTLEMENT",
        "-12.50,USD,2026-02-11,BANK-3,account fee",
    )

    assert outcome == Imported("bank.csv: credits 2, matched 2, waiting for a person 0, debits 1.", is_new=True)
    assert matches() == [
        ("BANK-1", "MATCHED", "SB-000001"),
        ("BANK-2", "MATCHED", "SB-000002"),
        ("BANK-3", "DEBIT", ""),
    ]
    assert list(BankCredit.objects.order_by("line").values_list("basis", "line")) == [
        ("NAMED", 2),
        ("DAY", 3),
        ("", 4),
    ]
    assert [(last_proof(batch), stands(batch)) for batch in (named, by_day)] == [
        ("Holds", (100_00, 100_00, 0, 0)),
        ("Holds", (70_00, 70_00, 0, 0)),
    ]
    written = JournalEntry.objects.get(act="import bank statement")
    assert (written.subject_label, written.outcome) == ("Antom SG", outcome.sentence)

    # The same file again, and its entries in another file, add nothing and say so.
    again = arrives(
        books.account,
        "100.00,USD,2026-02-11,BANK-1,ANTOM SETTLEMENT sb-000001/USD",
        "70.00,USD,2026-02-11,BANK-2,ANTOM SETTLEMENT",
        "-12.50,USD,2026-02-11,BANK-3,account fee",
        name="copy.csv",
    )
    assert again == Imported(
        "This very statement was imported already, on 2026-03-02 at 10:00 UTC+8. Nothing was added.", is_new=False
    )
    other = arrives(books.account, "70.00,USD,2026-02-11,BANK-2,said otherwise", name="other.csv")
    assert other.sentence == "Every entry of this statement is here already, from another file. Nothing was added."
    more = arrives(
        books.account, "70.00,USD,2026-02-11,BANK-2,ANTOM", "5.00,USD,2026-02-11,BANK-4,somebody", name="next.csv"
    )
    assert more == Imported(
        "next.csv: credits 1, matched 0, waiting for a person 1, debits 0. Here already, not added again: 1.",
        is_new=True,
        waiting=1,
    )
    assert BankCredit.objects.count() == 4
    assert JournalEntry.objects.filter(act="import bank statement").count() == 2


NOT_MATCHED: list[tuple[str, str]] = [
    # what keeps it from being matched, the line
    ("another amount", "100.01,USD,2026-02-11,B,SB-000001"),
    ("another currency", "100.00,SGD,2026-02-11,B,SB-000001"),
    ("two days before it was initiated", "100.00,USD,2026-02-08,B,settlement"),
    ("more than a week after", "100.00,USD,2026-02-18,B,settlement"),
    ("the text names another batch", "100.00,USD,2026-02-11,B,settlement SB-000009"),
    ("the text names another batch in small letters", "100.00,USD,2026-02-11,B,settlement sb-000009"),
    ("the id within a longer one", "100.00,USD,2026-02-18,B,settlement SB-0000011"),
]


@pytest.mark.parametrize("line", [case[1] for case in NOT_MATCHED], ids=[case[0] for case in NOT_MATCHED])
def test_nothing_is_guessed(books: Books, pays: Any, line: str) -> None:
    batch = pays("SB-000001", "100.00")
    pays("SB-000009", "9.00", day="2026-01-02")

    arrives(books.account, line)

    assert [status for _, status, _ in matches()] == [CreditStatus.OPEN]
    assert stands(batch)[3] == 100_00


def test_the_days_of_a_transfer_end_where_they_should(books: Books, pays: Any) -> None:
    for number, net in enumerate(("11.00", "12.00"), 1):
        pays(f"SB-00000{number}", net)
    other = AcquirerAccountFactory(slug="other", name="Other")

    arrives(books.account, "11.00,USD,2026-02-09,BANK-1,", "12.00,USD,2026-02-17,BANK-2,")
    arrives(other, "11.00,USD,2026-02-10,BANK-3,SB-000001")

    assert matches() == [
        ("BANK-1", "MATCHED", "SB-000001"),
        ("BANK-2", "MATCHED", "SB-000002"),
        ("BANK-3", "OPEN", ""),
    ]


def test_where_several_can_be_meant_a_person_confirms(finance: Client, books: Books, pays: Any) -> None:
    first, second = pays("SB-000001", "100.00"), pays("SB-000002", "100.00")
    twice = pays("SB-000003", "40.00")
    arrives(
        books.account,
        "100.00,USD,2026-02-11,BANK-1,settlement SB-000002",
        "40.00,USD,2026-02-11,BANK-2,",
        "40.00,USD,2026-02-12,BANK-3,",
    )
    assert [status for _, status, _ in matches()] == ["OPEN"] * 3
    credit = BankCredit.objects.get(reference="BANK-1")
    assert [str(batch) for batch in bank.proposals(credit)] == ["SB-000002", "SB-000001", "SB-000003"]
    said = words(finance.get(f"{CREDITS}{credit.pk}/change/"))
    assert "SB-000002 10 Feb 2026 100.00 USD Same amount Named SB-000001 10 Feb 2026 100.00 USD Same amount" in said
    assert "100.00 USD Not matched Antom SG · 11 Feb 2026 · BANK-1" in said

    url = act_of(credit, "match")
    page = act(finance, url, "Match 100.00 USD", reason_code="NAMED")
    assert "Say which batch it pays." in words(page)
    page = act(finance, url, "Match 100.00 USD", reason_code="NAMED", named="SB-000777")
    assert "This account has no batch of this currency with this id." in words(page)
    form = finance.get(url).content.decode()
    assert f'<option value="b{second.pk}" selected>' in form
    assert "Nothing of batch SB-000002 is open at the bank after that." in form
    act(finance, url, "Match 100.00 USD", reason_code="NAMED", proposal=f"b{second.pk}")

    assert (stands(first)[3], stands(second)[3], stands(twice)[3]) == (100_00, 0, 40_00)
    credit.refresh_from_db()
    assert (credit.basis, credit.is_held) == ("HAND", True)
    written = JournalEntry.objects.latest("pk")
    assert (written.act, written.reason_code, written.outcome) == (
        "match bank credit",
        "NAMED",
        "The batch ties out at the bank.",
    )
    with pytest.raises(Conflict, match="Nothing of this batch is open at the bank"):
        operations.match_credit(
            BankCredit.objects.get(reference="BANK-2"), second, by=BOOKKEEPER, reason_code="SAME_AMOUNT"
        )


def test_in_whatever_order_they_come_and_go(books: Books, pays: Any) -> None:
    arrives(books.account, "100.00,USD,2026-02-11,BANK-1,")
    assert matches() == [("BANK-1", "OPEN", "")]

    batch = pays("SB-000001", "100.00")
    assert matches() == [("BANK-1", "MATCHED", "SB-000001")]
    assert BankCredit.objects.get().matched_by == str(BOOKKEEPER)

    operations.undo(ReportFile.objects.get(), by=BOOKKEEPER, reason_code="WRONG_FILE")
    assert (matches(), Batch.objects.count()) == ([("BANK-1", "OPEN", "")], 0)
    assert JournalEntry.objects.get(act="undo import").before["at the bank"] == ["100.00 USD of 2026-02-11 (BANK-1)"]

    batch = pays("SB-000001", "100.00")
    operations.unmatch_credit(BankCredit.objects.get(), by=BOOKKEEPER, reason_code="WRONG_BATCH")
    pays("SB-000002", "100.00", day="2026-02-12")
    operations.undo(ReportFile.objects.get(name="SB-000002.csv"), by=BOOKKEEPER, reason_code="WRONG_FILE")
    assert matches() == [("BANK-1", "OPEN", "")], "what a person took away is not matched again by itself"
    assert stands(batch)[3] == 100_00


def test_what_is_paid_is_total_and_the_rounding_of_the_details_is_booked(books: Books, imported: Import) -> None:
    books.payment("P-1", usd(100_00), paid_at=datetime(2026, 2, 9, 4, tzinfo=UTC))
    cells = {"settlementInitiatedDate": DAY}
    imported(settlement(row("PAYMENT", "P-1", "100.00", "100.00", **cells), batch="SB-000001"), "d.csv")
    said = {"count": "1", "settlementAmountValue": "100.03", **cells}
    imported(summary({"summaryType": "PAYMENT", **said}, {"summaryType": "TOTAL", **said}, batch="SB-000001"), "s.csv")
    batch, period = Batch.objects.get(), Period.objects.get()
    assert (batch.net, stands(batch)) == (usd(100_00), (100_03, 0, 0, 100_03))

    arrives(books.account, "100.03,USD,2026-02-11,BANK-1,")

    assert stands(batch) == (100_03, 100_03, 0, 0)
    [booked] = bookkeeping.entries(period)
    assert {str(ledger): value for ledger, value in booked.lines} == {
        "BANK": 100_03,
        "CLEARING": -100_00,
        "ROUNDING": -3,
    }


# By hand.


@pytest.fixture
def finance(books: Books) -> Client:
    """Somebody who closes the books."""
    return signed_in(FINANCE)


def test_a_credit_is_entered_on_the_batchs_page_once_and_its_line_is_known_again(
    finance: Client, books: Books, pays: Any
) -> None:
    batch = pays("SB-000001", "100.00")
    url = act_of(batch, "enter_credit")
    said = {"value_date": "2026-02-11", "reference": "BANK-1", "text": "settlement", "reason_code": "ADVICE"}
    assert "Does not tie out yet Holds Settlement details" in words(finance.get(page_of(batch)))
    for wrong, sentence in (
        ({"value_date": "2026-03-03"}, "that day is still to come"),
        ({"value_date": "2026-02-08"}, "the batch was initiated on 2026-02-10, after that day"),
        ({"value_date": "tomorrow"}, "Enter a valid date."),
        ({"amount": "100.001"}, "USD has 2 decimals; '100.001' has more."),
        ({"amount": "0"}, "The amount must be above zero."),
        ({"reason_code": "OTHER"}, "Say in a few words what the reason is."),
    ):
        page = act(finance, url, "Enter 100.00 USD", **{**said, "amount": "100.00", **wrong})
        assert sentence in words(page), wrong
    assert not BankCredit.objects.exists()

    form = finance.get(url)
    data = {"once": once(form), "saying": "Enter 100.00 USD", "amount": "100.00", **said}
    assert "Nothing of the batch is open at the bank after that." in words(form)
    finance.post(url, data)
    again = finance.post(url, data, follow=True)

    assert "That was already done with this form; nothing was repeated." in words(again)
    credit = BankCredit.objects.get()
    assert (credit.status, credit.source, credit.value, stands(batch)[3]) == ("MATCHED", "HAND", 100_00, 0)
    written = JournalEntry.objects.get(act="enter bank credit")
    assert (written.reason_code, written.outcome) == ("ADVICE", "The batch ties out at the bank.")
    assert "Nothing of this batch is open at the bank." in words(finance.get(url))
    assert BankCredit.objects.filter(source="HAND", file_sha256="").exists()
    assert "BANK-1" in words(finance.get(f"{CREDITS}?ask=unseen"))

    outcome = arrives(books.account, "100.00,USD,2026-02-11,BANK-1,as the bank says it")

    assert outcome.sentence.endswith("debits 0. Entered by hand before: 1.")
    assert "Entered by hand, found in bank.csv, line 2" in words(finance.get(f"{CREDITS}{credit.pk}/change/"))
    assert "No row matches" not in words(finance.get(f"{CREDITS}?ask=unseen"))
    assert not BankCredit.objects.filter(source="HAND", file_sha256="").exists()
    operations.unmatch_credit(credit, by=BOOKKEEPER, reason_code="MISTAKE")
    with pytest.raises(Conflict, match=r"A credit of 100\.00 USD with this reference and value date is here already"):
        operations.enter_credit(
            batch,
            amount=usd(100_00),
            value_date=date(2026, 2, 11),
            reference="BANK-1",
            by=BOOKKEEPER,
            reason_code="STATEMENT",
        )


def test_a_difference_is_named_and_only_then_it_ties_out(finance: Client, books: Books, imported: Import) -> None:
    books.payment("P-1", usd(100_00), paid_at=datetime(2026, 2, 9, 4, tzinfo=UTC))
    cells = {"settlementInitiatedDate": DAY}
    imported(settlement(row("PAYMENT", "P-1", "100.00", "100.00", **cells), batch="SB-000001"), "d.csv")
    said = {"count": "1", "settlementAmountValue": "100.00", **cells}
    imported(summary({"summaryType": "PAYMENT", **said}, {"summaryType": "TOTAL", **said}, batch="SB-000001"), "s.csv")
    batch = Batch.objects.get()
    arrives(books.account, "97.25,USD,2026-02-11,BANK-1,settlement SB-000001")
    operations.match_credit(BankCredit.objects.get(), batch, by=BOOKKEEPER, reason_code="NAMED")
    page = words(finance.get(page_of(batch)))
    assert "Proof Does not tie out yet" in page
    assert "2.75 USD open TOTAL = bank credit" in page
    assert "Pays 100.00 = credited 97.25 + explained 0.00 + open 2.75 USD" in page

    url = act_of(batch, "name_difference")
    page = act(finance, url, "Name the cause of 3.00 USD", amount="3.00", reason_code="BANK_CHARGE")
    assert "At most 2.75 USD are open." in words(page)
    page = act(finance, url, "Name the cause of 0.25 USD", amount="0.25", reason_code="OTHER")
    assert "Say in a few words what the reason is." in words(page)
    act(finance, url, "Name the cause of 2.50 USD", amount="2.50", reason_code="BANK_CHARGE")
    assert stands(batch) == (100_00, 97_25, 2_50, 25)
    assert "Proof Does not tie out yet" in words(finance.get(page_of(batch)))
    act(finance, url, "Name the cause of 0.25 USD", amount="0.25", reason_code="OTHER", note="SHA instead of OUR")

    page = words(finance.get(page_of(batch)))
    assert "Proof Ties out" in page
    assert "Holds TOTAL = bank credit" in page
    assert "Pays 100.00 = credited 97.25 + explained 2.75 + open 0.00 USD" in page
    [booked] = bookkeeping.entries(Period.objects.get())
    assert {str(ledger): value for ledger, value in booked.lines} == {
        "BANK": 97_25,
        "BANK_CHARGES": 2_50,
        "DIFFERENCES": 25,
        "CLEARING": -100_00,
    }
    written = JournalEntry.objects.latest("pk")
    assert (written.act, written.reason_code, written.note, written.after) == (
        "name bank difference",
        "OTHER",
        "SHA instead of OUR",
        {"amount": "0.25 USD"},
    )
    charge = BankDifference.objects.get(cause="BANK_CHARGE")
    page = act(
        finance,
        act_of(batch, "take_back_difference"),
        "Take it back",
        difference=str(charge.pk),
        reason_code="WRONG_CAUSE",
    )
    assert "2.50 USD are open again." in words(page)
    assert stands(batch) == (100_00, 97_25, 25, 2_50)
    with pytest.raises(Conflict, match="Somebody was faster"):
        operations.take_back_difference(charge, by=BOOKKEEPER, reason_code="MISTAKE")


def test_more_than_was_paid_and_a_batch_that_pays_nothing(books: Books, pays: Any) -> None:
    batch = pays("SB-000001", "100.00")
    operations.enter_credit(
        batch,
        amount=usd(101_00),
        value_date=date(2026, 2, 11),
        reference="BANK-1",
        by=BOOKKEEPER,
        reason_code="STATEMENT",
    )
    assert stands(batch)[3] == -1_00
    with pytest.raises(Conflict, match=r"-1\.00 USD of this batch are open at the bank\. Name a part of that"):
        operations.name_difference(batch, cause="FX", amount=usd(1_00), by=BOOKKEEPER)
    operations.name_difference(batch, cause="FX", amount=usd(-1_00), by=BOOKKEEPER)
    owing = pays("SB-000002", "-7.00")
    assert last_proof(owing) == "-7.00 USD open"
    with pytest.raises(Conflict, match="This batch pays nothing: its total is below zero"):
        operations.match_credit(BankCredit.objects.get(), owing, by=BOOKKEEPER, reason_code="NAMED")
    operations.name_difference(owing, cause="OTHER", amount=usd(-7_00), by=BOOKKEEPER, note="kept from SB-000003")
    assert (stands(batch)[3], stands(owing)) == (0, (-7_00, 0, -7_00, 0))
    nothing = pays("SB-000003", "0.00")
    assert (last_proof(nothing), stands(nothing)) == ("Holds", (0, 0, 0, 0))
    lines = {
        entry.batch.batch_id: {str(ledger): value for ledger, value in entry.lines}
        for entry in bookkeeping.entries(Period.objects.get())
    }
    assert lines["SB-000001"] == {"BANK": 101_00, "FX": -1_00, "CLEARING": -100_00}
    assert (lines["SB-000002"]["DIFFERENCES"], sum(lines["SB-000002"].values())) == (-7_00, 0)


def test_above_a_limit_a_second_person_decides_on_a_cause(finance: Client, pays: Any) -> None:
    batch = pays("SB-000001", "500.00")

    page = act(
        finance,
        act_of(batch, "name_difference"),
        "Name the cause of 500.00 USD",
        amount="500",
        reason_code="OTHER",
        note="lost",
    )

    assert "your request waits for somebody else" in words(page)
    assert not BankDifference.objects.exists()
    request = Approval.objects.get()
    assert request.sentence == "500.00 USD of batch SB-000001 count as explained at the bank: other (see note)."
    second = Actor.person(UserFactory(roles=(FINANCE,)))
    approvals.approve(request, by=second)
    request.refresh_from_db()
    assert (request.status, request.result) == ("DONE", "Other (see note): 500.00 USD explained at the bank.")
    assert stands(batch) == (500_00, 0, 500_00, 0)


def test_a_credit_that_is_none_of_the_acquirers_is_set_aside(finance: Client, books: Books) -> None:
    assert "No bank credit yet Import a statement of your bank" in words(finance.get(CREDITS))
    arrives(books.account, "5.00,USD,2026-02-11,BANK-1,Ana pays her rent", "-5.00,USD,2026-02-11,BANK-2,fee")
    credit, debit = BankCredit.objects.order_by("reference")
    assert "Bank credits 1" in words(finance.get(CREDITS))

    act(finance, act_of(credit, "set_aside"), "Set 5.00 USD aside", reason_code="NOT_THE_ACQUIRER")
    assert matches()[0] == ("BANK-1", "SET_ASIDE", "")
    assert "It was set aside. Take it up again first." in words(finance.get(act_of(credit, "match")))
    act(finance, act_of(credit, "take_up"), "Take it up again")
    assert matches() == [("BANK-1", "OPEN", ""), ("BANK-2", "DEBIT", "")]
    assert "A debit pays no batch." in words(finance.get(act_of(debit, "match")))
    assert "-5.00 USD Debit" in words(finance.get(f"{CREDITS}?ask=debits"))
    assert list(JournalEntry.objects.order_by("pk").values_list("act", "reason_code"))[-2:] == [
        ("set bank credit aside", "NOT_THE_ACQUIRER"),
        ("take bank credit up again", ""),
    ]
    with pytest.raises(InvalidInput, match="reason_code: choose one of"):
        operations.set_aside(credit, by=BOOKKEEPER, reason_code="BORED")


# The desk.


def test_a_statement_is_uploaded_and_a_damaged_one_refused_whole(finance: Client, books: Books, pays: Any) -> None:
    batch = pays("SB-000001", "100.00")
    url = f"{CREDITS}acts/import_statement/"
    inside = [entry("100.00", day="2026-02-11", details=details("ANTOM", "SB-000001", end_to_end="E2E-7"))]
    cut = camt(*inside)[:-30]
    data = {"account": str(books.account.pk)}

    page = act(finance, url, "Import the statement", statement=upload(("bank.xml", cut))[0], **data)
    assert "this is not XML. The file is damaged or cut: fetch it again." in words(page)
    assert "Choose" in words(act(finance, url, "Import the statement", statement=upload(("x.csv", b""))[0]))
    assert not BankCredit.objects.exists()
    page = act(finance, url, "Import the statement", statement=upload(("bank.xml", camt(*inside)))[0], **data)
    assert "bank.xml: credits 1, matched 1, waiting for a person 0, debits 0." in words(page)
    page = act(finance, url, "Import the statement", statement=upload(("bank.xml", camt(*inside)))[0], **data)
    assert "This very statement was imported already" in words(page)

    credit = BankCredit.objects.get()
    assert (credit.source, credit.line, credit.text) == ("CAMT053", 1, "E2E-7 · ANTOM · SB-000001")
    said = words(finance.get(f"{CREDITS}{credit.pk}/change/"))
    assert "Matched with batch SB-000001. 2 Mar 10:00:00 The bank's text names the batch" in said
    assert "bank.xml, entry 1" in said
    assert "The bank credited 100.00 USD on 11 Feb 2026." in words(finance.get(page_of(batch)))
    assert "SB-000001" in words(finance.get(f"{CREDITS}?q=BANK-1"))
    found = finding.find("BANK-1").only
    assert found is not None
    assert (found.url, found.amount, found.state) == (f"{CREDITS}{credit.pk}/change/", "100.00 USD", "Matched")


@pytest.mark.parametrize("role", ["Finance", "Auditor", "Operator", "Support", "Developer", "Administrator"])
def test_every_role_does_what_it_may(books: Books, pays: Any, role: str) -> None:
    batch = pays("SB-000001", "100.00")
    arrives(books.account, "5.00,USD,2026-02-11,BANK-1,")
    client = signed_in(role)
    sees = role in {"Finance", "Auditor", "Operator"}
    doors = [act_of(batch, "enter_credit"), act_of(batch, "name_difference"), act_of(BankCredit.objects.get(), "match")]
    doors.append(f"{CREDITS}acts/import_statement/")

    assert client.get(CREDITS).status_code == (200 if sees else 403)
    assert {client.get(url).status_code for url in doors} == {200 if role == "Finance" else 403}
    assert {client.post(url).status_code for url in doors} == {200 if role == "Finance" else 403}
    assert BankCredit.objects.get().status == "OPEN"


def test_the_bank_is_in_the_way_of_a_month(finance: Client, books: Books, pays: Any) -> None:
    batch = pays("SB-000001", "100.00")
    february = Period.objects.get()
    sentence = "Not credited or explained: SB-000001 100.00 USD."
    assert sentence in [check.sentence for check in periods.checklist(february) if not check.holds]
    page = finance.get(f"/admin/reconciliation/period/{february.pk}/change/")
    assert f"Not yet What every batch pays is credited by the bank, or explained {sentence}" in words(page)
    assert 'href="/admin/reconciliation/batch/?ask=at_bank"' in page.content.decode()
    listed = words(finance.get("/admin/reconciliation/batch/?ask=at_bank"))
    assert "SB-000001 Antom SG EXAMPLE_PSP Nothing open Overdue 10 Feb 2026" in listed

    arrives(books.account, "100.00,USD,2026-02-11,BANK-1,")

    assert sentence not in [check.sentence for check in periods.checklist(february)]
    assert "SB-000001" not in words(finance.get("/admin/reconciliation/batch/?ask=at_bank"))
    assert "Nothing open Credited 10 Feb 2026" in words(finance.get("/admin/reconciliation/batch/"))
    assert "Open at the bank" not in words(finance.get(page_of(batch)))


def test_today_tells_of_months_that_are_over_and_not_closed(finance: Client, books: Books) -> None:
    february = Period.objects.create(account=books.account, month=date(2026, 2, 1))
    queue = today.get("months")
    assert queue is not None

    def months() -> list[TodayLine]:
        return list(queue.lines(*gather.rows([queue.rows])))

    [line] = months()
    assert (line.sentence, line.url) == (
        "February 2026: over and not closed, Antom SG",
        f"/admin/reconciliation/period/{february.pk}/change/",
    )
    assert line.since == datetime(2026, 2, 28, 16, tzinfo=UTC)
    Period.objects.create(account=books.account, month=date(2025, 12, 1))
    Period.objects.create(account=books.account, month=date(2026, 3, 1))
    Period.objects.create(account=AcquirerAccountFactory(name="Other"), month=date(2026, 1, 1))
    assert [line.sentence for line in months()] == [
        "December 2025 and 1 more month: over and not closed, Antom SG",
        "January 2026: over and not closed, Other",
    ]
    said = words(finance.get("/admin/"))
    assert "Month to close" in said
    assert "December 2025 and 1 more month over and not closed, Antom SG" in said


def test_lists_and_pages_cost_the_same_however_much_there_is(finance: Client, books: Books, pays: Any) -> None:
    batch = pays("SB-000001", "100.00")
    arrives(books.account, "60.00,USD,2026-02-11,BANK-0,", name="0.csv")
    operations.match_credit(BankCredit.objects.get(), batch, by=BOOKKEEPER, reason_code="SAME_AMOUNT")
    operations.name_difference(batch, cause="ROUNDING", amount=usd(1), by=BOOKKEEPER)
    arrives(books.account, "1.00,USD,2026-02-11,BANK-1,", name="1.csv")
    waiting = BankCredit.objects.get(status="OPEN")
    urls = (CREDITS, f"{CREDITS}{waiting.pk}/change/", page_of(batch), "/admin/reconciliation/batch/")

    def cost(url: str) -> int:
        finance.get(url)
        with CaptureQueriesContext(connection) as queries:
            assert finance.get(url).status_code == 200
        return len(queries)

    before = [cost(url) for url in urls]
    for number in range(2, 6):
        pays(f"SB-00000{number}", f"{number}0.00")
        operations.name_difference(batch, cause="ROUNDING", amount=usd(1), by=BOOKKEEPER)
        arrives(books.account, f"1.00,USD,2026-02-11,BANK-{number},", name=f"{number}.csv")
        one = BankCredit.objects.get(reference=f"BANK-{number}")
        operations.match_credit(one, batch, by=BOOKKEEPER, reason_code="SAME_AMOUNT")

    assert [cost(url) for url in urls] == before


def test_no_english_is_left_on_the_pages_of_the_bank(finance: Client, books: Books, pays: Any) -> None:
    reader = finance
    reader.cookies["language"] = CHINESE
    batch = pays("SB-000001", "100.00")
    pays("SB-000002", "100.00")
    opened(reader, CREDITS)
    opened(reader, f"{CREDITS}acts/import_statement/")
    opened(reader, act_of(batch, "enter_credit"))
    lines = statement("98.00,USD,2026-02-11,BANK-1,SB-000001", "2.00,USD,2026-02-11,BANK-2,")
    said = {"account": str(books.account.pk), "statement": upload(("bank.csv", lines))[0]}
    page = act(reader, f"{CREDITS}acts/import_statement/", "导入对账单", **said)
    assert "bank.csv：入账 2 笔，已匹配 0 笔，待人工处理 2 笔，出账 0 笔。" in words(page)
    one, other = BankCredit.objects.order_by("reference")
    for url in (CREDITS, f"{CREDITS}{one.pk}/change/", act_of(one, "match"), act_of(one, "set_aside")):
        opened(reader, url)
    operations.match_credit(one, batch, by=BOOKKEEPER, reason_code="NAMED")
    operations.set_aside(other, by=BOOKKEEPER, reason_code="NOT_THE_ACQUIRER")
    for url in (act_of(batch, "name_difference"), act_of(one, "unmatch"), act_of(other, "take_up")):
        opened(reader, url)
    operations.name_difference(batch, cause="BANK_CHARGE", amount=usd(2_00), by=BOOKKEEPER)
    said = opened(reader, page_of(batch))
    assert "应付 100.00 = 已入账 98.00 + 已说明 2.00 + 未结 0.00 USD" in said
    opened(reader, act_of(batch, "take_back_difference"))
    opened(reader, f"/admin/reconciliation/period/{Period.objects.get().pk}/change/")
    assert "2026年2月" in opened(reader, "/admin/")


# What the database says.


def test_the_database_holds_what_is_said_of_credits(books: Books, pays: Any) -> None:
    batch = pays("SB-000001", "100.00")
    arrives(books.account, "5.00,USD,2026-02-11,BANK-1,a", "-5.00,USD,2026-02-11,BANK-2,b")
    credit, debit = BankCredit.objects.order_by("reference")
    for one, wrong in (
        (credit, {"status": "MATCHED"}),
        (credit, {"batch": batch}),
        (credit, {"status": "GONE"}),
        (credit, {"value": -5_00}),
        (credit, {"value": 0}),
        (credit, {"source": "POST"}),
        (credit, {"file_sha256": ""}),
        (credit, {"identity": debit.identity}),
        (credit, {"line": debit.line}),
        (debit, {"status": "OPEN"}),
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            BankCredit.objects.filter(pk=one.pk).update(**wrong)
    for wrong in ({"value": 0}, {"cause": "MAGIC"}, {"cause": "OTHER", "note": ""}):
        with pytest.raises(IntegrityError), transaction.atomic():
            BankDifference.objects.create(batch=batch, currency="USD", **{"value": 1, "cause": "FX", **wrong})
    BankDifference.objects.create(batch=batch, currency="USD", value=1, cause="OTHER", note="said")


def test_the_statement_is_told_in_the_words_of_its_kind(books: Books) -> None:
    content = statement("1.00,USD,2026-02-11,,the same", "1.00,USD,2026-02-11,,the same", "1.00,USD,2026-02-11,,more")

    first = operations.import_statement("a.csv", content.encode(), account=books.account, by=BOOKKEEPER)
    again = operations.import_statement(
        "b.csv", statement("1.00,USD,2026-02-11,,the same").encode(), account=books.account, by=BOOKKEEPER
    )

    assert (first.waiting, again.is_new) == (3, False), "two equal lines of one file are two, and known in another"
    assert list(BankCredit.objects.order_by("line").values_list("line", "occurrence")) == [(2, 1), (3, 2), (4, 1)]
