"""At which rates a batch was exchanged, beside those of the batches before it. Reads only.

What one payment was promised and what it was settled at is compared row by row (``Reason.FX_DIFFERS``). Where nothing
was promised, as with post-quote, only the run of rates tells that one is out of line: so a batch is held against what
was settled before, currency by currency. Refunds are left out, since theirs is the rate of another day.
Source: https://docs.antom.com/ac/reconcile/rules
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from django.db.models import F, Sum

from portal.money import exponent
from reconciliation.models import Batch, SettlementRow
from reconciliation.row_types import ROW_TYPES, Treatment

BATCHES_BEFORE = 3
# Undocumented, how far a rate may move; we choose 1 %, because from one settlement to the next a wallet's currency
# seldom moves further, and it is shown, never decided on.
DRIFT = Fraction(1, 100)
_PAID = [name for name, known in ROW_TYPES.items() if known.treatment is Treatment.PAYMENT]


@dataclass(frozen=True)
class Rate:
    """What one unit of a payment currency brought in the settlement currency."""

    currency: str
    settled_in: str
    rate: Fraction
    usual: Fraction | None
    """Of the batches before; None where none of them had this currency."""

    @property
    def drift(self) -> Fraction | None:
        """By which share it differs from the usual one; negative: less was settled."""
        return None if not self.usual else self.rate / self.usual - 1

    @property
    def is_out_of_line(self) -> bool:
        """Whether somebody should look."""
        return self.drift is not None and abs(self.drift) > DRIFT


def rates_of(batch: Batch) -> list[Rate]:
    """The rates of a batch, by payment currency. Two queries, one where nothing was exchanged."""
    here = _sums([batch.pk], batch.currency)
    if not here:
        return []
    earlier = Batch.objects.filter(
        account=batch.account_id, currency=batch.currency, details__isnull=False, initiated_on__lte=batch.initiated_on
    ).exclude(pk__gte=batch.pk, initiated_on=batch.initiated_on)
    before = _sums(list(earlier.values_list("pk", flat=True)[:BATCHES_BEFORE]), batch.currency)
    return [Rate(currency, batch.currency, rate, before.get(currency)) for currency, rate in sorted(here.items())]


def _sums(batches: Iterable[int], settled_in: str) -> dict[str, Fraction]:
    rows = SettlementRow.objects.filter(
        batch__in=list(batches),
        transaction_type__in=_PAID,
        transaction_value__gt=0,
        gross_value__gt=0,
        settlement_currency=settled_in,
    ).exclude(transaction_currency=F("settlement_currency"))
    found = rows.order_by().values_list("transaction_currency").annotate(Sum("gross_value"), Sum("transaction_value"))
    return {
        currency: Fraction(gross, 10 ** exponent(settled_in)) / Fraction(value, 10 ** exponent(currency))
        for currency, gross, value in found
    }


def in_words(rate: Fraction) -> str:
    """Six digits that tell: ``0.0178571``, ``56.1``; nobody in finance reads ``6.13986e-05``."""
    return f"{Decimal(f'{float(rate):.6g}'):f}"
