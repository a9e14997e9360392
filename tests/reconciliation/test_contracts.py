"""Fees held against the contract: the reckoning, one wrong fee, a price that has changed, and the desk's pages."""

from datetime import date

import pytest

from portal.models import Incident, JournalEntry
from portal.money import Money
from reconciliation import operations
from reconciliation.contracts import Contracts, Terms
from reconciliation.models import Discrepancy, FeeContract, ReportFile
from reconciliation.operations.contracts import ContractTaken
from tests.reconciliation.conftest import BOOKKEEPER, Books, Import, opened
from tests.reconciliation.reports import fee, row, settlement, transactions
from tests.reconciliation.test_desk import act, signed_in, words
from tests.reconciliation.test_sandbox_days import a_day_of_trade, day_passes, imports_every_report
from tests.story import Acquirer, Customer, Shop

MAY = date(2026, 5, 1)
LIST = "/admin/reconciliation/feecontract/"


def terms(rate: int, fixed: int = 0, currency: str = "USD", since: date = MAY) -> Terms:
    return Terms(1, "GCASH", currency, rate, fixed, since, 50)


@pytest.mark.parametrize(
    ("agreed", "gross", "due"),
    [
        (terms(290), 100_00, -2_90),
        (terms(290, 30), 100_00, -3_20),
        (terms(250), 1_00, -2),  # 2.5, half to even
        (terms(250), 1_40, -4),  # 3.5
        (terms(0, 30), 5_00, -30),
        (terms(333, currency="JPY"), 1_000, -33),
        (terms(10_000), 7, -7),
    ],
)
def test_what_a_payment_costs(agreed: Terms, gross: int, due: int) -> None:
    assert agreed.fee_of(gross) == due


def test_the_terms_of_the_payments_day_count() -> None:
    held = Contracts.of([terms(290), terms(310, since=date(2026, 6, 1)), terms(200, since=date(2026, 1, 1))])

    days = (date(2025, 12, 31), date(2026, 4, 30), MAY, date(2026, 5, 31), date(2026, 6, 1))
    found = [held.valid("gcash", "USD", day) for day in days]
    assert [one.rate if one else None for one in found] == [None, 200, 290, 290, 310]
    assert held.valid("GCASH", "EUR", MAY) is None
    assert held.valid("DANA", "USD", MAY) is None
    assert held.valid("GCASH", "USD", None) is None


@pytest.fixture
def contract(books: Books) -> FeeContract:
    """GCash costs 2.90 % and 0.10 USD since May."""
    return operations.add_contract(
        books.account, "GCASH", Money(10, "USD"), 290, valid_from=MAY, drift_percent=50, by=BOOKKEEPER
    )


def paid(books: Books, name: str, charged: str, wallet: str = "GCASH") -> dict[str, str]:
    """The row of a payment of 100.00 USD, for which 3.00 are due."""
    books.payment(name, Money(100_00, "USD"))
    net = f"{100 + float(charged):.2f}"
    return row("PAYMENT", name, "100.00", net, paymentMethodType=wallet, **fee(charged))


def test_one_wrong_fee_opens_its_row_with_what_differs(books: Books, imported: Import, contract: FeeContract) -> None:
    rows = [paid(books, f"P-{number}", "-3.00") for number in range(4)]
    rows += [paid(books, "P-4", "-3.02"), paid(books, "P-5", "-3.40"), paid(books, "P-6", "-9.00", "DANA")]
    outcome = imported(settlement(*rows))

    assert opened() == [("FEE_DIFFERS", 7, "-0.40 USD")]
    [one] = Discrepancy.objects.all()
    assert one.sentence == (
        "The fees are -3.40 USD; by contract (2.90 % + 0.10 USD since 2026-05-01) they are -3.00 USD."
    )
    assert (outcome.matched_rows, outcome.open_rows, one.value) == (6, 1, -40)
    assert not Incident.objects.exists()


def test_what_both_reports_tell_otherwise_is_opened_once(books: Books, imported: Import, contract: FeeContract) -> None:
    told = paid(books, "P-1", "-3.00")
    imported(transactions(told | {"settlementCurrency": "USD"}), name="transactionItems_20260512_000.csv")
    imported(settlement(told | {"settlementAmountValue": "96.50"} | fee("-3.50")))

    assert opened() == [("FEE_DIFFERS", 2, "-0.50 USD")]
    assert Discrepancy.objects.get().sentence == "The fees are -3.50 USD here and -3.00 USD in the transaction details."


