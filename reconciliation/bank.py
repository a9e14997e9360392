"""The last step of a batch's proof: what the acquirer pays arrives on our bank account. Reads only.

What a batch pays is TOTAL of its summary, and until that is here the net of its details. Bank credits account for it,
and differences that a person has named; the rest is open, and a batch ties out when nothing of it is.

A credit is taken for the payment of a batch where exactly one batch can be meant, from both sides: it is the only one
of its account and currency that pays the amount to the unit, has no credit yet, and is named in the bank's text or was
initiated shortly before the value date; and no other credit could as well be its payment. A text that names another
batch is believed. Everything else is proposed, and a person confirms it.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db.models import BigIntegerField, F, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from portal.models import AcquirerAccount
from portal.money import Money
from reconciliation.models import BankCredit, BankDifference, Batch, CreditStatus, MatchBasis, SummaryRow
from reconciliation.row_types import TOTAL

# Undocumented, how long a transfer takes; we choose a week, because a weekend and a public holiday at each end fit in
# it, and one day before, because the acquirer's day begins earlier than that of a bank to the west of it.
ARRIVES_WITHIN = timedelta(days=7)
DAY_AHEAD = timedelta(days=1)

_NAMES_FROM = 6
"""So many characters an id has at least to count as named: shorter ones stand in any text by chance."""
_PROPOSED_AT_MOST = 10
_LOOKED_AT = 100
_PER_QUERY = 500
_WORD = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]*")


@dataclass(frozen=True)
class Standing:
    """What of a batch's payment is accounted for: *pays = credited + explained + open*. Money in its currency."""

    pays: Money
    credited: Money
    explained: Money

    @property
    def open(self) -> Money:
        """What neither a credit nor a named cause accounts for; negative where the bank credited more."""
        return self.pays - self.credited - self.explained

    @property
    def ties_out(self) -> bool:
        """Whether nothing is open."""
        return self.open.value == 0


def with_standing(batches: QuerySet[Batch]) -> QuerySet[Batch]:
    """The batches with what each pays, and what accounts for it: ``pays``, ``credited``, ``named``, minor units."""
    total = SummaryRow.objects.filter(batch=OuterRef("pk"), file=OuterRef("summary"), summary_type=TOTAL)
    return batches.annotate(
        pays=Coalesce(Subquery(total.order_by().values("settlement_value")[:1]), F("net_value")),
        credited=_sum_of(BankCredit.objects.filter(batch=OuterRef("pk"))),
        named=_sum_of(BankDifference.objects.filter(batch=OuterRef("pk"))),
    )


def _sum_of(rows: "QuerySet[Any]") -> Coalesce:
    summed = rows.order_by().values("batch").annotate(sum=Sum("value")).values("sum")
    return Coalesce(Subquery(summed, output_field=BigIntegerField()), 0)


OPEN_AT_BANK = Q(pays__isnull=False) & ~Q(pays=F("credited") + F("named"))
"""Of batches with their standing: something of what they pay is open."""


def standing_of(batch: Batch) -> Standing | None:
    """How a batch stands; None while it is not known what it pays. Of an annotated batch without a query."""
    if not hasattr(batch, "pays"):
        batch = with_standing(Batch.objects.filter(pk=batch.pk)).get()
    held: Any = batch
    if held.pays is None:
        return None
    return Standing(*(Money(value, batch.currency) for value in (held.pays, held.credited, held.named)))


def open_of(batch: Batch) -> Money:
    """What is open of a batch that pays something."""
    standing = standing_of(batch)
    return Money(0, batch.currency) if standing is None else standing.open


def counting(account: AcquirerAccount) -> QuerySet[Batch]:
    """The batches of an account that a file speaks of, with their standing."""
    return with_standing(Batch.objects.filter(account=account).exclude(details=None, summary=None))


def is_in_time(batch: Batch, day: date) -> bool:
    """Whether a credit of that value date can be its payment."""
    return batch.initiated_on - DAY_AHEAD <= day <= batch.initiated_on + ARRIVES_WITHIN


def is_named(batch: Batch, credit: BankCredit) -> bool:
    """Whether the bank's text or reference holds the batch's id, as a word of its own."""
    if len(batch.batch_id) < _NAMES_FROM:
        return False
    word = rf"(?<![0-9A-Za-z]){re.escape(batch.batch_id)}(?![0-9A-Za-z])"
    return re.search(word, f"{credit.reference} {credit.text}", re.IGNORECASE) is not None


