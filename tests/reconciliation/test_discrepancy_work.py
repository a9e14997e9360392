"""Working what a report opened: whose it is, matched by hand, accepted, written off, raised to the acquirer."""

import hashlib
import io
import json
import zipfile
from typing import Any

import pytest
from django.db import transaction

from payments.states import PaymentStatus
from portal import approvals, clock
from portal.actor import Actor
from portal.approvals import ApprovalNeeded
from portal.errors import Conflict, InvalidInput
from portal.models import Approval, ApprovalStatus, JournalEntry
from portal.money import Money
from portal.roles import ADMINISTRATOR, FINANCE
from reconciliation import operations, queries, service_levels
from reconciliation.models import BulkAct, Discrepancy, Match, SettlementRow
from tests.factories import AcquirerAccountFactory, UserFactory
from tests.reconciliation.conftest import BOOKKEEPER, Books, Import, every_file_obeys_the_law, law_of, opened
from tests.reconciliation.reports import fee, row, settlement, transactions

BECAUSE: dict[str, Any] = {"by": BOOKKEEPER, "reason_code": "SAME_ORDER"}
WRONG: dict[str, Any] = {"by": BOOKKEEPER, "reason_code": "WRONG_MATCH"}


def usd(minor: int) -> Money:
    return Money(minor, "USD")


def sole() -> Discrepancy:
    return Discrepancy.objects.get(closed_at=None)


def person(*roles: str) -> Actor:
    return Actor.person(UserFactory(roles=roles or (FINANCE,)))


def law() -> list[tuple[str, int, int, int, int]]:
    """The law of the only file."""
    every_file_obeys_the_law()
    return [
        (one.currency, one.reported.value, one.matched.value, one.explained.value, one.open.value)
        for one in queries.law(SettlementRow.objects.order_by("pk")[0].file)
    ]


def settling() -> list[tuple[int, str, bool]]:
    """Which line settles what, and whether a person said so."""
    found = Match.objects.filter(is_settlement=True, role__in=("PAYMENT", "REFUND", "CANCEL")).order_by("row")
    return [
        (one.row.line_number, str(one.refund or one.cancel or one.payment), one.is_by_hand)
        for one in found.select_related("row", "payment", "refund", "cancel")
    ]


# Matching by hand.


def test_a_row_of_a_lost_id_is_matched_by_hand_and_stays_so(books: Books, imported: Import) -> None:
    payment = books.payment("P-1", usd(100_00))
    imported(settlement(row("PAYMENT", "X-1", "100.00", "97.00", **fee("-3.00"))), name="first.csv")
    assert law() == [("USD", 97_00, 0, 0, 97_00)]

    operations.match_by_hand(sole(), payment, note="seen on the invoice", **BECAUSE)

    assert law() == [("USD", 97_00, 97_00, 0, 0)]
    assert settling() == [(2, "P-1", True)]
    assert opened() == []
    closed = Discrepancy.objects.get()
    assert (closed.resolution, closed.value, closed.closed_by, closed.note) == (
        "MATCHED",
        0,
        str(BOOKKEEPER),
        "seen on the invoice",
    )
    entry = JournalEntry.objects.latest("pk")
    assert (entry.act, entry.reason_code, entry.outcome) == (
        "match by hand",
        "SAME_ORDER",
        "97.00 USD matched, 0.00 USD open.",
    )
    # A row with the right id comes later, of an earlier batch even: no import says otherwise.
    late = row("PAYMENT", "P-1", "100.00", "100.00", settlementInitiatedDate="2026-05-13")
    imported(settlement(late, batch="B2"), name="second.csv")
    assert settling() == [(2, "P-1", True)]
    assert opened() == [("DUPLICATE", 2, "100.00 USD")]


def test_what_is_not_agreed_stays_open(books: Books, imported: Import) -> None:
    payment = books.payment("P-1", usd(100_00))
    imported(settlement(row("PAYMENT", "X-1", "90.00", "87.30", **fee("-2.70"))))

    operations.match_by_hand(sole(), payment, **BECAUSE)

    assert law() == [("USD", 87_30, 97_30, 0, -10_00)]
    assert opened() == [("AMOUNT_DIFFERS", 2, "-10.00 USD")]
    with pytest.raises(Conflict, match="A person matched this row by hand"):
        operations.check_again(sole(), by=BOOKKEEPER)
    with pytest.raises(Conflict, match="only a part of it differs"):
        operations.match_by_hand(sole(), payment, **BECAUSE)