def test_a_price_that_has_changed_is_one_incident_and_no_discrepancy(
    books: Books, imported: Import, contract: FeeContract
) -> None:
    rows = [paid(books, f"P-{number}", "-3.50") for number in range(4)]
    rows += [paid(books, "P-5", "-3.00"), paid(books, "P-6", "-2.00")]
    text, drift = settlement(*rows, batch="B1"), "4 of 6 GCash payments in one.csv cost 2.00 USD more than agreed on."
    tried = operations.rehearse("one.csv", text.encode(), by=BOOKKEEPER, account=books.account)
    assert (tried.sentence.endswith(drift), tried.matched_rows, Incident.objects.count()) == (True, 5, 0)
    outcome = imported(text, name="one.csv")

    assert outcome.sentence == (f"Settlement details: 6 rows imported, 1 of them open with 1 discrepancy. {drift}")
    assert opened() == [("FEE_DIFFERS", 7, "1.00 USD")]  # the other way, and alone
    assert (outcome.matched_rows, outcome.open_rows) == (5, 1)
    incident = Incident.objects.get()
    assert (incident.kind, incident.subject_id, incident.times_seen) == ("FEE_DRIFT", str(contract.pk), 1)
    assert incident.summary == drift
    assert incident.detail == "Agreed on: 2.90 % + 0.10 USD since 2026-05-01. The rows are matched as charged."

    # Whatever decides on the rows anew leaves them as they are: here a second row of one of them.
    again = row("PAYMENT", "P-0", "100.00", "96.50", paymentMethodType="GCASH", **fee("-3.50"))
    imported(settlement(again, batch="B2"), name="two.csv")
    assert opened() == [("DUPLICATE", 2, "96.50 USD"), ("FEE_DIFFERS", 7, "1.00 USD")]

    imported(settlement(*[paid(books, f"Q-{number}", "-3.50") for number in range(5)], batch="B3"), name="three.csv")
    assert Incident.objects.get().times_seen == 2
    assert len(opened()) == 2

    for name in ("one.csv", "three.csv"):
        assert Incident.objects.filter(closed_at=None).exists()
        operations.undo(ReportFile.objects.get(name=name), by=BOOKKEEPER, reason_code="WRONG_FILE")
    assert Incident.objects.get().resolution == "The import was undone."


def test_few_rows_are_looked_at_one_by_one(books: Books, imported: Import, contract: FeeContract) -> None:
    imported(settlement(*[paid(books, f"P-{number}", "-3.50") for number in range(4)]))

    assert [reason for reason, _, _ in opened()] == ["FEE_DIFFERS"] * 4
    assert not Incident.objects.exists()


def test_the_sandbox_charges_what_was_agreed_on_but_for_what_is_planted(
    shop: Shop, buyer: Customer, acquirer: Acquirer
) -> None:
    for wallet, rate in (("GCASH", 240), ("TNG", rate_of("TNG"))):
        operations.add_contract(
            shop.account,
            wallet,
            Money(0, "USD"),
            rate,
            valid_from=date(2026, 1, 1),
            drift_percent=50,
            by=BOOKKEEPER,
        )
    a_day_of_trade(shop, buyer)
    acquirer.engine.plant("fee_differs", by=7)
    day_passes(shop)
    imports_every_report(shop.account, acquirer)

    assert [(reason, stake) for reason, _, stake in opened()] == [("FEE_DIFFERS", "-0.07 USD")]


def rate_of(wallet: str) -> int:
    """What the sandbox charges, in hundredths of a percent."""
    from portal.sandbox.wallets import WALLETS  # noqa: PLC0415

    return int(WALLETS[wallet].fee_rate * 10_000)


def test_finance_says_what_was_agreed_on(books: Books) -> None:
    finance, auditor = signed_in("Finance"), signed_in("Auditor")
    assert "No fee contract yet" in words(finance.get(LIST))
    said = {
        "account": books.account.pk,
        "wallet": "GCASH",
        "settled_in": "USD",
        "rate": "2.90",
        "fixed": "0.305",
        "valid_from": "2026-05-01",
        "drift_percent": "50",
        "note": "contract of May",
    }
    page = words(act(finance, f"{LIST}acts/add/", "Add this contract", **said))
    assert "USD has 2 decimals; '0.305' has more." in page
    assert "A fee is written without a sign." in words(
        act(finance, f"{LIST}acts/add/", "Add this contract", **said | {"fixed": "-0.30"})
    )
    act(finance, f"{LIST}acts/add/", "Add this contract", **said | {"fixed": "0.30"})
    contract = FeeContract.objects.get()
    assert (contract.rate, contract.fixed_value, contract.valid_from) == (290, 30, MAY)
    assert "GCash USD 2.90 % + 0.30 USD 1 May 2026 Antom SG" in words(auditor.get(LIST))

    twice = act(finance, f"{LIST}acts/add/", "Add this contract", **said | {"fixed": ""})
    assert "What GCASH costs in USD from 2026-05-01 on is said already. Edit that." in words(twice)
    url = f"{LIST}{contract.pk}/acts/edit/"
    act(finance, url, "Save the contract", **said | {"fixed": "0.30", "rate": "3.00", "note": "mistyped"})
    entry = JournalEntry.objects.latest("pk")
    assert (entry.act, entry.before, entry.after, entry.note) == (
        "edit fee contract", {"rate": 290}, {"rate": 300}, "mistyped",
    )  # fmt: skip
    assert auditor.get(url).status_code == 403
    with pytest.raises(ContractTaken):
        operations.add_contract(
            books.account, "GCASH", Money(0, "USD"), 100, valid_from=MAY, drift_percent=50, by=BOOKKEEPER
        )
