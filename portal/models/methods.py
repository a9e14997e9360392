"""The payment methods of an account: what its contract lets us offer, and what each can and cannot do."""

from collections.abc import Iterable
from itertools import combinations
from typing import Any

from django.db import models
from django.db.models import F, Q

from portal import clock
from portal.acquirer import TerminalType
from portal.acquirer.wallets import (
    USUAL_CANCEL_DAYS,
    USUAL_CANCEL_MINUTES,
    USUAL_REFUND_DAYS,
    WALLETS,
    MethodKind,
    Wallet,
    name_of,
    wallet_facts,
)
from portal.models.accounts import AcquirerAccount
from portal.money import EXPONENTS, Money

TERMINALS = tuple(TerminalType)
"""In the order in which a row names them."""
LAST_MINUTE = 24 * 60 - 1
MOST_DAYS = 3650
"""Of a window; a longer one is a slip of the pen."""
FACTS = (
    "code",
    "is_contracted",
    "kind",
    "country",
    "currency",
    "minimum_value",
    "maximum_value",
    "refund_minimum_value",
    "limits",
    "refund_days",
    "refunds_in_part",
    "cancellable_when_paid",
    "cancel_days",
    "cancel_minutes",
    "terminals",
    "logo_url",
)
"""What a row says of its method."""


def words_of(terminals: Iterable[str]) -> str:
    """Terminals as a row holds them: in one order, with a blank between."""
    named = set(terminals)
    return " ".join(kind.value for kind in TERMINALS if kind in named)


def _every_choice() -> list[str]:
    sizes = range(len(TERMINALS) + 1)
    return [words_of(chosen) for size in sizes for chosen in combinations(TERMINALS, size)]


def _unless_empty(name: str, condition: Q) -> Q:
    return Q(**{f"{name}__isnull": True}) | condition