def test_a_cancel_there_is_a_refund_here(books: Books, imported: Import) -> None:
    payment = books.payment("P-1", usd(100_00))
    refund = books.refund("R-1", payment, usd(100_00))
    imported(settlement(row("CANCEL", "", "-100.00", "-100.00", originalTransactionRequestId="P-1")))
    assert opened() == [("TYPE_DIFFERS", 2, "-100.00 USD")]
    assert queries.proposals(SettlementRow.objects.get()) == [refund]

    operations.match_by_hand(sole(), refund, by=BOOKKEEPER, reason_code="OTHER_VERB")

    assert law() == [("USD", -100_00, -100_00, 0, 0)]
    assert settling() == [(2, "R-1", True)]


def test_of_twins_one_is_matched_by_hand_and_the_other_by_itself(books: Books, imported: Import) -> None:
    payment = books.payment("P-1", usd(100_00))
    for name in ("R-1", "R-2"):
        books.refund(name, payment, usd(10_00))
    twin = row("REFUND", "", "-10.00", "-10.00", originalTransactionRequestId="P-1")
    imported(settlement(twin, twin))
    assert [reason for reason, _, _ in opened()] == ["AMBIGUOUS", "AMBIGUOUS"]
    first = Discrepancy.objects.get(row__line_number=2)

    operations.match_by_hand(first, payment.refunds.get(refund_request_id="R-2"), **BECAUSE)

    assert settling() == [(2, "R-2", True), (3, "R-1", False)]
    assert law() == [("USD", -20_00, -20_00, 0, 0)]
    assert opened() == []


def test_what_cannot_be_is_refused_and_nothing_moves(books: Books, imported: Import) -> None:
    settled = books.payment("P-1", usd(100_00))
    failed = books.payment("P-2", usd(100_00), status=PaymentStatus.FAILED)
    euros = books.payment("P-3", Money(100_00, "EUR"))
    foreign = Books(AcquirerAccountFactory(slug="other")).payment("P-4", usd(100_00))
    refund = books.refund("R-1", settled, usd(10_00))
    imported(
        settlement(row("PAYMENT", "P-1", "100.00", "100.00"), row("PAYMENT", "X-1", "100.00", "100.00")),
    )
    before = law()

    for ours, why in (
        (settled, "P-1 is settled already"),
        (failed, "our books hold it as FAILED"),
        (euros, "The row is over 100.00 USD, ours over 100.00 EUR"),
        (foreign, "of another account"),
        (refund, "The row brings money in, and R-1 does not"),
    ):
        with pytest.raises(Conflict, match=why):
            operations.match_by_hand(sole(), ours, **BECAUSE)
    with pytest.raises(InvalidInput):
        operations.match_by_hand(sole(), settled, by=BOOKKEEPER, reason_code="FEELING")
    with pytest.raises(InvalidInput):
        operations.match_by_hand(sole(), settled, by=BOOKKEEPER, reason_code="OTHER", note=" ")

    assert law() == before
    assert settling() == [(2, "P-1", False)]
    assert not JournalEntry.objects.filter(act="match by hand").exists()


def test_transaction_details_settle_nothing(books: Books, imported: Import) -> None:
    payment = books.payment("P-1", usd(100_00))
    imported(transactions(row("PAYMENT", "X-1", "100.00", "")), name="transactionItems_20260512_000.csv")

    with pytest.raises(Conflict, match="Match the row of the settlement"):
        operations.match_by_hand(sole(), payment, **BECAUSE)


def test_proposals_are_what_the_row_names_and_nothing_by_amount(books: Books, imported: Import) -> None:
    named, other = books.payment("P-1", usd(100_00)), books.payment("P-2", usd(100_00))
    named.order.reference = "ORD-7"
    named.order.save()
    cells = row("PAYMENT", "X-1", "100.00", "100.00", referenceTransactionId="ORD-7")
    imported(settlement(cells))

    assert queries.proposals(SettlementRow.objects.get()) == [named]
    assert settling() == []
    operations.match_by_hand(sole(), named, **BECAUSE)
    assert queries.proposals(SettlementRow.objects.get()) == []
    account = books.account
    assert queries.ours_named(account, " P-2 ") == other
    assert queries.ours_named(account, other.order.number) == other
    assert queries.ours_named(account, "P-9") is None


