"""Many refunds wanted as one: previewed, started once by two people, worked one by one, each with its own end."""

import io
from typing import Any

import pytest
from openpyxl import Workbook

from payments import bulk_files
from payments import operations as paying
from payments.bulk_files import Said
from payments.models import BulkRefund, Payment, Refund
from payments.operations.bulk import selection
from payments.states import BulkStatus, LineStatus, PaymentStatus, ReasonCode, RefundStatus
from portal import approvals, work
from portal.actor import Actor
from portal.approvals import ApprovalNeeded
from portal.errors import Conflict, InvalidInput, NotAllowed
from portal.models import Approval, JournalEntry
from portal.roles import FINANCE, OPERATOR
from tests.concurrency.crowd import all_at_once, refusals
from tests.factories import UserFactory
from tests.stories.test_killed import MOMENTS, killed
from tests.story import PHP, Acquirer, Customer, Shop


@pytest.fixture
def olga(shop: Shop) -> Any:
    return UserFactory(username="olga", roles=(OPERATOR,))


@pytest.fixture
def fei(shop: Shop) -> Any:
    return UserFactory(username="fei", roles=(FINANCE,))


def sold(shop: Shop, buyer: Customer, count: int) -> list[Payment]:
    wallet = buyer.binds("GCASH")
    made = [shop.charges(shop.sells("Cup", PHP(165_00 + n), to=buyer), wallet) for n in range(count)]
    assert {payment.status for payment in made} == {PaymentStatus.SUCCEEDED}
    return made


def drafted(payments: list[Payment], user: Any, name: str = "march.csv") -> BulkRefund:
    said = [Said(number, payment.payment_request_id) for number, payment in enumerate(payments, start=2)]
    return paying.draft_bulk(name, said, by=Actor.person(user), reason_code=ReasonCode.DAMAGED, note="a broken batch")


def started(bulk: BulkRefund, user: Any, approver: Any) -> Approval:
    with pytest.raises(ApprovalNeeded) as needed:
        paying.start_bulk(bulk, by=Actor.person(user))
    asked = approvals.ask(needed.value, by=Actor.person(user))
    done = approvals.approve(asked, by=Actor.person(approver))
    assert done.status == "DONE", done.result
    return done


def states(bulk: BulkRefund) -> dict[str, int]:
    found: dict[str, int] = {}
    for line in bulk.lines.select_related("refund"):
        word = line.refund.status if line.refund else line.status
        found[word] = found.get(word, 0) + 1
    return found


def test_thirty_refunds_of_which_three_fail(
    shop: Shop, buyer: Customer, acquirer: Acquirer, olga: Any, fei: Any
) -> None:
    payments = sold(shop, buyer, 30)
    bulk = drafted(payments, olga)
    assert (bulk.status, bulk.line_count, bulk.totals) == ("DRAFT", 30, {"PHP": sum(165_00 + n for n in range(30))})

    shop.refunds(payments[7])  # somebody gives one of them back meanwhile
    shop.refunds(payments[8], PHP(100_00))  # and a part of another
    before = len(acquirer.gave_back_to(buyer))
    acquirer.will("refund_fails", code="MERCHANT_BALANCE_NOT_ENOUGH", calls=1)
    asked = started(bulk, olga, fei)
    assert asked.sentence == "30 refunds from march.csv: 4,954.35 PHP goes back to their buyers."
    shop.comes_to_rest()

    bulk.refresh_from_db()
    assert (bulk.status, states(bulk)) == (BulkStatus.FINISHED, {"SUCCEEDED": 27, "FAILED": 1, "REFUSED": 2})
    assert len(acquirer.gave_back_to(buyer)) - before == 27
    said = {line.number: line.result for line in bulk.lines.filter(status=LineStatus.REFUSED)}
    assert set(said) == {9, 10}
    assert "can still be given back" in said[10]
    assert Refund.objects.filter(actor_name="olga").count() == 28
    acts = JournalEntry.objects.filter(act="refund")
    assert (acts.count(), set(acts.values_list("outcome", flat=True))) == (28, {f"under {asked.number}"})

    paying.resume_bulk(bulk, by=Actor.person(olga))
    shop.comes_to_rest()
    bulk.refresh_from_db()
    assert (bulk.status, states(bulk)) == (BulkStatus.FINISHED, {"SUCCEEDED": 28, "REFUSED": 2})
    paid_back = [amount.value for amount in acquirer.gave_back_to(buyer)]
    assert sum(paid_back) == sum(165_00 + n for n in range(30)) - (165_08 - 100_00)