class PaymentMethod(models.Model):
    """One payment method of one account, as staff keep it.

    The row counts, and the table of ``portal.acquirer.wallets`` is only what a new one begins with. What nobody has
    said is empty: no amount is held against a limit that is not known, and the acquirer decides.
    """

    class Kind(models.TextChoices):
        """What is debited."""

        WALLET = MethodKind.WALLET.value, "Wallet"
        BANK_DEBIT = MethodKind.BANK_DEBIT.value, "Bank debit"

    account = models.ForeignKey(AcquirerAccount, models.CASCADE, related_name="methods")
    code = models.CharField(max_length=64)
    """The acquirer's value: ``customerBelongsTo`` and ``paymentMethodType``."""
    is_contracted = models.BooleanField(default=False)
    """Whether the contract has it. Only what is contracted is offered, bound and debited."""
    kind = models.CharField(max_length=16, choices=Kind.choices, blank=True)
    country = models.CharField(max_length=2, blank=True)
    currency = models.CharField(max_length=3, blank=True)
    minimum_value = models.BigIntegerField(null=True, blank=True)
    maximum_value = models.BigIntegerField(null=True, blank=True)
    refund_minimum_value = models.BigIntegerField(null=True, blank=True)
    limits = models.CharField(max_length=200, blank=True)
    """Limits per period, in words: they depend on what else the buyer pays, so nothing is held against them."""
    refund_days = models.PositiveSmallIntegerField(null=True, blank=True)
    """Counted from ``paymentTime``."""
    refunds_in_part = models.BooleanField(null=True, blank=True)
    cancellable_when_paid = models.BooleanField(default=True)
    cancel_days = models.PositiveSmallIntegerField(default=USUAL_CANCEL_DAYS)
    """Until so many days of the acquirer after the payment's, and …"""
    cancel_minutes = models.PositiveSmallIntegerField(default=USUAL_CANCEL_MINUTES)
    """… so many minutes past that day's midnight, what is paid may be cancelled."""
    terminals = models.CharField(max_length=24, blank=True)
    """Those it serves, with a blank between."""
    logo_url = models.URLField(max_length=500, blank=True)
    changed_at = models.DateTimeField(default=clock.now, editable=False)
    changed_by = models.CharField(max_length=150, blank=True, editable=False)
    """Empty: nobody has changed what the row began with."""

    class Meta:
        ordering = ("account_id", "pk")
        permissions = [("act_payment_method", "Can change the payment methods of accounts")]
        constraints = [
            models.UniqueConstraint(fields=("account", "code"), name="method_once_per_account"),
            models.CheckConstraint(condition=~Q(code=""), name="method_has_code"),
            models.CheckConstraint(
                condition=Q(kind__in=["", *(kind.value for kind in MethodKind)]), name="method_kind_known"
            ),
            models.CheckConstraint(condition=Q(currency__in=["", *sorted(EXPONENTS)]), name="method_currency_known"),
            models.CheckConstraint(
                condition=~Q(currency="")
                | Q(minimum_value__isnull=True, maximum_value__isnull=True, refund_minimum_value__isnull=True),
                name="method_amount_has_currency",
            ),
            models.CheckConstraint(
                condition=_unless_empty("minimum_value", Q(minimum_value__gt=0)), name="method_minimum_positive"
            ),
            models.CheckConstraint(
                condition=_unless_empty("maximum_value", Q(maximum_value__gt=0)), name="method_maximum_positive"
            ),
            models.CheckConstraint(
                condition=_unless_empty("refund_minimum_value", Q(refund_minimum_value__gt=0)),
                name="method_refund_minimum_positive",
            ),
            models.CheckConstraint(
                condition=_unless_empty(
                    "maximum_value", _unless_empty("minimum_value", Q(minimum_value__lte=F("maximum_value")))
                ),
                name="method_minimum_up_to_maximum",
            ),
            models.CheckConstraint(
                condition=_unless_empty("refund_days", Q(refund_days__gte=0, refund_days__lte=MOST_DAYS)),
                name="method_refund_days_possible",
            ),
            models.CheckConstraint(
                condition=Q(cancel_days__gte=0, cancel_days__lte=MOST_DAYS), name="method_cancel_days_possible"
            ),
            models.CheckConstraint(
                condition=Q(cancel_minutes__gte=0, cancel_minutes__lte=LAST_MINUTE),
                name="method_cancel_minutes_possible",
            ),
            models.CheckConstraint(condition=Q(terminals__in=_every_choice()), name="method_terminals_known"),
        ]

    def __str__(self) -> str:
        return f"{self.name} of {self.account}"

    @property
    def name(self) -> str:
        """For people."""
        return name_of(self.code)

    def money(self, value: int | None) -> Money | None:
        """One of its amounts."""
        return None if value is None or not self.currency else Money(value, self.currency)

    @property
    def served(self) -> frozenset[str]:
        """The terminals it serves; empty where nobody said."""
        return frozenset(self.terminals.split())

    def facts(self) -> Wallet:
        """The row as the gateway's arithmetic knows a method; what nobody has said is filled in as documented there."""
        known = wallet_facts(self.code)
        return Wallet(
            code=self.code,
            name=self.name,
            country=self.country,
            currency=self.currency,
            kind=MethodKind(self.kind) if self.kind else None,
            minimum=self.money(self.minimum_value),
            refund_minimum=self.money(self.refund_minimum_value),
            maximum=self.money(self.maximum_value),
            limits=self.limits,
            refund_days=USUAL_REFUND_DAYS if self.refund_days is None else self.refund_days,
            refund_days_documented=self.refund_days is not None,
            refunds_in_part=self.refunds_in_part is None or bool(self.refunds_in_part),
            refunds_in_part_documented=self.refunds_in_part is not None,
            cancellable_when_paid=bool(self.cancellable_when_paid),
            cancel_days=self.cancel_days,
            cancel_minutes=self.cancel_minutes,
            terminals=self.served,
            refreshes=known.refreshes if known else True,
            site_name=known.site_name if known else "",
            is_listed=known.is_listed if known else False,
        )


def begins_with(code: str) -> dict[str, Any]:
    """What a method's row begins with: the acquirer's table, and nothing where that is silent.

    Of a value that only the SDKs name, no page tells the country, and the currency only where the amount rules do.
    """
    known = wallet_facts(code)
    if known is None:
        return {"code": code}
    amounts = {
        "minimum_value": known.minimum,
        "maximum_value": known.maximum,
        "refund_minimum_value": known.refund_minimum,
    }
    is_said = known.is_listed or any(amounts.values())
    return {
        "code": code,
        "kind": str(known.kind) if known.is_listed and known.kind else "",
        "country": known.country if known.is_listed else "",
        "currency": known.currency if is_said else "",
        **{name: amount.value if amount else None for name, amount in amounts.items()},
        "limits": known.limits,
        "refund_days": known.refund_days if known.refund_days_documented else None,
        "refunds_in_part": known.refunds_in_part if known.refunds_in_part_documented else None,
        "cancellable_when_paid": known.cancellable_when_paid,
        "cancel_days": known.cancel_days,
        "cancel_minutes": known.cancel_minutes,
    }


def first_rows(contracted: Iterable[str]) -> list[dict[str, Any]]:
    """The catalogue a new account begins with: what is contracted first, in the order given, then all others known."""
    named = list(dict.fromkeys(contracted))
    others = [code for code in WALLETS if code not in set(named)]
    rows = [{**begins_with(code), "is_contracted": True} for code in named]
    return rows + [{**begins_with(code), "is_contracted": False} for code in others]