# Unmatching.


def test_unmatched_by_hand_it_is_as_it_was_and_the_next_takes_its_place(books: Books, imported: Import) -> None:
    payment = books.payment("P-1", usd(100_00))
    imported(settlement(row("PAYMENT", "X-1", "100.00", "100.00")), name="first.csv")
    operations.match_by_hand(sole(), payment, **BECAUSE)
    imported(settlement(row("PAYMENT", "P-1", "100.00", "100.00"), batch="B2"), name="second.csv")
    assert opened() == [("DUPLICATE", 2, "100.00 USD")]
    by_hand = SettlementRow.objects.get(transaction_request_id="X-1")

    again = operations.unmatch(by_hand, **WRONG)

    assert (again.reason, again.value, again.is_open) == ("NOT_IN_OUR_BOOKS", 100_00, True)
    assert opened() == [("NOT_IN_OUR_BOOKS", 2, "100.00 USD")]
    assert settling() == [(2, "P-1", False)]
    assert Match.objects.get().row.transaction_request_id == "P-1"
    every_file_obeys_the_law()


def test_what_the_ids_matched_can_be_unmatched_and_no_import_matches_it_again(books: Books, imported: Import) -> None:
    payment = books.payment("P-1", usd(100_00))
    imported(settlement(row("PAYMENT", "P-1", "100.00", "97.00", **fee("-3.00"))), name="first.csv")
    line = SettlementRow.objects.get()

    found = operations.unmatch(line, note="ours is another", **WRONG)

    assert law() == [("USD", 97_00, 0, 0, 97_00)]
    assert (found.reason, found.stake) == ("UNMATCHED", usd(97_00))
    with pytest.raises(Conflict, match="A person unmatched this row"):
        operations.check_again(found, by=BOOKKEEPER)
    imported(
        settlement(row("REFUND", "R-1", "-5.00", "-5.00", originalTransactionRequestId="P-1"), batch="B2"),
        name="second.csv",
    )
    assert settling() == []
    with pytest.raises(Conflict, match="Nothing is matched here"):
        operations.unmatch(line, **WRONG)

    operations.match_by_hand(found, payment, **BECAUSE)  # and back

    assert settling() == [(2, "P-1", True)]
    assert law() == [("USD", 97_00, 97_00, 0, 0)]


def test_what_was_accepted_is_opened_again_before_it_is_unmatched(books: Books, imported: Import) -> None:
    books.payment("P-1", usd(100_00))
    imported(settlement(row("PAYMENT", "P-1", "90.00", "90.00")))
    one = sole()
    operations.close(one, by=BOOKKEEPER, resolution="CREDITED")
    assert law() == [("USD", 90_00, 100_00, -10_00, 0)]
    line = SettlementRow.objects.get()
    with pytest.raises(Conflict, match="Open that discrepancy again first"):
        operations.unmatch(line, **WRONG)

    operations.reopen(one, by=BOOKKEEPER, reason_code="NEWS")

    assert law() == [("USD", 90_00, 100_00, 0, -10_00)]
    assert (one.is_open, one.resolution) == (True, "")
    with pytest.raises(Conflict, match="It is open"):
        operations.reopen(one, by=BOOKKEEPER, reason_code="NEWS")
    operations.unmatch(line, **WRONG)
    assert law() == [("USD", 90_00, 0, 0, 90_00)]
    assert opened() == [("UNMATCHED", 2, "90.00 USD")]


def test_what_was_matched_by_hand_is_gone_with_its_file_and_the_journal_keeps_it(
    books: Books, imported: Import
) -> None:
    payment = books.payment("P-1", usd(100_00))
    imported(settlement(row("PAYMENT", "X-1", "100.00", "100.00")))
    operations.match_by_hand(sole(), payment, **BECAUSE)

    operations.undo(SettlementRow.objects.get().file, by=BOOKKEEPER, reason_code="WRONG_FILE")

    assert not Match.objects.exists()
    kept = JournalEntry.objects.get(act="undo import").before["closed by hand"]
    assert [one["resolution"] for one in kept] == ["MATCHED"]


