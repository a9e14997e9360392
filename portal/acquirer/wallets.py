"""The wallets Auto Debit knows: their names, money, limits, and what each can undo.

Facts are from https://docs.antom.com/ac/pm/enumeration_values (table for Auto Debit), the wallets' own pages below
https://docs.antom.com/ac/antomop, the minima of https://docs.antom.com/ac/ref/cc and the cancel rules of
https://docs.antom.com/ac/tokenized/cancel. The enum value is what ``customerBelongsTo`` and ``paymentMethodType``
carry; its spelling is uneven and kept. Site names are those a mini program gets from ``my.getSiteInfo``.

A contract may differ from all of this; the acquirer's answer decides, and these facts only spare a refusal. So they
are what a new account's catalogue begins with, and no more: from then on the rows that staff keep count
(``portal.catalogue``).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from portal.money import Money, MoneyError

USUAL_REFUND_DAYS = 365
# Undocumented for wallets whose row has no refund period; we choose 365 days, because every wallet but one that has
# a period has this one, and the acquirer refuses a later refund with REFUND_WINDOW_EXCEED anyway.

USUAL_CANCEL_DAYS, USUAL_CANCEL_MINUTES = 1, 15
"""Until 00:15 of the day after, in the acquirer's day. https://docs.antom.com/ac/tokenized/cancel"""


class MethodKind(StrEnum):
    """What is debited: the balance of a wallet, or an account at a bank."""

    WALLET = "WALLET"
    BANK_DEBIT = "BANK_DEBIT"


@dataclass(frozen=True, kw_only=True)
class Wallet:
    """One payment method: as the acquirer's tables describe it, or as an account's catalogue has it."""

    code: str
    """The enum value."""
    name: str
    country: str
    """ISO 3166: where its buyers are; empty where nobody said."""
    currency: str
    """The one currency it debits; empty where nobody said, and then no amount is held against anything."""
    kind: MethodKind | None = MethodKind.WALLET
    """None where nobody said."""
    minimum: Money | None = None
    """The smallest payment; None where no table names one."""
    refund_minimum: Money | None = None
    """The smallest refund, for the wallets of the amount rules, whose minimum is for payment and refund alike."""
    maximum: Money | None = None
    """The largest single payment; None where only limits per period, or none, are named."""
    limits: str = ""
    """Limits per period, in words: they depend on the buyer's other payments."""
    refund_days: int = USUAL_REFUND_DAYS
    """Counted from ``paymentTime``."""
    refund_days_documented: bool = True
    refunds_in_part: bool = True
    # "Yes" or silence in every row. Undocumented where silent; we choose yes, because the acquirer answers
    # PARTIAL_REFUND_NOT_SUPPORTED where it is not so, and nothing has moved then.
    refunds_in_part_documented: bool = True
    cancellable_when_paid: bool = True
    cancel_days: int = USUAL_CANCEL_DAYS
    """Days of the acquirer after that of the payment, and …"""
    cancel_minutes: int = USUAL_CANCEL_MINUTES
    """… minutes past that day's midnight, until which what is paid may be cancelled."""
    terminals: frozenset[str] = frozenset()
    """The terminals it serves; empty where nobody said, and then the acquirer decides."""
    refreshes: bool = True
    """Whether its token can be refreshed at all; whether this one can is said by the refresh token being there."""
    site_name: str = ""
    """What ``my.getSiteInfo`` calls it; empty where no mini program container is known."""
    is_listed: bool = True
    """False for values that only the published SDKs name; they are absent from the Auto Debit table."""

    def check(self, amount: Money) -> None:
        """Raise MoneyError when the acquirer would refuse a payment of this amount: currency, least, most."""
        self._check_currency(amount)
        if self.minimum is not None and amount < self.minimum:
            raise MoneyError(f"{self.name} takes payments of at least {self.minimum}.")
        if self.maximum is not None and amount > self.maximum:
            raise MoneyError(f"{self.name} takes payments of at most {self.maximum}.")

    def check_refund(self, amount: Money, *, of: Money) -> None:
        """Raise MoneyError when the acquirer would refuse to give back this much of a payment ``of``."""
        self._check_currency(amount)
        if amount > of:
            raise MoneyError(f"The payment was of {of}.")
        if amount < of and not self.refunds_in_part:
            raise MoneyError(f"{self.name} gives back the whole amount only: {of}.")
        if self.refund_minimum is not None and amount < min(self.refund_minimum, of):
            raise MoneyError(f"{self.name} gives back at least {self.refund_minimum}.")

    def takes(self, currency: str) -> bool:
        """Whether it may be debited in that currency, as far as anybody said."""
        return self.currency in ("", currency)

    def serves(self, terminal: str) -> bool:
        """Whether a buyer at that terminal may use it, as far as anybody said."""
        return not self.terminals or terminal in self.terminals

    def _check_currency(self, amount: Money) -> None:
        amount.payable()
        if not self.takes(amount.currency):
            raise MoneyError(f"{self.name} is in {self.currency}, not in {amount.currency}.")


def _amount(value: int | None, currency: str) -> Money | None:
    return None if value is None else Money(value, currency)


def _wallet(
    code: str,
    name: str,
    country: str,
    currency: str,
    *,
    least: int | None = None,
    refund_least: int | None = None,
    most: int | None = None,
    days: int | None = None,
    bank: bool = False,
    limits: str = "",
    site: str = "",
    cancellable: bool = True,
    refreshes: bool = True,
    listed: bool = True,
) -> Wallet:
    return Wallet(
        code=code,
        name=name,
        country=country,
        currency=currency,
        kind=MethodKind.BANK_DEBIT if bank else MethodKind.WALLET,
        minimum=_amount(least, currency),
        refund_minimum=_amount(refund_least, currency),
        maximum=_amount(most, currency),
        limits=limits,
        refund_days=days or USUAL_REFUND_DAYS,
        refund_days_documented=days is not None,
        refunds_in_part_documented=days is not None,  # the table has both, or neither
        cancellable_when_paid=cancellable,
        refreshes=refreshes,
        site_name=site,
        is_listed=listed,
    )