def test_nothing_goes_back_before_a_second_person_has_approved(
    shop: Shop, buyer: Customer, acquirer: Acquirer, olga: Any
) -> None:
    bulk = drafted(sold(shop, buyer, 2), olga)
    with pytest.raises(ApprovalNeeded) as needed:
        paying.start_bulk(bulk, by=Actor.person(olga))
    asked = approvals.ask(needed.value, by=Actor.person(olga))
    with pytest.raises(NotAllowed):
        approvals.approve(asked, by=Actor.person(olga))
    with pytest.raises(Conflict, match="Take the request back first"):
        paying.discard_bulk(bulk, by=Actor.person(olga))
    shop.clock_moves(hours=1)
    assert acquirer.gave_back_to(buyer) == []
    approvals.withdraw(asked, by=Actor.person(olga))
    assert paying.discard_bulk(bulk, by=Actor.person(olga)).status == BulkStatus.DISCARDED


def test_the_same_file_twice_is_one(shop: Shop, buyer: Customer, olga: Any, fei: Any, acquirer: Acquirer) -> None:
    payments = sold(shop, buyer, 2)
    bulk = drafted(payments, olga)
    with pytest.raises(Conflict, match=f"The very same was given already: {bulk.number}, to be looked at"):
        drafted(payments, olga, "march copy.xlsx")
    outcomes = all_at_once(*[lambda user=user: drafted(payments[:1], user) for user in (olga, fei, olga)])
    assert refusals(outcomes, Conflict) == 2
    started(bulk, olga, fei)
    with pytest.raises(Conflict, match="it is being done already"):
        paying.start_bulk(bulk, by=Actor.person(fei))
    shop.comes_to_rest()
    assert len(acquirer.gave_back_to(buyer)) == 2
    paying.discard_bulk(BulkRefund.objects.exclude(pk=bulk.pk).get(), by=Actor.person(fei))
    with pytest.raises(InvalidInput, match="Everything was given back"):
        drafted(payments, olga)


def test_two_workers_at_once_and_a_killed_one_make_each_refund_once(
    shop: Shop, buyer: Customer, olga: Any, fei: Any, acquirer: Acquirer
) -> None:
    bulk = drafted(sold(shop, buyer, 3), olga)
    started(bulk, olga, fei)
    lines = list(bulk.lines.values_list("pk", flat=True))
    all_at_once(*[lambda pk=pk: paying.work_line(pk) for pk in lines * 3])
    acquirer.heals()
    shop.clock_moves(minutes=5)
    assert len(acquirer.gave_back_to(buyer)) == Refund.objects.count() == 3
    assert states(bulk) == {"SUCCEEDED": 3}


@pytest.mark.parametrize("moment", MOMENTS)
def test_who_dies_at_the_last_line_leaves_nothing_unfinished(
    moment: str, shop: Shop, buyer: Customer, acquirer: Acquirer, olga: Any, fei: Any
) -> None:
    bulk = drafted(sold(shop, buyer, 1), olga)
    started(bulk, olga, fei)

    with killed(moment, "refund"):
        work.run_all_due()
    shop.clock_moves(minutes=10)

    bulk.refresh_from_db()
    assert (bulk.status, states(bulk)) == (BulkStatus.FINISHED, {RefundStatus.SUCCEEDED: 1})
    assert len(acquirer.gave_back_to(buyer)) == 1