# Writing off, accepting, and the second person.


def test_a_small_amount_is_written_off_by_one_person(books: Books, imported: Import) -> None:
    books.payment("P-1", usd(100_00))
    imported(settlement(row("PAYMENT", "P-1", "99.00", "99.00")))

    operations.write_off(sole(), by=person(), reason_code="TOO_SMALL")

    assert law() == [("USD", 99_00, 100_00, -1_00, 0)]
    assert Discrepancy.objects.get().resolution == "WRITTEN_OFF"
    entry = JournalEntry.objects.latest("pk")
    assert (entry.act, entry.reason_code) == ("write off discrepancy", "TOO_SMALL")


@pytest.mark.parametrize("way", ["write off", "accept"])
def test_above_the_limit_a_second_person_decides_whatever_it_is_called(
    books: Books, imported: Import, way: str
) -> None:
    books.payment("P-1", usd(1_000_00))
    imported(settlement(row("PAYMENT", "P-1", "899.99", "899.99")))
    first, second = person(), person()

    def do() -> None:
        if way == "accept":
            operations.close(sole(), by=first, resolution="CREDITED", note="ticket 7")
        else:
            operations.write_off(sole(), by=first, reason_code="NOT_RECOVERABLE", note="ticket 7")

    with pytest.raises(ApprovalNeeded, match=r"Above 100\.00 USD a second person approves") as needed:
        do()
    assert sole().is_open
    request = approvals.ask(needed.value, by=first)
    assert request.amount == usd(100_01)
    assert approvals.objection_to_deciding(request, UserFactory(roles=(FINANCE,))) == ""

    approvals.approve(request, by=second)

    request.refresh_from_db()
    assert request.status == ApprovalStatus.DONE, request.result
    closed = Discrepancy.objects.get()
    assert closed.resolution == ("CREDITED" if way == "accept" else "WRITTEN_OFF")
    assert (closed.closed_by, closed.note) == (str(first), "ticket 7")
    assert law() == [("USD", 899_99, 1_000_00, -100_01, 0)]


def test_small_ones_add_up_to_a_day(books: Books, imported: Import) -> None:
    names = [f"P-{number}" for number in range(12)]
    for name in names:
        books.payment(name, usd(1_000_00))
    imported(settlement(*(row("PAYMENT", name, "901.00", "901.00") for name in names)))
    clerk, found = person(), list(Discrepancy.objects.order_by("pk"))
    for one in found[:10]:
        operations.write_off(one, by=clerk, reason_code="TOO_SMALL")

    with pytest.raises(ApprovalNeeded, match=r"10\.00 USD of it are left today"):
        operations.write_off(found[10], by=clerk, reason_code="TOO_SMALL")

    operations.write_off(found[10], by=person(), reason_code="TOO_SMALL")
    every_file_obeys_the_law()


def test_a_large_match_by_hand_waits_for_a_second_person(books: Books, imported: Import) -> None:
    payment = books.payment("P-1", usd(2_000_00))
    imported(settlement(row("PAYMENT", "X-1", "1500.00", "1500.00")))
    first = person()
    with pytest.raises(ApprovalNeeded, match=r"Above 1,000\.00 USD") as needed:
        operations.match_by_hand(sole(), payment, by=first, reason_code="ACQUIRER_SAYS")
    assert settling() == []
    request = approvals.ask(needed.value, by=first)
    kind = approvals.effective_rules("match by hand")
    assert kind

    approvals.approve(request, by=person(ADMINISTRATOR))

    request.refresh_from_db()
    assert (request.status, request.result) == (ApprovalStatus.DONE, "Matched: 2,000.00 USD.")
    assert settling() == [(2, "P-1", True)]
    assert opened() == [("AMOUNT_DIFFERS", 2, "-500.00 USD")]


