"""The last step of a batch's proof: what the acquirer pays arrives on our bank account. Reads only.

What a batch pays is TOTAL of its summary, and until that is here the net of its details. Bank credits account for it,
and differences that a person has named; the rest is open, and a batch ties out when nothing of it is.

A credit is taken for the payment of a batch where exactly one batch can be meant, from both sides: it is the only one
of its account and currency that pays the amount to the unit, has no credit yet, and is named in the bank's text or was
initiated shortly before the value date; and no other credit could as well be its payment. A text that names another
batch is believed. Everything else is proposed, and a person confirms it.

Where the acquirer clears first, one transfer may pay several clearing batches, some of them netted. Such a settlement
is one thing here that a credit can pay (``Payout``), and none of its batches is paid alone any more by itself.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db.models import BigIntegerField, Count, F, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from portal.gateways import adapter_of
from portal.models import AcquirerAccount
from portal.money import Money
from reconciliation.models import (
    BankCredit,
    BankDifference,
    BankShare,
    Batch,
    CreditStatus,
    FileStatus,
    MatchBasis,
    ReportFile,
    SummaryRow,
)
from reconciliation.row_types import SETTLED, TOTAL

# Undocumented, how long a transfer takes; we choose a week, because a weekend and a public holiday at each end fit in
# it, and one day before, because the acquirer's day begins earlier than that of a bank to the west of it.
ARRIVES_WITHIN = timedelta(days=7)
DAY_AHEAD = timedelta(days=1)

_NAMES_FROM = 6
"""So many characters an id has at least to count as named: shorter ones stand in any text by chance."""
_PROPOSED_AT_MOST = 10
_LOOKED_AT = 100
_PER_QUERY = 500
_CONTENTS = ("file__content", "file__preview", "file__differences")
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
        credited=_sum_of(BankCredit.objects.filter(batch=OuterRef("pk")))
        + _sum_of(BankShare.objects.filter(batch=OuterRef("pk"))),
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


def open_of(batch: "Payable") -> Money:
    """What is open of a batch, or a settlement, that pays something."""
    if isinstance(batch, Payout):
        return batch.pays
    standing = standing_of(batch)
    return Money(0, batch.currency) if standing is None else standing.open


def counting(account: AcquirerAccount) -> QuerySet[Batch]:
    """The batches of an account that a file speaks of, with their standing."""
    return with_standing(Batch.objects.filter(account=account).exclude(details=None, summary=None))


def is_in_time(batch: Batch, day: date) -> bool:
    """Whether a credit of that value date can be its payment."""
    return batch.initiated_on - DAY_AHEAD <= day <= batch.initiated_on + ARRIVES_WITHIN


def is_named(payable: "Payable", credit: BankCredit) -> bool:
    """Whether the bank's text or reference holds the id of the batch or settlement, as a word of its own."""
    names = [payable.number] if isinstance(payable, Payout) else [payable.batch_id]
    if isinstance(payable, Batch) and not getattr(payable, "paid_with", 0):
        names.append(getattr(payable, "settlement_number", ""))  # the settlement pays this one alone
    said = f"{credit.reference} {credit.text}"
    return any(
        re.search(rf"(?<![0-9A-Za-z]){re.escape(name)}(?![0-9A-Za-z])", said, re.IGNORECASE)
        for name in names
        if len(name) >= _NAMES_FROM
    )


@dataclass(frozen=True)
class Payout:
    """A settlement that pays several clearing batches with one transfer, which no credit accounts for yet."""

    file: ReportFile
    number: str
    """``settlementBatchId``."""
    paid_before: date
    """``valueDate``, or the day of its newest batch where the file says none."""
    batches: tuple[tuple[Batch, int], ...]
    """Each with what is paid for it in minor units, less what a person named the cause of; it may be negative."""
    is_explained: bool
    """A person has named the cause of a part: then a person says which credit is the rest, too."""

    @property
    def pays(self) -> Money:
        return Money(sum(value for _, value in self.batches), self.batches[0][0].currency)

    @property
    def begins_on(self) -> date:
        return min(batch.initiated_on for batch, _ in self.batches)

    def __str__(self) -> str:
        return self.number


Payable = Batch | Payout


def _settled(account: AcquirerAccount) -> "QuerySet[SummaryRow]":
    """The rows of settlements that count, and that pay or take something."""
    rows = SummaryRow.objects.filter(file__account=account, summary_type=SETTLED).exclude(settlement_value=0)
    return rows.exclude(file__status=FileStatus.UNDOING).order_by()