# fmt: off
_ALL: tuple[Wallet, ...] = (
    # Amounts in minor units.
    _wallet("ALIPAY_CN", "Alipay", "CN", "CNY", least=10, most=300_000_00, days=365, site="ALIPAY_CN",
            limits="3,000,000 CNY per person and year"),
    _wallet("ALIPAY_HK", "AlipayHK", "HK", "HKD", least=1, refund_least=1, most=50_000_00, days=365, site="ALIPAY_HK",
            limits="200,000 HKD per year"),
    _wallet("DANA", "DANA", "ID", "IDR", least=300_00, refund_least=300_00, site="DANA"),
    _wallet("PAYPAY", "PayPay", "JP", "JPY", least=1, days=365,
            limits="500,000 JPY per 24 hours; 2,000,000 JPY per 30 days"),
    _wallet("BOOST", "Boost", "MY", "MYR", least=5, days=365, limits="50,000 MYR per month"),
    _wallet("TNG", "Touch'n Go eWallet", "MY", "MYR", least=5, refund_least=5, site="TNG"),
    _wallet("GRABPAY_MY", "GrabPay", "MY", "MYR", least=1, most=1_500_00, days=365),
    _wallet("GRABPAY_PH", "GrabPay", "PH", "PHP", least=10_00, most=50_000_00, days=365),
    _wallet("GRABPAY_SG", "GrabPay", "SG", "SGD", least=1, most=5_000_00, days=365),
    _wallet("EASYPAISA", "Easypaisa", "PK", "PKR", site="EASYPAISA"),
    _wallet("GCASH", "GCash", "PH", "PHP", least=1_00, refund_least=1_00, days=365, site="GCASH",
            limits="100,000 PHP per day"),
    _wallet("MAYA", "Maya", "PH", "PHP"),
    _wallet("KAKAOPAY", "Kakao Pay", "KR", "KRW", least=50, refund_least=50, site="KAKAOPAY"),
    _wallet("NAVERPAY", "Naver Pay", "KR", "KRW"),
    _wallet("TOSSPAY", "Toss Pay", "KR", "KRW"),
    _wallet("RABBIT_LINE_PAY", "Rabbit LINE Pay", "TH", "THB", least=1, most=50_000_00, days=365),
    _wallet("TRUEMONEY", "TrueMoney Wallet", "TH", "THB", least=1_00, refund_least=1_00, most=30_000_00, days=365,
            site="TRUEMONEY", limits="50,000 THB per day"),
    _wallet("KPLUS", "K PLUS", "TH", "THB", least=1_00, most=2_000_000_00, days=365),
    # "Thailand-based online banking": a paid payment cannot be cancelled.
    _wallet("DIRECT_DEBIT_SIAMCOMMERCIALBANK", "SCB direct debit", "TH", "THB", bank=True, cancellable=False),
    _wallet("DIRECT_DEBIT_KRUNGTHAIBANK", "Krungthai direct debit", "TH", "THB", bank=True, cancellable=False),
    _wallet("ZALOPAY", "ZaloPay", "VN", "VND", least=1_000, most=10_000_000, days=180, refreshes=False,
            limits="20,000,000 VND per day; 100,000,000 VND per month"),
    _wallet("DIRECTDEBIT_YAPILY", "Pay by bank", "GB", "GBP", bank=True),
    # Undocumented, countries and currencies of these: the published SDKs name the value and nothing else (JKOPay's
    # minimum stands in the amount rules). We choose the wallet's home and its currency, because it has no other.
    _wallet("MPAY", "MPay", "MO", "MOP", site="ALIPAY_MO", listed=False),
    _wallet("BKASH", "bKash", "BD", "BDT", site="BKASH", listed=False),
    _wallet("JKOPAY", "JKOPay", "TW", "TWD", least=1_00, refund_least=1_00, listed=False),
    _wallet("MOMO", "MoMo", "VN", "VND", listed=False),
    _wallet("VIETTELMONEY", "Viettel Money", "VN", "VND", listed=False),
    _wallet("HIPAY", "Hipay", "MN", "MNT", listed=False),
    _wallet("ACH_DIRECT_DEBIT", "ACH direct debit", "US", "USD", bank=True, listed=False),
    # ANTOM_BIZ_ACCOUNT is in the SDKs' list too, but is no buyer's wallet: no country, no one currency.
)
# fmt: on

WALLETS: Mapping[str, Wallet] = {wallet.code: wallet for wallet in _ALL}
"""By enum value, in the order of the acquirer's table."""

_BY_SITE: Mapping[str, Wallet] = {wallet.site_name: wallet for wallet in _ALL if wallet.site_name}


def wallet_facts(code: str) -> Wallet | None:
    """The facts of an enum value, or None for a value that is in no table: such a wallet may still work."""
    return WALLETS.get(code)


def by_site(site_name: str) -> Wallet | None:
    """The wallet whose super app ``my.getSiteInfo`` named, or None.

    Undocumented for ``ALIPAY_MO``; we choose MPAY, because it is Macau's wallet in the acquirer's list of values.
    """
    return _BY_SITE.get(site_name)


def name_of(code: str) -> str:
    """The wallet's name for people; the value itself where we know no name."""
    found = WALLETS.get(code)
    return found.name if found else code


def currency_of(code: str) -> str:
    """The currency the wallet debits; empty where we do not know."""
    found = WALLETS.get(code)
    return found.currency if found else ""