def test_stopped_it_waits_and_resumed_it_goes_on(
    shop: Shop, buyer: Customer, olga: Any, fei: Any, acquirer: Acquirer
) -> None:
    bulk = drafted(sold(shop, buyer, 3), olga)
    started(bulk, olga, fei)
    paying.work_line(bulk.lines.values_list("pk", flat=True)[0])
    paying.stop_bulk(bulk, by=Actor.person(fei), note="wrong batch?")
    shop.clock_moves(hours=2)
    assert len(acquirer.gave_back_to(buyer)) == 1
    assert states(bulk) == {"SUCCEEDED": 1, "WAITING": 2}
    paying.resume_bulk(bulk, by=Actor.person(fei))
    shop.comes_to_rest()
    bulk.refresh_from_db()
    assert (bulk.status, len(acquirer.gave_back_to(buyer))) == (BulkStatus.FINISHED, 3)
    with pytest.raises(Conflict, match="nothing to try again"):
        paying.resume_bulk(bulk, by=Actor.person(fei))


def test_its_approval_covers_its_refunds_and_no_other(
    shop: Shop, buyer: Customer, olga: Any, fei: Any, acquirer: Acquirer
) -> None:
    first, other = sold(shop, buyer, 2)
    asked = started(drafted([first], olga), olga, fei)
    under = approvals.actor_of(asked)
    for payment, amount in ((other, other.amount), (first, PHP(1_00))):
        with pytest.raises(NotAllowed, match="What was approved is not this"):
            paying.refund(payment, amount, by=under, reason_code=ReasonCode.DAMAGED)
    assert acquirer.gave_back_to(buyer) == []


def test_lines_changed_after_the_preview_are_not_started(shop: Shop, buyer: Customer, olga: Any, fei: Any) -> None:
    bulk = drafted(sold(shop, buyer, 2), olga)
    bulk.lines.filter(number=2).update(amount_value=1_00)
    with pytest.raises(ApprovalNeeded) as needed:
        paying.start_bulk(bulk, by=Actor.person(olga))
    done = approvals.approve(approvals.ask(needed.value, by=Actor.person(olga)), by=Actor.person(fei))
    assert (done.status, "not those that were previewed" in done.result) == ("REFUSED", True)
    assert not [line for line in work.run_all_due() if line.startswith("line")]


def test_every_problem_of_a_line_is_named(shop: Shop, buyer: Customer, olga: Any, acquirer: Acquirer) -> None:
    good, partly, whole = sold(shop, buyer, 3)
    shop.refunds(whole)
    shop.refunds(partly, PHP(100_00))
    acquirer.will("payment_fails", code="USER_BALANCE_NOT_ENOUGH", calls=1)
    poor = shop.charges(shop.sells("Cup", PHP(165_00), to=buyer))
    unpaid = shop.sells("Cup", PHP(165_00), to=buyer)
    said = [
        Said(2, good.payment_id, "100.00", "duplicate", "second cup"),
        Said(3, good.order.number),
        Said(4, "NOBODY"),
        Said(5, ""),
        Said(6, partly.order.number, "100"),
        Said(7, whole.order.number),
        Said(8, poor.order.number),
        Said(9, unpaid.number),
        Said(10, partly.order.number, "1.005"),
        Said(11, partly.order.number, "-1"),
        Said(12, partly.order.number, "", "because"),
        Said(13, partly.order.number, "", "OTHER"),
        Said(14, partly.order.number, "", "Damaged or wrong goods"),
    ]
    bulk = paying.draft_bulk("mixed.csv", said, by=Actor.person(olga), reason_code=ReasonCode.DAMAGED)
    results = {line.number: line.result for line in bulk.lines.all()}
    assert results[2] == ""
    assert results[14] == ""
    assert results[3] == "Line 2 is about the same payment."
    assert results[4] == "There is no order and no payment with this id."
    assert results[5] == "It has no id."
    assert results[6] == "Only 65.01 PHP can still be given back."
    assert results[7] == "Everything was given back, or is on its way back."
    assert results[8].startswith("The payment is failed")
    assert results[9] == "Nobody has paid this order."
    assert "PHP has 2 decimals" in results[10]
    assert results[11]
    assert results[12].startswith("There is no reason 'because'; the reasons are BUYER_REQUEST")
    assert results[13] == "The reason OTHER needs a note."
    assert bulk.totals == {"PHP": 100_00 + 65_01}
    assert bulk.lines.get(number=2).reason_code == ReasonCode.DUPLICATE
    with pytest.raises(InvalidInput, match=r"None of the 2 lines can be refunded\. Line 2: There is no order"):
        paying.draft_bulk("x.csv", [Said(2, "A"), Said(3, "B")], by=Actor.person(olga), reason_code="DAMAGED")


