"""The second half of a flowing import: deciding on the rows that were not plain, a payment with all its rows at a time.

Rows of one payment bear on each other, and on those of other settlements about it; rows of different payments do not.
So the undecided rows are dealt into bundles by their payment, small enough for memory, and each bundle is judged as
ever. What another settlement speaks of as well waits for the end, where it is decided in the transaction that makes the
file count, together with the other's rows.
"""

from array import array
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from django.db.models import QuerySet

from portal.money import Money
from reconciliation.books import Ids, open_books
from reconciliation.contracts import Drift, DriftCount
from reconciliation.judging import is_about, judge_rows, rows_of_others, with_file
from reconciliation.layouts import ReportKind
from reconciliation.matching import Decision, deviations_of, let_drift
from reconciliation.models import FeeContract, ReportFile, RowState, SettlementRow
from reconciliation.operations.keeping import keep_fresh, restate_all

BUNDLE = 2_000
"""Rows judged together, about."""
_PAGE = 2_000
_ID_COLUMNS = (
    "transaction_type", "transaction_request_id", "original_transaction_request_id", "transaction_id",
    "original_transaction_id",
)  # fmt: skip

Pairs = list[tuple[SettlementRow, Decision]]


@dataclass
class Rest:
    """What is left for the transaction that makes the file count."""

    restated: Pairs = field(default_factory=list)
    """Rows that were decided on before: of other settlements, and of the file itself."""
    fresh: Pairs = field(default_factory=list)
    """Undecided rows of the file."""


def undecided(file: ReportFile) -> "QuerySet[SettlementRow]":
    """Rows that are written and not decided on: an open row has a discrepancy otherwise."""
    return SettlementRow.objects.filter(file=file, state=RowState.OPEN, discrepancies=None).order_by("pk")


def decide_rest(
    file: ReportFile,
    bundles: "Sequence[array[int]]",
    ways: Collection[str],
    keep: Callable[[Callable[[], None]], None],
) -> Rest:
    """Decide on all of them; what most rows have in common (``ways``) is of none. ``keep`` keeps, in a transaction."""
    rest = Rest()
    for bundle in bundles:
        alone, contested = _parted(file, bundle)
        if alone:
            fresh, restated = _judge(file, alone, ways)
            keep(partial(_keep, file, fresh, restated))
        if contested:
            fresh, restated = _judge(file, contested, ways)
            rest.fresh += fresh
            rest.restated += restated
    return rest


def find_drifts(file: ReportFile, bundles: "Sequence[array[int]]", agreed: dict[str, int]) -> list[Drift]:
    """What most rows of the file have in common, found before any of the undecided is decided on.

    ``agreed`` counts, by wallet and currency, the plain rows whose fee is as agreed on.
    """
    count = DriftCount(dict(agreed))
    for bundle in bundles:
        for _, decision in _judge(file, bundle, ())[0]:
            count.add(decision.terms, deviations_of(decision))
    return count.drifts()


def _keep(file: ReportFile, fresh: Pairs, restated: Pairs) -> None:
    restate_all(restated, f"{file.name} is being imported.")
    keep_fresh(fresh)


def deal(file: ReportFile) -> list["array[int]"]:
    """Keys of the undecided rows, those of one payment in one bundle."""
    count = undecided(file).count()
    bundles = [array("q") for _ in range(-(-count // BUNDLE))]
    last = 0
    while count:
        page = list(undecided(file).filter(pk__gt=last).values_list("pk", *_ID_COLUMNS)[:_PAGE])
        if not page:
            break
        last = page[-1][0]
        named = [(pk, Ids(*ids)) for pk, *ids in page]
        books = open_books(file.account, ReportKind.SETTLEMENT, [ids for _, ids in named], but=file)
        for pk, ids in named:
            payment = is_about(ids, books)
            bundles[(pk if payment is None else payment) % len(bundles)].append(pk)
    return [bundle for bundle in bundles if bundle]


def _parted(file: ReportFile, bundle: Sequence[int]) -> tuple[list[int], list[int]]:
    """The rows that are the file's own affair, and those that another settlement has a say in."""
    named = SettlementRow.objects.filter(pk__in=list(bundle)).values_list("pk", *_ID_COLUMNS)
    ids = {pk: Ids(*found) for pk, *found in named}
    books = open_books(file.account, ReportKind.SETTLEMENT, ids.values(), but=file)
    payments = {pk: is_about(one, books) for pk, one in ids.items()}
    others = rows_of_others(file.account, {pk for pk in payments.values() if pk is not None}, file)
    spoken_of = {one.match.payment_id for one in others}
    return (
        [pk for pk, payment in payments.items() if payment not in spoken_of],
        [pk for pk, payment in payments.items() if payment in spoken_of],
    )


def _judge(file: ReportFile, pks: Sequence[int], ways: Collection[str]) -> tuple[Pairs, Pairs]:
    """What becomes of undecided rows, and of the decided ones that touch them."""
    rows = list(with_file(SettlementRow.objects.filter(pk__in=list(pks))))
    books = open_books(file.account, ReportKind.SETTLEMENT, [Ids.of_row(row) for row in rows], but=file)
    payments = {found for row in rows if (found := is_about(Ids.of_row(row), books)) is not None}
    decided = list(with_file(SettlementRow.objects.filter(file=file, match__payment__in=payments)))
    others = rows_of_others(file.account, payments, file)
    pairs = judge_rows(file.account, [*rows, *decided, *others], file)
    undecided_keys = {row.pk for row in rows}
    fresh = [pair for pair in pairs if pair[0].pk in undecided_keys]
    for _, decision in fresh:
        let_drift(decision, ways)
    return fresh, [pair for pair in pairs if pair[0].pk not in undecided_keys]


def drifts_as_json(found: Sequence[Drift]) -> list[dict[str, Any]]:
    """To be kept with the file until it counts."""
    return [
        {
            "terms": one.terms.pk,
            "way": one.way,
            "rows": one.rows,
            "of": one.of,
            "value": one.difference.value,
            "currency": one.difference.currency,
        }
        for one in found
    ]


def drifts_from(kept: Sequence[dict[str, Any]]) -> list[Drift]:
    """As they are kept."""
    contracts = FeeContract.objects.in_bulk([one["terms"] for one in kept])
    return [
        Drift(contracts[one["terms"]].terms(), one["way"], one["rows"], one["of"], Money(one["value"], one["currency"]))
        for one in kept
    ]