def test_what_was_approved_and_is_over_by_then_is_refused_in_words(books: Books, imported: Import) -> None:
    books.payment("P-1", usd(1_000_00))
    imported(settlement(row("PAYMENT", "P-1", "500.00", "500.00")))
    first = person()
    with pytest.raises(ApprovalNeeded) as needed:
        operations.write_off(sole(), by=first, reason_code="TOO_OLD")
    request = approvals.ask(needed.value, by=first)
    operations.close(sole(), by=BOOKKEEPER, resolution="TIMING")

    approvals.approve(request, by=person())

    request = Approval.objects.get()
    assert (request.status, request.result) == (ApprovalStatus.REFUSED, "This discrepancy is already closed.")
    assert Discrepancy.objects.get().resolution == "TIMING"


def test_without_an_amount_there_is_nothing_to_write_off(books: Books, imported: Import) -> None:
    imported(settlement(row("PAYMENT", "X-1", "0.00", "0.00")))

    with pytest.raises(Conflict, match="nothing to write off"):
        operations.write_off(sole(), by=BOOKKEEPER, reason_code="TOO_SMALL")


# Whose it is.


def test_of_two_who_take_it_one_is_told(books: Books, imported: Import) -> None:
    imported(settlement(row("PAYMENT", "X-1", "5.00", "5.00")))
    seen_by_anna, seen_by_ben = sole(), sole()
    anna, ben = person(), person()
    operations.take(seen_by_anna, by=anna)

    with pytest.raises(Conflict, match="Somebody took or closed this"):
        operations.take(seen_by_ben, by=ben)

    assert sole().owner_id == anna.user_id


def test_it_is_given_to_whoever_works_them_and_back_to_the_queue(books: Books, imported: Import) -> None:
    imported(settlement(row("PAYMENT", "X-1", "5.00", "5.00")))
    one, colleague = sole(), UserFactory(roles=(FINANCE,))
    stranger = UserFactory(roles=(ADMINISTRATOR,))

    with pytest.raises(InvalidInput, match="somebody who works discrepancies"):
        operations.assign(one, stranger, by=BOOKKEEPER)
    operations.assign(one, colleague, by=BOOKKEEPER, note="yours since May")
    assert sole().owner == colleague
    operations.assign(one, None, by=BOOKKEEPER)

    assert sole().owner is None
    acts = JournalEntry.objects.filter(act="assign discrepancy").order_by("pk").values_list("outcome", flat=True)
    assert list(acts) == [f"To {colleague.username}.", "Back to the queue."]


def test_the_urgent_are_late_after_a_day_the_others_after_three(books: Books, imported: Import) -> None:
    payment = books.payment("P-1", usd(10_00), status=PaymentStatus.FAILED)
    assert payment.status == PaymentStatus.FAILED
    imported(settlement(row("PAYMENT_REVERSAL", "P-1", "10.00", "10.00"), row("PAYMENT", "X-1", "5.00", "5.00")))
    urgent, usual = Discrepancy.objects.get(is_urgent=True), Discrepancy.objects.get(is_urgent=False)

    def late() -> set[Discrepancy]:
        return set(Discrepancy.objects.filter(service_levels.overdue()))

    assert late() == set()
    for days, expected in ((1, {urgent}), (3, {urgent, usual})):
        Discrepancy.objects.update(opened_at=clock.now() - service_levels.URGENT * days * 1.01)
        assert late() == expected
        for one in (urgent, usual):
            one.refresh_from_db()
            assert (service_levels.due_by(one) < clock.now()) is (one in expected)


# To the acquirer.


