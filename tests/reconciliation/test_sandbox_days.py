"""The acquirer of the sandbox closes its day, and its reports meet our books: the real flow on both sides."""

from datetime import timedelta

import pytest

from payments.models import Payment
from portal import clock
from portal.actor import Actor
from portal.models import AcquirerAccount
from portal.money import Money
from portal.sandbox.control import SandboxControl
from reconciliation import operations, queries
from reconciliation.models import Discrepancy, Match, ReportFile
from tests.reconciliation.conftest import every_file_obeys_the_law, opened
from tests.story import PHP, Acquirer, Customer, Shop

BOOKKEEPER = Actor.command("bookkeeper")


def a_day_of_trade(shop: Shop, buyer: Customer) -> list[Payment]:
    """Payments in two currencies, a partial refund, a cancel, and one that the purse does not cover."""
    gcash = buyer.binds("GCASH")
    tng = buyer.binds("TNG")
    payments = [shop.charges(shop.sells("pass", PHP(499_00 + number), to=buyer), gcash) for number in range(4)]
    payments += [shop.charges(shop.sells("pass", Money(59_90, "MYR"), to=buyer), tng) for _ in range(2)]
    shop.clock_moves(minutes=5)
    shop.refunds(payments[1], PHP(120_50))
    shop.cancels(payments[2])
    shop.clock_moves(minutes=5)
    buyer.owns("GCASH", 1_00)
    shop.charges(shop.sells("too dear", PHP(9_999_00), to=buyer), gcash)
    shop.clock_moves(minutes=10)
    return payments


def imports_every_report(account: AcquirerAccount, acquirer: Acquirer) -> None:
    """Fetch what the acquirer wrote, and import it."""
    control = SandboxControl(acquirer.sandbox.url)
    for written in sorted(control.reports(), key=lambda report: str(report["name"]), reverse=True):
        content = control.report(written["day"], written["name"])
        operations.import_report(written["name"], content.encode(), by=BOOKKEEPER, account=account)
    every_file_obeys_the_law()


def day_passes(shop: Shop) -> None:
    """Midnight in UTC+8 comes, and the reports of the day with it."""
    midnight = clock.now().astimezone(clock.ACQUIRER_ZONE).replace(hour=0, minute=0, second=0) + timedelta(days=1)
    shop.clock_moves_to(midnight + timedelta(minutes=30))


def test_a_day_closes_and_nothing_is_open(shop: Shop, buyer: Customer, acquirer: Acquirer) -> None:
    payments = a_day_of_trade(shop, buyer)

    day_passes(shop)
    imports_every_report(shop.account, acquirer)

    assert opened() == []
    assert {file.kind for file in ReportFile.objects.all()} == {"TRANSACTIONS", "SETTLEMENT", "SUMMARY"}
    for payment in payments:
        settled = queries.settled(payment)
        assert settled is not None, payment.payment_request_id
        assert settled.transaction_amount == payment.amount
    roles = sorted(Match.objects.filter(is_settlement=True).values_list("role", flat=True))
    assert roles == ["CANCEL", *["PAYMENT"] * 6, "REFUND"]
    assert all(law.open.value == 0 for file in ReportFile.objects.all() for law in queries.law(file))


@pytest.mark.parametrize(
    ("kind", "options", "reason"),
    [
        ("fee_differs", {"by": 7}, "FEE_DIFFERS"),
        ("amount_short", {"by": 100}, "AMOUNT_DIFFERS"),
        ("unknown_row", {"request_id": "STRAY-1"}, "NOT_IN_OUR_BOOKS"),
        ("duplicated_row", {}, "DUPLICATE"),
    ],
)
def test_what_is_planted_is_found_and_nothing_else(
    shop: Shop, buyer: Customer, acquirer: Acquirer, kind: str, options: dict[str, object], reason: str
) -> None:
    a_day_of_trade(shop, buyer)
    acquirer.engine.plant(kind, **options)

    day_passes(shop)
    imports_every_report(shop.account, acquirer)

    assert set(Discrepancy.objects.filter(closed_at=None, row__isnull=False).values_list("reason", flat=True)) == {
        reason
    }
    assert Discrepancy.objects.filter(closed_at=None).count() == 1


def test_what_the_settlement_leaves_out_is_not_settled(shop: Shop, buyer: Customer, acquirer: Acquirer) -> None:
    payments = a_day_of_trade(shop, buyer)
    acquirer.engine.plant("missing_row", request_id=payments[0].payment_request_id)

    day_passes(shop)
    imports_every_report(shop.account, acquirer)

    assert queries.settled(payments[0]) is None
    assert queries.settled(payments[1]) is not None
    assert opened() == []


def test_a_payment_before_midnight_whose_cancel_is_of_the_next_day(
    shop: Shop, buyer: Customer, acquirer: Acquirer
) -> None:
    wallet = buyer.binds("GCASH")
    midnight = clock.now().astimezone(clock.ACQUIRER_ZONE).replace(hour=0, minute=0, second=0) + timedelta(days=1)
    shop.clock_moves_to(midnight - timedelta(seconds=20))
    acquirer.will("answer_lost", api="pay")
    payment = shop.charges(shop.sells("pass", PHP(499_00), to=buyer), wallet)
    shop.clock_stands_at(midnight + timedelta(seconds=20))
    shop.cancels(payment)
    payment.refresh_from_db()
    assert (payment.status, payment.paid_at) == ("CANCELLED", None)
    day_passes(shop)

    imports_every_report(shop.account, acquirer)
    for discrepancy in Discrepancy.objects.filter(closed_at=None):
        operations.check_again(discrepancy, by=BOOKKEEPER)

    assert opened() == []
    every_file_obeys_the_law()


@pytest.mark.parametrize("edition", ["E1", "E2", "E3"])
def test_a_day_in_an_earlier_edition_leaves_nothing_open(
    shop: Shop, buyer: Customer, acquirer: Acquirer, edition: str
) -> None:
    payments = a_day_of_trade(shop, buyer)
    control = SandboxControl(acquirer.sandbox.url)
    files = control.close_day(edition=edition)

    # Details before summaries: they tell the unit of E1's.
    for written in sorted(files, key=lambda report: str(report["name"])):
        content = control.report(written["day"], written["name"]).encode()
        operations.import_report(written["name"], content, by=BOOKKEEPER, account=shop.account)
    every_file_obeys_the_law()

    assert opened() == []
    said = set(ReportFile.objects.values_list("edition", "amount_unit"))
    # Without the columns of interchange pricing, E2's transaction details cannot be told from E3's.
    expected = {"E1": {("E1", "MINOR")}, "E2": {("E2", "MAJOR"), ("E3", "MAJOR")}, "E3": {("E3", "MAJOR")}}
    assert said == expected[edition]
    assert len(files) == ReportFile.objects.count()
    for payment in payments:
        settled = queries.settled(payment)
        assert settled is not None, payment.payment_request_id
        assert settled.transaction_amount == payment.amount
