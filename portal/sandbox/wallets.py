"""The wallets, and the people who hold accounts in them.

The properties are those of the payment method table for Auto Debit (https://docs.antom.com/ac/pm/enumeration_values);
lifetimes of tokens are those of the samples on the applyToken page. Fee rates are invented: they are in each
merchant's contract.
"""

import functools
import sqlite3
from dataclasses import dataclass
from decimal import Decimal

from portal.money import Money
from portal.sandbox import ledger
from portal.sandbox.context import Context

_YEAR = 365
_FAR_AWAY_DAYS = 100 * _YEAR
# No lifetime is published for most wallets; we choose one year and a year and a half, because a refresh 10 days
# before the end can then be shown.
_ACCESS_DAYS = _YEAR
_REFRESH_DAYS = 548

ACCOUNT_STATUSES = {
    "ACTIVE": "",
    "FROZEN": "USER_STATUS_ABNORMAL",
    "GONE": "USER_NOT_EXIST",
    "UNIDENTIFIED": "USER_KYC_NOT_QUALIFIED",
    "RESTRICTED": "USER_PAYMENT_VERIFICATION_FAILED",
}
"""An account's status, and what pay answers because of it."""


@dataclass(frozen=True)
class Limit:
    """No more than ``value`` in any ``days`` days; the pages do not say which day counts, so the window rolls."""

    days: int
    value: int


@dataclass(frozen=True)
class Wallet:
    """One payment method of Auto Debit. Values are in minor units of its currency."""

    name: str
    title: str
    region: str
    currency: str
    fee_rate: Decimal
    minimum: int = 1
    maximum: int | None = None
    limits: tuple[Limit, ...] = ()
    # Where the table has "–" the period is not published; we choose 365 days, because most of the others have it.
    refund_days: int = 365
    access_days: int = _ACCESS_DAYS
    refresh_days: int | None = _REFRESH_DAYS
    tells_revocation: bool = False
    cancels_when_paid: bool = True
    opens_app: bool = False
    one_token: bool = False
    refunds_later: bool = False
    connects: bool = True
    """Whether Alipay+ connects it: the bank debits are Antom's alone."""


def _wallet(name: str, title: str, region: str, currency: str, rate: str, **properties: object) -> Wallet:
    return Wallet(name, title, region, currency, Decimal(rate), **properties)  # type: ignore[arg-type]


