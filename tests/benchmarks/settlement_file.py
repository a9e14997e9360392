"""A settlement details file of any size, its summary, and our side of it: payments, refunds and cancels by SQL.

Row ``n`` and payment ``n`` are functions of ``n`` alone, so ten million of them take no memory. The rows stand in the
file in an order that has nothing to do with that of our keys. Of a hundred rows ninety are payments, eight refunds and
two cancels; every fifth payment was made in PHP and is settled in USD; one row in a thousand is in dispute with our
books: by its amount, or because we do not know it.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from django.db import connection
from django.db.models import Model

from authorizations.models import Buyer, WalletAccount
from payments.models import Cancel, Order, Payment, Refund
from portal import catalogue
from portal.models import AcquirerAccount
from tests.benchmarks.million import insert

CUSTOMER_ID = "2188990000000042"
BATCH_ID = "2026051498700001"
PAID_AT = datetime(2026, 5, 12, 3, tzinfo=UTC)
_STEP = 1_618_033_999
"""A prime of another size than any file: multiples of it, modulo the rows, visit every row once in no useful order."""
_RATE = 56
"""PHP for one USD."""
_COLUMNS = (
    "settlementBatchId,customerId,PSP,ARN,referenceMerchantId,referenceStoreId,transactionId,transactionRequestId,"
    "referenceTransactionId,originalTransactionRequestId,paymentMethodType,transactionType,transactionAmountValue,"
    "transactionCurrency,quoteCurrencyPair,quotePrice,convertedTransactionAmountValue,settlementAmountValue,"
    "settlementCurrency,settlementInitiatedDate,paymentMethodFeeAmountValue,paymentMethodFeeCurrency,"
    "refundFeeAmountValue,refundFeeCurrency,disputeHandlingFee,disputeHandlingFeeCurrency"
)


def _is_postgresql() -> bool:
    return connection.vendor == "postgresql"


def _named(prefix: str, number: str) -> str:
    """SQL: an id that ends in twelve digits."""
    digits = f"lpad(({number})::text, 12, '0')" if _is_postgresql() else f"printf('%012d', {number})"
    return f"'{prefix}' || {digits}"


class Sums(NamedTuple):
    """What the summary says of one type."""

    count: int
    net: int
    fees: int


def fill(payments: int) -> AcquirerAccount:
    """Our side, written by the database itself: every payment paid on one day, each with what the file says of it."""
    i = "n.i"
    at = f"TIMESTAMPTZ '{PAID_AT.isoformat()}'" if _is_postgresql() else f"'{PAID_AT:%Y-%m-%d %H:%M:%S}'"
    insert(AcquirerAccount, 1, name="'Benchmark'", slug="'benchmark'", adapter="'ANTOM'", client_id="'BENCHMARK'",
           gateway_url="'https://gateway.invalid'", settlement_currency="'USD'",
           customer_id=f"'{CUSTOMER_ID}'")  # fmt: skip
    account = AcquirerAccount.objects.get()
    catalogue.begin(account, ["GCASH"])
    insert(Buyer, 1, account_id=str(account.pk), reference="'buyer'", created_at=at)
    insert(WalletAccount, 1, public_id="'W1'", account_id=str(account.pk), buyer_id=str(Buyer.objects.get().pk),
           wallet="'GCASH'", status="'ACTIVE'", access_token_index="'x'", bound_at=at)  # fmt: skip
    wallet = WalletAccount.objects.get()
    is_foreign, is_cancelled = f"{i} % 5 = 0", f"{i} % 100 >= 48 AND {i} % 100 < 50"
    value = f"((100 + ({i} * 37) % 5000) * CASE WHEN {is_foreign} THEN {_RATE} ELSE 1 END)"
    currency = f"CASE WHEN {is_foreign} THEN 'PHP' ELSE 'USD' END"
    status = f"CASE WHEN {is_cancelled} THEN 'CANCELLED' ELSE 'SUCCEEDED' END"
    returned = f"CASE WHEN {i} % 100 >= 40 AND {i} % 100 < 50 THEN {value} ELSE 0 END"
    insert(Order, payments, account_id=str(account.pk), number=_named("O-", i),
           buyer_id=str(wallet.buyer_id), amount_value=value, currency=currency, description="'Monthly pass'",
           status=f"CASE WHEN {is_cancelled} THEN 'CANCELLED' ELSE 'PAID' END",
           created_at=at, paid_at=at)  # fmt: skip
    insert(Payment, payments, order_id=f"{_before(Order)} + {i}",
           wallet_account_id=str(wallet.pk), status=status, amount_value=value,
           currency=currency, payment_request_id=_named("P-", i), returned_value=returned,
           payment_id=_named("20260512194010800100", i), token_index="'x'",
           terminal_type="'APP'", settlement_currency="'USD'", created_at=at, expires_at=at, paid_at=at)  # fmt: skip

    before = _before(Payment)

    def the(key: str) -> str:
        return f"({value.replace(i, key)})", f"({currency.replace(i, key)})"

    eight = f"(({i} - 1) / 8 * 100 + 40 + ({i} - 1) % 8)"
    amount, code = the(eight)
    insert(Refund, payments // 100 * 8, payment_id=f"{before} + {eight}",
           status="'SUCCEEDED'", amount_value=amount, currency=code,
           refund_request_id=_named("R-", eight), reason_code="'BUYER_REQUEST'",
           refund_id=_named("20260512194010800200", eight), created_at=at,
           refunded_at=at)  # fmt: skip
    two = f"(({i} - 1) / 2 * 100 + 48 + ({i} - 1) % 2)"
    amount, _ = the(two)
    insert(Cancel, payments // 100 * 2, payment_id=f"{before} + {two}",
           status="'CONFIRMED'", amount_value=amount,
           cancel_id=_named("C-", two), reason_code="'BUYER_REQUEST'",
           created_at=at)  # fmt: skip
    return account


def _before(model: type[Model]) -> int:
    """The key before the first one: where rows were before, keys do not begin at 1."""
    first: int = model._base_manager.order_by("pk").values_list("pk", flat=True)[0]
    return first - 1


def write(path: Path, rows: int) -> dict[str, Sums]:
    """Write the details; what their summary says. ``rows`` are whole hundreds."""
    sums = {"PAYMENT": [0, 0, 0], "REFUND": [0, 0, 0], "CANCEL": [0, 0, 0]}
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(_COLUMNS + "\n")
        for kind, net, fee, line in _lines(rows):
            kept = sums[kind]
            kept[0] += 1
            kept[1] += net
            kept[2] += fee
            file.write(line)
        file.write("<END>\n")
    return {kind: Sums(*kept) for kind, kept in sums.items()}


def write_summary(path: Path, sums: dict[str, Sums]) -> None:
    """Write the summary of the same batch."""
    head = "settlementBatchId,customerId,PSP,summaryType,settlementInitiatedDate,count,settlementAmountValue,"
    head += "settlementCurrency,paymentMethodFeeAmountValue,paymentMethodFeeCurrency"
    total = Sums(*(sum(column) for column in zip(*sums.values(), strict=True)))
    lines = [
        f"{BATCH_ID},{CUSTOMER_ID},EXAMPLE_PSP,{kind},2026-05-14,{count},{_major(net)},USD,{_major(fees)},USD"
        for kind, (count, net, fees) in {**sums, "TOTAL": total}.items()
    ]
    path.write_text("\n".join([head, *lines, "<END>", ""]), encoding="utf-8")


def _lines(rows: int) -> Iterator[tuple[str, int, int, str]]:
    start = f"{BATCH_ID},{CUSTOMER_ID},EXAMPLE_PSP,,M-01,,"
    place = 0
    for _ in range(rows):
        place = (place + _STEP) % rows
        share = place % 100
        kind = "PAYMENT" if share < 90 else "REFUND" if share < 98 else "CANCEL"
        number = place - 50 if share >= 90 else place or rows
        cents = 100 + number * 37 % 5000 + (100 if place % 1000 == 7 else 0)
        fee = -(cents * 29 // 1000) if kind == "PAYMENT" else 0
        sign = 1 if kind == "PAYMENT" else -1
        net = sign * cents + fee
        who = 10**12 - 1 - number if place % 1000 == 13 else number
        payment, order = f"P-{who:012d}", f"ORD-{who:012d}"
        own = {"PAYMENT": payment, "REFUND": f"R-{who:012d}", "CANCEL": ""}[kind]
        original = "" if kind == "PAYMENT" else payment
        if number % 5:
            gross = f"{_major(sign * cents)},USD,,,"
        else:
            gross = f"{_major(sign * cents * _RATE)},PHP,USD/PHP,{_RATE}.00,{_major(sign * cents)}"
        fees = f"{_major(fee)},USD" if fee else ","
        line = f"{start}20260512194010800100{who:012d},{own},{order},{original},GCASH,{kind},{gross},{_major(net)},USD,"
        yield kind, net, fee, f"{line}2026-05-14,{fees},,,,\n"


def _major(cents: int) -> str:
    sign = "-" if cents < 0 else ""
    return f"{sign}{abs(cents) // 100}.{abs(cents) % 100:02d}"