def pairs(account: AcquirerAccount) -> list[tuple[BankCredit, Batch, MatchBasis]]:
    """The open credits of an account that can be the payment of one batch only, each with it and with what says so."""
    free = list(BankCredit.objects.filter(account=account, status=CreditStatus.OPEN, is_held=False).order_by("pk"))
    if not free:
        return []
    # Whoever a person decided on pays its batch as well as any other: it stands in the way, and is not matched.
    rivals = [*free, *BankCredit.objects.filter(account=account, status=CreditStatus.OPEN, is_held=True)]
    by_amount: dict[Money, list[Batch]] = defaultdict(list)
    for batch in _unpaid(account, {credit.value for credit in rivals}):
        by_amount[Money(batch.pays, batch.currency)].append(batch)
    elsewhere = _named_elsewhere(account, rivals)
    fitting = {
        credit.pk: [batch for batch in by_amount[credit.amount] if _basis(credit, batch) is not None]
        for credit in rivals
    }
    wanted: dict[int, int] = defaultdict(int)
    for batches in fitting.values():
        for batch in batches:
            wanted[batch.pk] += 1
    found = []
    for credit in free:
        batches = fitting[credit.pk]
        if len(batches) != 1 or wanted[batches[0].pk] != 1 or elsewhere[credit.pk] - {batches[0].batch_id}:
            continue
        basis = _basis(credit, batches[0])
        if basis is not None:
            found.append((credit, batches[0], basis))
    return found


def proposals(credit: BankCredit) -> list[Batch]:
    """The batches a credit may pay, the likeliest first: named ones, those of its amount, those of its days."""
    if credit.status != CreditStatus.OPEN:
        return []
    first, last = credit.value_date - ARRIVES_WITHIN, credit.value_date + DAY_AHEAD
    near = Q(initiated_on__gte=first, initiated_on__lte=last) | Q(pays=credit.value, credited=0, named=0)
    here = counting(credit.account).filter(OPEN_AT_BANK, currency=credit.currency).order_by("-initiated_on", "-pk")
    found = {batch.pk: batch for batch in here.filter(batch_id__in=_words_of(credit))[:_PROPOSED_AT_MOST]}
    found |= {batch.pk: batch for batch in here.filter(near)[:_LOOKED_AT]}

    def unlikely(batch: Batch) -> tuple[bool, bool, timedelta]:
        days = abs(credit.value_date - batch.initiated_on)
        return not is_named(batch, credit), open_of(batch) != credit.amount, days

    return sorted(found.values(), key=unlikely)[:_PROPOSED_AT_MOST]


def batch_named(credit: BankCredit, batch_id: str) -> Batch | None:
    """The batch of the credit's account and currency with this id; None where there is none, or more than one."""
    found = list(counting(credit.account).filter(currency=credit.currency, batch_id=batch_id)[:2])
    return found[0] if len(found) == 1 else None


def pays_by_key(keys: Sequence[int]) -> dict[int, int]:
    """TOTAL of the batches that have one, by their keys."""
    totals = SummaryRow.objects.filter(batch__in=keys, file=F("batch__summary"), summary_type=TOTAL).order_by()
    return dict(totals.values_list("batch_id", "settlement_value"))


def _unpaid(account: AcquirerAccount, values: set[int]) -> "QuerySet[Any]":
    """The batches that nothing accounts for yet, and that pay one of these amounts, as far as one statement can ask."""
    here: QuerySet[Any] = counting(account).filter(bank_credits=None, bank_differences=None)
    return here.filter(pays__in=values) if len(values) <= _PER_QUERY else here


def _basis(credit: BankCredit, batch: Batch) -> MatchBasis | None:
    if is_named(batch, credit):
        return MatchBasis.NAMED
    return MatchBasis.DAY if is_in_time(batch, credit.value_date) else None


def _words_of(credit: BankCredit) -> set[str]:
    """What of its text may be the id of a batch: words, their parts, and the same in capitals."""
    words = _WORD.findall(f"{credit.reference} {credit.text}")
    words += [part for word in words for part in re.split("[_-]", word)]
    return {said for word in words if len(word) >= _NAMES_FROM for said in (word, word.upper())}


def _named_elsewhere(account: AcquirerAccount, arrived: Iterable[BankCredit]) -> dict[int, set[str]]:
    """By credit: the ids of batches that its text names."""
    words = {credit.pk: _words_of(credit) for credit in arrived}
    everything = sorted({word for found in words.values() for word in found})
    known: set[str] = set()
    for start in range(0, len(everything), _PER_QUERY):
        some = everything[start : start + _PER_QUERY]
        known |= set(Batch.objects.filter(account=account, batch_id__in=some).values_list("batch_id", flat=True))
    return {key: found & known for key, found in words.items()}
