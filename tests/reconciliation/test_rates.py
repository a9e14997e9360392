"""At which rates a batch was exchanged, beside those before it."""

from fractions import Fraction

from reconciliation.models import Batch
from reconciliation.rates import Rate, in_words, rates_of
from tests.reconciliation.conftest import Books, Import
from tests.reconciliation.reports import row, settlement
from tests.reconciliation.test_desk import signed_in, words


def batch_of(imported: Import, day: int, *sold: tuple[str, str, str, str]) -> Batch:
    """A batch of May with payments as (currency, amount, rate, net)."""
    rows = [
        row("PAYMENT", f"X-{day}-{number}", amount, net, currency=currency, quotePrice=price)
        | {"quoteCurrencyPair": f"{currency}/USD" if price else "", "settlementInitiatedDate": f"2026-05-{day}"}
        for number, (currency, amount, price, net) in enumerate(sold)
    ]
    imported(settlement(*rows, batch=f"B{day}"), name=f"settlementItems_USD_B{day}_000.csv")
    return Batch.objects.get(batch_id=f"B{day}")


def test_a_rate_out_of_line_is_shown(books: Books, imported: Import) -> None:
    batch_of(imported, 11, ("PHP", "1000.00", "0.02", "20.00"), ("USD", "5.00", "", "5.00"))
    batch_of(imported, 12, ("PHP", "3000.00", "0.02", "60.00"), ("JPY", "1000", "0.007", "7.00"))
    batch = batch_of(imported, 13, ("PHP", "1000.00", "0.019", "19.00"), ("MYR", "10.00", "0.25", "2.50"))
    later = batch_of(imported, 14, ("JPY", "2000", "0.00705", "14.10"))

    assert rates_of(batch) == [
        Rate("MYR", "USD", Fraction(1, 4), None),
        Rate("PHP", "USD", Fraction(19, 1000), Fraction(2, 100)),
    ]
    assert [rate.is_out_of_line for rate in rates_of(batch)] == [False, True]
    assert [(rate.drift, rate.is_out_of_line) for rate in rates_of(later)] == [(Fraction(1, 140), False)]
    page = words(signed_in("Finance").get(f"/admin/reconciliation/batch/{batch.pk}/change/"))
    assert "1 PHP → USD 0.019 0.02 −5.00 %" in page
    assert "1 MYR → USD 0.25 – –" in page


def test_only_the_batches_just_before_count(books: Books, imported: Import) -> None:
    for day, price in ((10, "0.9"), (11, "0.02"), (12, "0.02"), (13, "0.02")):
        batch_of(imported, day, ("PHP", "1000.00", price, f"{float(price) * 1000:.2f}"))
    last = batch_of(imported, 14, ("PHP", "1000.00", "0.02", "20.00"))

    [rate] = rates_of(last)
    assert (rate.usual, rate.drift) == (Fraction(2, 100), 0)


def test_what_was_not_exchanged_has_no_rate(books: Books, imported: Import) -> None:
    batch = batch_of(imported, 11, ("USD", "5.00", "", "5.00"))

    assert rates_of(batch) == []
    assert "Exchange rates" not in words(signed_in("Finance").get(f"/admin/reconciliation/batch/{batch.pk}/change/"))


def test_a_rate_is_told_in_digits_that_tell() -> None:
    assert [in_words(Fraction(one)) for one in ("1/56", "56.1", "2", "1/16287", "1e7")] == [
        "0.0178571", "56.1", "2", "0.0000613987", "10000000",
    ]  # fmt: skip