def test_what_was_chosen_in_a_list_is_a_bulk_refund_too(shop: Shop, buyer: Customer, olga: Any) -> None:
    payments = sold(shop, buyer, 2)
    said = selection([payments[0], payments[1].order])
    bulk = paying.draft_bulk("2 chosen", said, by=Actor.person(olga), reason_code=ReasonCode.DAMAGED)
    assert [line.payment for line in bulk.lines.all()] == payments


# Files.

ROWS = [("id", "amount", "reason"), ("ORDER-1", "10.50", "DUPLICATE"), ("ORDER-2", "", "")]
READ = [Said(2, "ORDER-1", "10.50", "DUPLICATE"), Said(3, "ORDER-2")]


def _csv(delimiter: str = ",", *, mark: bytes = b"", end: str = "\n") -> bytes:
    return mark + end.join(delimiter.join(row) for row in ROWS).encode()


def _xlsx() -> bytes:
    book, file = Workbook(), io.BytesIO()
    sheet: Any = book.active
    for row in (ROWS[0], ("ORDER-1", 10.5, "DUPLICATE"), ("ORDER-2", None, None)):
        sheet.append(row)
    book.save(file)
    return file.getvalue()


@pytest.mark.parametrize(
    "content",
    [_csv(), _csv(";"), _csv("\t"), _csv(mark=b"\xef\xbb\xbf", end="\r\n"), b"\n\n" + _csv() + b"\n\n", _xlsx()],
    ids=["comma", "semicolon", "tab", "mark", "blank lines", "xlsx"],
)
def test_files_as_spreadsheets_write_them(content: bytes) -> None:
    said = bulk_files.read("refunds", content)
    assert [(one.id, one.amount.rstrip("0"), one.reason) for one in said] == [
        (one.id, one.amount.rstrip("0"), one.reason) for one in READ
    ]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "it is empty"),
        (b"\n \n", "it holds no text"),
        (b"id,amount\n", "no line under it"),
        (b"amount\n1.00\n", "names no column id"),
        (b"id,colour\nA,red\n", "its column 'colour' is not known. The columns are id, amount, reason, note"),
        (b"id,order\nA,B\n", "two columns for id"),
        ("id\n\xe9\n".encode("latin-1"), "it is not UTF-8"),
        (b"id\n\x00\n", "neither a text nor an XLSX file"),
        (b"PK\x03\x04rubbish", "it cannot be read as XLSX"),
        (b"id\n" + b"A" * 300 + b"\n", "line 2: its id is longer than 256 characters"),
        (b"id\n" + b"A\n" * 5001, "more than 5,000 lines"),
        (b"id\n" + b"A" * bulk_files.MAX_BYTES, "larger than 2 MiB"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_such_file_is_refused_with_a_sentence(content: bytes, says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        bulk_files.read("refunds", content)


def test_a_failed_refund_is_no_refund_of_the_line(shop: Shop, buyer: Customer, olga: Any, fei: Any) -> None:
    bulk = drafted(sold(shop, buyer, 1), olga)
    started(bulk, olga, fei)
    shop.comes_to_rest()
    (line,) = bulk.lines.all()
    assert line.refund is not None
    assert (line.status, line.refund.status, line.due_at) == (LineStatus.PROMISED, RefundStatus.SUCCEEDED, None)