def test_the_bundle_says_what_differs_and_can_be_checked(books: Books, imported: Import) -> None:
    books.payment("P-1", usd(100_00), payment_id="A-1")
    imported(settlement(row("PAYMENT", "P-1", "90.00", "87.30", **fee("-2.70"))), name="items.csv")
    one = sole()

    pack = operations.raise_to_acquirer(
        one, by=BOOKKEEPER, reason_code="PAY", note="by mail", case_reference="CASE-4711"
    )

    archive = zipfile.ZipFile(io.BytesIO(pack))
    letter = archive.read("letter.txt").decode()
    assert "The row is over 90.00 USD, ours over 100.00 USD: 10.00 USD less." in letter
    assert one.file.sha256 in letter
    assert "P-1 of 100.00 USD, paid" in letter
    assert "Please settle the amount that is missing" in letter
    assert json.loads(archive.read("rows/row.json"))[0]["raw"]["transactionAmountValue"] == "90.00"
    assert json.loads(archive.read("rows/payments.json"))[0]["payment_request_id"] == "P-1"
    for line in archive.read("SHA256SUMS").decode().splitlines():
        digest, path = line.split("  ")
        assert hashlib.sha256(archive.read(path)).hexdigest() == digest
    assert (one.is_open, one.case_reference, one.raised_at) == (True, "CASE-4711", sole().raised_at)
    entry = JournalEntry.objects.latest("pk")
    assert (entry.act, entry.outcome) == ("raise to the acquirer", f"SHA-256 {hashlib.sha256(pack).hexdigest()}")
    assert operations.raise_to_acquirer(sole(), by=BOOKKEEPER, reason_code="PAY") == pack
    assert sole().case_reference == "CASE-4711"


def test_what_is_closed_or_raised_meanwhile_is_not_raised(books: Books, imported: Import) -> None:
    imported(settlement(row("PAYMENT", "X-1", "5.00", "5.00")))
    stale = sole()
    operations.raise_to_acquirer(sole(), by=BOOKKEEPER, reason_code="ASK")

    with pytest.raises(Conflict):
        operations.raise_to_acquirer(stale, by=BOOKKEEPER, reason_code="ASK")

    fresh = sole()
    operations.close(sole(), by=BOOKKEEPER, resolution="CONFIRMED")
    with pytest.raises(Conflict):
        operations.raise_to_acquirer(fresh, by=BOOKKEEPER, reason_code="ASK")
    assert JournalEntry.objects.filter(act="raise to the acquirer").count() == 1


# Several at once.


def test_several_at_once_are_many_ordinary_acts_with_one_parent(books: Books, imported: Import) -> None:
    books.payment("P-1", usd(1_000_00))
    rows = [row("PAYMENT", "X-1", "5.00", "5.00"), row("PAYMENT", "X-2", "6.00", "6.00")]
    imported(settlement(*rows, row("PAYMENT", "P-1", "100.00", "100.00")))
    small, closed, large = Discrepancy.objects.order_by("row__line_number")
    chosen = [small, closed, large]
    operations.close(Discrepancy.objects.get(pk=closed.pk), by=BOOKKEEPER, resolution="TIMING")
    clerk = person()

    wanted = operations.Wanted(BulkAct.WRITE_OFF, "TOO_OLD")
    bulk = operations.decide("write discrepancies off", chosen, wanted, by=clerk)

    assert list(bulk.lines.values_list("discrepancy", "status")) == [
        (small.pk, "DONE"), (closed.pk, "REFUSED"), (large.pk, "ASKED"),
    ]  # fmt: skip
    assert bulk.lines.get(status="REFUSED").sentence == "This discrepancy is already closed."
    assert Approval.objects.get().subject_id == str(large.pk)
    assert opened() == [("AMOUNT_DIFFERS", 4, "-900.00 USD")]
    acts = list(JournalEntry.objects.order_by("pk").values_list("act", "outcome"))[-4:]
    assert acts == [
        ("begin to write discrepancies off", ""),
        ("write off discrepancy", "5.00 USD explained."),
        ("ask for approval", ""),
        ("end to write discrepancies off", "1 of 3 done."),
    ]
    every_file_obeys_the_law()


def test_an_act_stands_in_no_transaction_of_its_callers(books: Books, imported: Import) -> None:
    imported(settlement(row("PAYMENT", "X-1", "5.00", "5.00")))

    with pytest.raises(RuntimeError), transaction.atomic():
        operations.write_off(sole(), by=BOOKKEEPER, reason_code="TOO_SMALL")


def test_the_outcome_of_an_import_is_as_before(books: Books, imported: Import) -> None:
    """Matched by hand, then the same file once more: a no-op that says so."""
    payment = books.payment("P-1", usd(100_00))
    text = settlement(row("PAYMENT", "X-1", "100.00", "100.00"))
    imported(text)
    operations.match_by_hand(sole(), payment, **BECAUSE)

    again = imported(text)

    assert (again.result, law_of(again)) == ("known", [("USD", 100_00, 100_00, 0, 0)])
