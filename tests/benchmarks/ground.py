"""The rows that the measures use up: one order, payment or message for each request, made beforehand."""

import json
from dataclasses import dataclass
from datetime import timedelta

from cryptography.hazmat.primitives.asymmetric import rsa
from django.core.management import call_command
from django.db import connection

from authorizations.models import Buyer, BuyerSession, WalletAccount
from authorizations.queries import session_digest
from payments.models import Order, OrderItem, Payment
from payments.states import PaymentStatus
from portal import catalogue, clock
from portal.acquirer import signing
from portal.models import AcquirerAccount, AcquirerKey
from tests.benchmarks.peer import AMOUNT

CLIENT_ID = "5YBENCHMARK0000001"
SLUG = "benchmark"
_VALUE = int(AMOUNT["value"])
_ORDERS_PER_BUYER = 12
"""A buyer may pay sixty times a minute; the measures stay below that, so that nothing is refused or switched off."""
_NOTIFICATION = {
    "notifyType": "PAYMENT_RESULT",
    "result": {"resultCode": "SUCCESS", "resultStatus": "S", "resultMessage": "success."},
    "paymentAmount": AMOUNT,
}


@dataclass(frozen=True)
class Keys:
    """Both sides' key pairs."""

    ours: rsa.RSAPrivateKey
    theirs: rsa.RSAPrivateKey


@dataclass(frozen=True)
class Payable:
    """An order to be paid, and who pays it with what."""

    number: str
    wallet_id: str
    token: str


def make_tables() -> None:
    """Bring a new database to the present schema."""
    call_command("migrate", verbosity=0)
    call_command("createcachetable", verbosity=0)


def make_account(gateway_url: str, keys: Keys) -> AcquirerAccount:
    """Our account at the stand-in."""
    account = AcquirerAccount.objects.create(
        name="Benchmark",
        slug=SLUG,
        gateway_url=gateway_url,
        client_id=CLIENT_ID,
        private_key=signing.private_pem(keys.ours),
        public_key=signing.public_pem(keys.ours.public_key()),
        settlement_currency="USD",
        app_id="3333010071465913",
    )
    catalogue.begin(account, ["GCASH"])
    AcquirerKey.objects.create(account=account, public_key=signing.public_pem(keys.theirs.public_key()))
    return account


def orders_to_pay(account: AcquirerAccount, count: int) -> list[Payable]:
    """Orders of many buyers, each with a bound wallet and an open session; a buyer's orders lie far apart."""
    at = clock.now()
    buyers = Buyer.objects.bulk_create(
        Buyer(account=account, reference=clock.fresh_id("C")) for _ in range(count // _ORDERS_PER_BUYER + 16)
    )
    tokens = [clock.fresh_id("bs_") for _ in buyers]
    BuyerSession.objects.bulk_create(
        BuyerSession(
            buyer=buyer,
            digest=session_digest(token),
            site_name="GCASH",
            opened_by="wallet login",
            expires_at=at + timedelta(hours=24),
        )
        for buyer, token in zip(buyers, tokens, strict=True)
    )
    wallets = []
    for buyer in buyers:
        wallet = WalletAccount(account=account, buyer=buyer, wallet="GCASH", login_label="63-9****31111")
        wallet.set_token(clock.fresh_id("T"))
        wallets.append(wallet)
    WalletAccount.objects.bulk_create(wallets)
    payers = list(zip(buyers, wallets, tokens, strict=True))
    chosen = [payers[number % len(payers)] for number in range(count)]
    orders = _orders(account, [buyer for buyer, _, _ in chosen])
    return [
        Payable(order.number, wallet.public_id, token) for order, (_, wallet, token) in zip(orders, chosen, strict=True)
    ]


def _orders(account: AcquirerAccount, buyers: list[Buyer]) -> list[Order]:
    orders = Order.objects.bulk_create(
        Order(
            account=account,
            number=clock.fresh_id("O"),
            buyer=buyer,
            amount_value=_VALUE,
            currency=AMOUNT["currency"],
            description="Monthly pass",
            actor_kind="BUYER",
            actor_name=buyer.reference,
        )
        for buyer in buyers
    )
    OrderItem.objects.bulk_create(
        OrderItem(order=order, sku="pass", name="Monthly pass", unit_value=_VALUE, quantity=1) for order in orders
    )
    return orders


def unknown_payments(account: AcquirerAccount, count: int, *, is_due: bool) -> list[Payment]:
    """Payments without an answer: due now, or not before the message about them comes."""
    at = clock.now()
    buyers = Buyer.objects.bulk_create(Buyer(account=account, reference=clock.fresh_id("C")) for _ in range(count))
    wallets = []
    for buyer in buyers:
        wallet = WalletAccount(account=account, buyer=buyer, wallet="GCASH")
        wallet.set_token(clock.fresh_id("T"))
        wallets.append(wallet)
    WalletAccount.objects.bulk_create(wallets)
    return Payment.objects.bulk_create(
        Payment(
            order=order,
            wallet_account=wallet,
            payment_request_id=clock.fresh_id("P"),
            status=PaymentStatus.PROCESSING,
            amount_value=_VALUE,
            currency=AMOUNT["currency"],
            token_index=wallet.access_token_index,
            terminal_type="MINI_APP",
            os_type="ANDROID",
            settlement_currency="USD",
            expires_at=at + timedelta(seconds=55),
            due_at=at if is_due else at + timedelta(hours=1),
            actor_kind="BUYER",
            actor_name="benchmark",
        )
        for order, wallet in zip(_orders(account, buyers), wallets, strict=True)
    )


def notifications(payments: list[Payment], keys: Keys, path: str) -> list[tuple[dict[str, str], bytes]]:
    """notifyPayment about each payment, signed for that path: (headers, body)."""
    made = []
    for payment in payments:
        at = clock.now()
        said = _NOTIFICATION | {
            "paymentRequestId": payment.payment_request_id,
            "paymentId": clock.fresh_id("A"),
            "paymentTime": at.isoformat(timespec="seconds"),
        }
        body = json.dumps(said, separators=(",", ":")).encode()
        sent_at = str(int(at.timestamp() * 1000))
        signature = signing.sign(keys.theirs, signing.content_to_sign("POST", path, CLIENT_ID, sent_at, body))
        headers = {
            "client-id": CLIENT_ID,
            "request-time": sent_at,
            "signature": signing.signature_header(signature),
            "content-type": "application/json; charset=UTF-8",
        }
        made.append((headers, body))
    return made


def settle_down() -> None:
    """Let the database see what was made, before anything is measured."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def database_in_words() -> str:
    """Which database this is, for the head of a table."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SHOW server_version")
            return f"PostgreSQL {cursor.fetchone()[0].split()[0]}"
        cursor.execute("SELECT sqlite_version()")
        return f"SQLite {cursor.fetchone()[0]}"