def payouts(account: AcquirerAccount) -> list[Payout]:
    """The settlements of several batches that pay something, and that no credit accounts for."""
    told = Count("batch__bank_credits") + Count("batch__bank_share")
    files = _settled(account).values("file").annotate(count=Count("pk"), told=told)
    free = files.filter(count__gte=2, told=0).values("file")
    by_file: dict[int, list[SummaryRow]] = defaultdict(list)
    found = _settled(account).filter(file__in=free).select_related("batch", "file").defer(*_CONTENTS)
    for row in found.order_by("file", "part", "line_number"):
        by_file[row.file_id].append(row)
    keys = [row.batch_id for rows in by_file.values() for row in rows]
    named: dict[int, int] = defaultdict(int)
    for one in BankDifference.objects.filter(batch__in=keys):
        named[one.batch_id] += one.value
    of_one_currency = (rows for rows in by_file.values() if len({row.currency for row in rows}) == 1)
    return [payout for rows in of_one_currency if (payout := _payout(rows, named)).pays.value > 0]


def _payout(rows: Sequence[SummaryRow], named: Mapping[int, int]) -> Payout:
    said = rows[0].raw
    try:
        paid_before = date.fromisoformat(said.get("valueDate", ""))
    except ValueError:
        paid_before = max(row.batch.initiated_on for row in rows)
    batches = tuple((row.batch, row.settlement_value - named.get(row.batch_id, 0)) for row in rows)
    is_explained = any(row.batch_id in named for row in rows)
    return Payout(rows[0].file, said.get("settlementBatchId", ""), paid_before, batches, is_explained)


def _number(account: AcquirerAccount, batches: Iterable[Batch]) -> list[Any]:
    """The batches, each knowing the number of the settlement that pays it and how many others it pays."""
    found: list[Any] = list(batches)
    rows = _settled(account).filter(batch__in=[batch.pk for batch in found])
    settled = {row.batch_id: row for row in rows.only("batch", "file", "raw")}
    files = _settled(account).filter(file__in={row.file_id for row in settled.values()}).values("file")
    several = dict(files.annotate(count=Count("pk")).values_list("file", "count"))
    for batch in found:
        row = settled.get(batch.pk)
        batch.settlement_number = row.raw.get("settlementBatchId", "") if row is not None else ""
        batch.paid_with = several[row.file_id] - 1 if row is not None else 0
        batch.is_settled = row is not None
    return found


def pairs(account: AcquirerAccount) -> list[tuple[BankCredit, Payable, MatchBasis]]:
    """The open credits of an account that can be the payment of one thing only, each with it and with what says so."""
    free = list(BankCredit.objects.filter(account=account, status=CreditStatus.OPEN, is_held=False).order_by("pk"))
    if not free:
        return []
    # Whoever a person decided on pays its batch as well as any other: it stands in the way, and is not matched.
    rivals = [*free, *BankCredit.objects.filter(account=account, status=CreditStatus.OPEN, is_held=True)]
    by_amount: dict[Money, list[Payable]] = defaultdict(list)
    clears_first = adapter_of(account).capabilities.clears_first
    for payout in payouts(account) if clears_first else ():
        if not payout.is_explained:
            by_amount[payout.pays].append(payout)
    unpaid: Iterable[Any] = _unpaid(account, {credit.value for credit in rivals})
    for batch in _number(account, unpaid) if clears_first else unpaid:
        if not (clears_first and batch.paid_with):
            by_amount[Money(batch.pays, batch.currency)].append(batch)
    elsewhere = _named_elsewhere(account, rivals)

    def fits(credit: BankCredit, payable: Payable) -> bool:
        basis = _basis(credit, payable)
        # With what else a clearing is paid nobody knows before its settlement is here: its day says nothing.
        is_early = clears_first and isinstance(payable, Batch) and not getattr(payable, "is_settled", False)
        return basis is MatchBasis.NAMED or (basis is not None and not is_early)

    fitting = {credit.pk: [one for one in by_amount[credit.amount] if fits(credit, one)] for credit in rivals}
    wanted: dict[str, int] = defaultdict(int)
    for payables in fitting.values():
        for payable in payables:
            wanted[key_of(payable)] += 1
    found = []
    for credit in free:
        payables = fitting[credit.pk]
        if len(payables) != 1 or wanted[key_of(payables[0])] != 1 or elsewhere[credit.pk] - names_of(payables[0]):
            continue
        basis = _basis(credit, payables[0])
        if basis is not None:
            found.append((credit, payables[0], basis))
    return found


def paid_together_with(batch: Batch) -> int:
    """How many other clearings its settlement pays by the same transfer."""
    (numbered,) = _number(batch.account, [batch])
    return int(numbered.paid_with)


def key_of(payable: Payable) -> str:
    """What tells one from all others: ``b7``, ``p12``."""
    return f"p{payable.file.pk}" if isinstance(payable, Payout) else f"b{payable.pk}"