# Paid online banking in Thailand cannot be cancelled (https://docs.antom.com/ac/tokenized/cancel). The page names no
# methods; we choose the two direct debits, because they are the banks among the Auto Debit methods.
_THAI_BANK: dict[str, object] = {"cancels_when_paid": False, "refunds_later": True, "connects": False}
_GRAB: dict[str, object] = {"minimum": 1}
WALLETS: dict[str, Wallet] = {
    wallet.name: wallet
    for wallet in (
        _wallet("ALIPAY_CN", "Alipay", "CN", "CNY", "0.022", minimum=10, maximum=300_000_00,
                limits=(Limit(365, 3_000_000_00),), tells_revocation=True),
        _wallet("ALIPAY_HK", "AlipayHK", "HK", "HKD", "0.024", maximum=50_000_00, limits=(Limit(365, 200_000_00),),
                tells_revocation=True, opens_app=True, access_days=12 * _YEAR, refresh_days=12 * _YEAR),
        _wallet("DANA", "DANA", "ID", "IDR", "0.026", minimum=300_00, opens_app=True, one_token=True,
                access_days=10 * _YEAR, refresh_days=10 * _YEAR),
        _wallet("PAYPAY", "PayPay", "JP", "JPY", "0.029", maximum=500_000,
                limits=(Limit(1, 500_000), Limit(30, 2_000_000))),
        _wallet("BOOST", "Boost", "MY", "MYR", "0.025", minimum=5, limits=(Limit(30, 50_000_00),),
                tells_revocation=True),
        _wallet("TNG", "Touch'n Go eWallet", "MY", "MYR", "0.025", minimum=5, tells_revocation=True,
                access_days=2 * _YEAR, refresh_days=913),
        _wallet("GRABPAY_MY", "GrabPay Malaysia", "MY", "MYR", "0.028", maximum=1_500_00, **_GRAB),
        _wallet("GRABPAY_PH", "GrabPay Philippines", "PH", "PHP", "0.028", minimum=10_00, maximum=50_000_00),
        _wallet("GRABPAY_SG", "GrabPay Singapore", "SG", "SGD", "0.028", maximum=5_000_00, **_GRAB),
        _wallet("EASYPAISA", "Easypaisa", "PK", "PKR", "0.030"),
        _wallet("GCASH", "GCash", "PH", "PHP", "0.024", minimum=1_00, limits=(Limit(1, 100_000_00),),
                access_days=2 * _YEAR, refresh_days=2 * _YEAR),
        _wallet("MAYA", "Maya", "PH", "PHP", "0.026"),
        _wallet("KAKAOPAY", "Kakao Pay", "KR", "KRW", "0.032", minimum=50, access_days=_FAR_AWAY_DAYS,
                refresh_days=None, one_token=True),
        _wallet("NAVERPAY", "Naver Pay", "KR", "KRW", "0.031"),
        _wallet("TOSSPAY", "Toss Pay", "KR", "KRW", "0.031"),
        _wallet("RABBIT_LINE_PAY", "Rabbit LINE Pay", "TH", "THB", "0.027", maximum=50_000_00),
        _wallet("TRUEMONEY", "TrueMoney Wallet", "TH", "THB", "0.027", minimum=1_00, maximum=30_000_00,
                limits=(Limit(1, 50_000_00),), tells_revocation=True, access_days=2 * _YEAR, refresh_days=913),
        _wallet("KPLUS", "K PLUS", "TH", "THB", "0.024", minimum=1_00, maximum=2_000_000_00),
        _wallet("DIRECT_DEBIT_SIAMCOMMERCIALBANK", "SCB direct debit", "TH", "THB", "0.025", **_THAI_BANK),
        _wallet("DIRECT_DEBIT_KRUNGTHAIBANK", "Krungthai direct debit", "TH", "THB", "0.025", **_THAI_BANK),
        _wallet("ZALOPAY", "ZaloPay", "VN", "VND", "0.028", minimum=1_000, maximum=10_000_000, refund_days=180,
                limits=(Limit(1, 20_000_000), Limit(30, 100_000_000)), access_days=_FAR_AWAY_DAYS, refresh_days=None),
        _wallet("DIRECTDEBIT_YAPILY", "Pay by bank", "GB", "GBP", "0.024", refunds_later=True, connects=False),
    )
}  # fmt: skip

# Names and balances of the people a new sandbox knows; all invented.
_PEOPLE: tuple[tuple[str, str, tuple[tuple[str, int], ...]], ...] = (
    ("ana", "Ana Reyes", (("GCASH", 25_000_00), ("MAYA", 8_000_00), ("GRABPAY_PH", 5_000_00))),
    ("budi", "Budi Santoso", (("DANA", 12_500_000_00),)),
    ("farah", "Farah Aziz", (("TNG", 3_200_00), ("BOOST", 900_00))),
    ("jisoo", "Jisoo Kim", (("KAKAOPAY", 850_000), ("NAVERPAY", 400_000))),
    (
        "somchai",
        "Somchai Srisuk",
        (("TRUEMONEY", 18_000_00), ("DIRECT_DEBIT_SIAMCOMMERCIALBANK", 60_000_00), ("KPLUS", 9_000_00)),
    ),
    ("meiling", "Meiling Chan", (("ALIPAY_HK", 14_000_00), ("ALIPAY_CN", 20_000_00))),
    ("yuki", "Yuki Tanaka", (("PAYPAY", 180_000),)),
    ("paolo", "Paolo Cruz", (("GCASH", 12_50), ("TNG", 1_00))),
)


class UnknownUser(LookupError):
    """No such person, or no account in that wallet; the sentence says which."""


def wallet_named(name: str) -> Wallet | None:
    """The wallet of that enumeration value, or None."""
    return WALLETS.get(name)


def seed_people(context: Context) -> None:
    """Open the accounts a new sandbox starts with."""
    for user_id, name, accounts in _PEOPLE:
        add_user(context, user_id, name)
        for wallet, value in accounts:
            open_account(context, user_id, wallet, value)


def add_user(context: Context, user_id: str, name: str) -> None:
    """Let a person exist, or rename one."""
    context.store.run(
        "INSERT INTO users (id, name) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET name = excluded.name",
        (user_id, name),
    )


def open_account(context: Context, user_id: str, wallet_name: str, value: int) -> None:
    """Give a person an account in a wallet, filled from outside."""
    wallet = WALLETS[wallet_name]
    number = 1_000_001 + context.store.value("SELECT COUNT(*) FROM accounts")
    context.store.insert(
        "accounts",
        user_id=user_id,
        wallet=wallet_name,
        currency=wallet.currency,
        login_id=f"{user_id}{number}@example.com",
        customer_id=f"21701{number:012d}0",
        balance=0,
    )
    move_balance(context, user_id, wallet_name, value, kind="TOP_UP")


def move_balance(context: Context, user_id: str, wallet_name: str, value: int, *, kind: str) -> None:
    """Fill (or empty, if negative) an account from outside, with its entry in the ledger."""
    if not value:
        return
    currency = WALLETS[wallet_name].currency
    context.store.run(
        "UPDATE accounts SET balance = balance + ? WHERE user_id = ? AND wallet = ?", (value, user_id, wallet_name)
    )
    ledger.post(
        context,
        kind,
        user_id,
        ((ledger.user_account(wallet_name, user_id), currency, value), (ledger.OUTSIDE, currency, -value)),
    )


def set_balance(context: Context, user_id: str, wallet_name: str, value: int) -> None:
    """Make an account hold exactly ``value``, opening it if need be. Raises UnknownUser."""
    if wallet_name not in WALLETS:
        raise UnknownUser(f"There is no wallet {wallet_name!r}.")
    if context.store.one("SELECT 1 FROM users WHERE id = ?", (user_id,)) is None:
        raise UnknownUser(f"There is no user {user_id!r}.")
    held = context.store.value("SELECT balance FROM accounts WHERE user_id = ? AND wallet = ?", (user_id, wallet_name))
    if held is None:
        open_account(context, user_id, wallet_name, value)
    else:
        move_balance(context, user_id, wallet_name, value - held, kind="BALANCE_SET")


def account_of(context: Context, user_id: str, wallet_name: str) -> sqlite3.Row:
    """A person's account, with the person's name. Raises UnknownUser."""
    row = context.store.one(
        "SELECT accounts.*, users.name FROM accounts JOIN users ON users.id = accounts.user_id "
        "WHERE user_id = ? AND wallet = ?",
        (user_id, wallet_name),
    )
    if row is None:
        raise UnknownUser(f"There is no user {user_id!r} in the wallet {wallet_name!r}.")
    return row


def over_a_limit(context: Context, wallet: Wallet, user_id: str, value: int) -> bool:
    """Whether one more payment would pass one of the wallet's limits per period."""
    now = context.now()
    return any(
        value + _paid_since(context, wallet.name, user_id, now - limit.days * 86_400_000) > limit.value
        for limit in wallet.limits
    )


def _paid_since(context: Context, wallet_name: str, user_id: str, since: int) -> int:
    total: int = context.store.value(
        "SELECT COALESCE(SUM(value), 0) FROM payments "
        "WHERE user_id = ? AND wallet = ? AND paid_at > ? AND status = 'SUCCESS'",
        (user_id, wallet_name, since),
    )
    return total


@functools.lru_cache(maxsize=1024)
def masked_login(login_id: str) -> str:
    """A wallet login as the acquirer shows it: ``ana***@example.com``."""
    name, _, rest = login_id.partition("@")
    return f"{name[:3]}***@{rest}" if rest else f"{name[:2]}****{name[-4:]}"


def balance(context: Context, user_id: str, wallet_name: str) -> Money:
    """What a person's account holds."""
    account = account_of(context, user_id, wallet_name)
    return Money(account["balance"], account["currency"])