def names_of(payable: Payable) -> set[str]:
    """The ids that a bank's text may name it by."""
    if isinstance(payable, Payout):
        return {payable.number, *(batch.batch_id for batch, _ in payable.batches)}
    return {payable.batch_id, getattr(payable, "settlement_number", "")}


def proposals(credit: BankCredit) -> list[Payable]:
    """What a credit may pay, the likeliest first: what it names, what has its amount, what is of its days."""
    if credit.status != CreditStatus.OPEN:
        return []
    first, last = credit.value_date - ARRIVES_WITHIN, credit.value_date + DAY_AHEAD
    near = Q(initiated_on__gte=first, initiated_on__lte=last) | Q(pays=credit.value, credited=0, named=0)
    here = counting(credit.account).filter(OPEN_AT_BANK, currency=credit.currency).order_by("-initiated_on", "-pk")
    found = {batch.pk: batch for batch in here.filter(batch_id__in=_words_of(credit))[:_PROPOSED_AT_MOST]}
    found |= {batch.pk: batch for batch in here.filter(near)[:_LOOKED_AT]}
    _number(credit.account, found.values())
    together = [one for one in payouts(credit.account) if one.pays.currency == credit.currency]
    likely = [one for one in together if is_named(one, credit) or one.pays == credit.amount or _is_in_time(one, credit)]

    def unlikely(payable: Payable) -> tuple[bool, bool, timedelta]:
        days = abs(credit.value_date - first_day_of(payable))
        return not is_named(payable, credit), open_of(payable) != credit.amount, days

    candidates: list[Payable] = [*likely, *found.values()]
    return sorted(candidates, key=unlikely)[:_PROPOSED_AT_MOST]


def first_day_of(payable: Payable) -> date:
    """When it was initiated; of a settlement its oldest batch."""
    return payable.begins_on if isinstance(payable, Payout) else payable.initiated_on


def payable_named(credit: BankCredit, name: str) -> Payable | None:
    """What of the credit's account and currency has this id; None where nothing has, or more than one."""
    found: list[Payable] = list(counting(credit.account).filter(currency=credit.currency, batch_id=name)[:2])
    found += [one for one in payouts(credit.account) if (one.number, one.pays.currency) == (name, credit.currency)]
    if not found:
        alone = _settled(credit.account).filter(raw__settlementBatchId=name, currency=credit.currency).values("batch")
        found += counting(credit.account).filter(pk__in=alone)[:2]
    return found[0] if len(found) == 1 else None


def pays_by_key(keys: Sequence[int]) -> dict[int, int]:
    """TOTAL of the batches that have one, by their keys."""
    totals = SummaryRow.objects.filter(batch__in=keys, file=F("batch__summary"), summary_type=TOTAL).order_by()
    return dict(totals.values_list("batch_id", "settlement_value"))


def _unpaid(account: AcquirerAccount, values: set[int]) -> "QuerySet[Any]":
    """The batches that nothing accounts for yet, and that pay one of these amounts, as far as one statement can ask."""
    here: QuerySet[Any] = counting(account).filter(bank_credits=None, bank_share=None, bank_differences=None)
    return here.filter(pays__in=values) if len(values) <= _PER_QUERY else here


def _basis(credit: BankCredit, payable: Payable) -> MatchBasis | None:
    if is_named(payable, credit):
        return MatchBasis.NAMED
    return MatchBasis.DAY if _is_in_time(payable, credit) else None


def _is_in_time(payable: Payable, credit: BankCredit) -> bool:
    if isinstance(payable, Payout):
        return payable.begins_on <= credit.value_date <= payable.paid_before + ARRIVES_WITHIN
    return is_in_time(payable, credit.value_date)


def _words_of(credit: BankCredit) -> set[str]:
    """What of its text may be the id of a batch: words, their parts, and the same in capitals."""
    words = _WORD.findall(f"{credit.reference} {credit.text}")
    words += [part for word in words for part in re.split("[_-]", word)]
    return {said for word in words if len(word) >= _NAMES_FROM for said in (word, word.upper())}


def _named_elsewhere(account: AcquirerAccount, arrived: Iterable[BankCredit]) -> dict[int, set[str]]:
    """By credit: the ids of batches and settlements that its text names."""
    words = {credit.pk: _words_of(credit) for credit in arrived}
    everything = sorted({word for found in words.values() for word in found})
    known: set[str] = set()
    for start in range(0, len(everything), _PER_QUERY):
        some = everything[start : start + _PER_QUERY]
        known |= set(Batch.objects.filter(account=account, batch_id__in=some).values_list("batch_id", flat=True))
        numbers = _settled(account).filter(raw__settlementBatchId__in=some).values_list("raw__settlementBatchId")
        known |= {number for (number,) in numbers}
    return {key: found & known for key, found in words.items()}
