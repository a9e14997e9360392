"""The reports of every edition: how a header tells which one it is, and which column means what.

Columns are found by name and never by position: their order changed with every edition, and a merchant may have a
layout of its own. A file is recognised by its header and never by its name: a published summary carries the name of a
details file. ``reconciliation/editions.py`` holds the columns, one table per edition; everything behind it knows only
our words.
Sources: https://docs.antom.com/ac/reconcile/transaction_details ,
https://docs.antom.com/ac/reconcile/settlement_details , https://docs.antom.com/ac/reconcile/settlement_summary
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from django.db.models import TextChoices

from reconciliation import editions
from reconciliation.errors import ColumnMissing, NotAReport


class ReportKind(TextChoices):
    """Which of the reports a file is."""

    TRANSACTIONS = "TRANSACTIONS", "Transaction details"
    SETTLEMENT = "SETTLEMENT", "Settlement details"
    SUMMARY = "SUMMARY", "Settlement summary"
    PAYOUT = "PAYOUT", "Settlement of clearings"


SUMMING = frozenset({ReportKind.SUMMARY, ReportKind.PAYOUT})
"""The reports whose lines are sums: of a batch's rows by type, or of whole batches."""


class ClearingKind(TextChoices):
    """What the same reports are called where an acquirer clears first and pays later."""

    SETTLEMENT = ReportKind.SETTLEMENT.value, "Clearing details"
    SUMMARY = ReportKind.SUMMARY.value, "Clearing summary"


class Edition(TextChoices):
    """Which of the layouts the acquirer has used, in our own numbering."""

    E0_HK = "E0-HK", "E0-HK, AlipayHK Auto Debit"
    E0 = "E0", "E0, until about 2019"
    E1 = "E1", "E1, 2018 to 2022"
    E2 = "E2", "E2, 2022 and 2023"
    E3 = "E3", "E3, 2023 to 2025"
    E4 = "E4", "E4, the current one"
    C1 = "C1", "C1, clearing reports"


def title_of(edition: str, kind: str) -> str:
    """What a report is called, where people read of it."""
    if edition == Edition.C1 and kind in ClearingKind.values:
        return str(ClearingKind(kind).label)
    return str(ReportKind(kind).label)


@dataclass(frozen=True)
class FeeColumn:
    """One fee: its amount's column, its currency's column, and how it adds up.

    ``word`` is the current edition's name for it, under which fees of all editions are compared.
    """

    word: str
    amount: str
    currency: str
    adds: editions.Adds


@dataclass(frozen=True)
class Layout:
    """The columns of one report in one edition."""

    edition: Edition
    kind: ReportKind
    words: dict[str, str]
    """Our word by printed name."""
    demanded: frozenset[str]
    """Words it cannot do without."""
    usual: tuple[str, ...]
    """Printed names that the acquirer documents for every file; one that is absent is announced."""
    fees: tuple[FeeColumn, ...]

    @cached_property
    def printed(self) -> dict[str, str]:
        """Printed name by our word, for sentences."""
        return {word: name for name, word in self.words.items()}

    @cached_property
    def known(self) -> frozenset[str]:
        """Every printed name that has a meaning."""
        return frozenset(self.words) | {name for fee in self.fees for name in (fee.amount, fee.currency) if name}

    @cached_property
    def amount_columns(self) -> tuple[str, ...]:
        """Printed names of the columns that hold amounts."""
        words = ("amount", "net", "converted", "coupon")
        own = [self.printed[word] for word in words if word in self.printed]
        return (*own, *(fee.amount for fee in self.fees))

    @property
    def is_signed(self) -> bool:
        """Whether transaction amounts carry their sign; in E0-HK only the net does."""
        return self.edition is not Edition.E0_HK

    @property
    def has_end(self) -> bool:
        """Whether a file of this edition must end in ``<END>``."""
        return self.edition not in {Edition.E0, Edition.E0_HK, Edition.C1}

    @property
    def is_minor(self) -> bool:
        """Whether its amounts are minor units in every file."""
        return self.edition is Edition.C1


@dataclass(frozen=True)
class LayoutChange:
    """How a header differs from the layout we know."""

    unknown: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.unknown)

    def sentence(self) -> str:
        """What is different, in words; empty when nothing is."""
        if not self.unknown:
            return ""
        is_one = len(self.unknown) == 1
        said = f"{', '.join(self.unknown)} {'is a column' if is_one else 'are columns'} we do not know"
        if self.absent:
            said += f"; not here, though documented: {', '.join(self.absent)}"
        return f"{said}."


def _layouts() -> dict[tuple[Edition, ReportKind], Layout]:
    made = {}
    for edition, kind, table in editions.TABLES:
        layout = Layout(
            Edition(edition),
            ReportKind(kind),
            dict(table.words),
            frozenset(table.demanded),
            table.usual,
            tuple(FeeColumn(*fee) for fee in table.fees),
        )
        made[layout.edition, layout.kind] = layout
    return made


LAYOUTS = _layouts()
_EVERYTHING = frozenset().union(*(layout.known for layout in LAYOUTS.values()))
_LEAST_KNOWN = 4
"""Fewer known names than this, and the file is something else altogether."""


def recognise(header: Sequence[str]) -> Layout:
    """The layout of a header. Raises NotAReport or ColumnMissing."""
    names = frozenset(header)
    if len(names & _EVERYTHING) < _LEAST_KNOWN:
        raise NotAReport(
            problem=(
                "This is not one of the acquirer's reports: its first line names none of their columns "
                f"(it begins {', '.join(header[:3])[:80]!r}). Transaction details, settlement details and settlement "
                "summary are read, in every edition."
            )
        )
    edition = _edition(names)
    layout = LAYOUTS[edition, _kind(names, edition)]
    missing = [name for name, word in layout.words.items() if word in layout.demanded and name not in names]
    if missing:
        raise ColumnMissing(report=layout.kind.label.lower(), columns=", ".join(missing))
    return layout


def _edition(names: frozenset[str]) -> Edition:
    """By words that only one edition has. E2 and E3 share their columns but for those of interchange pricing."""
    if "Partner_transaction_id" in names:
        return Edition.E0_HK
    if names & {"merchantTransId", "acquirementId", "commission"} and "customerId" not in names:
        return Edition.E0
    if "PSP" in names or (names & editions.CURRENT_ONLY and not names & {"acquirer", "acquirerReferenceNo"}):
        return Edition.E4
    if names & {"acquirer", "acquirerReferenceNo"}:
        return Edition.E2 if "interchangeFeeAmountValue" in names else Edition.E3
    return Edition.E1 if names & editions.BEFORE_CURRENT else Edition.E4


def _kind(names: frozenset[str], edition: Edition) -> ReportKind:
    if edition is Edition.E0_HK:
        # One header for both; the cells tell (``reading``).
        return ReportKind.SETTLEMENT
    if edition is Edition.E0:
        if "type" in names or ("count" in names and "transType" not in names):
            return ReportKind.SUMMARY
        return ReportKind.SETTLEMENT if "settlementTime" in names else ReportKind.TRANSACTIONS
    if "summaryType" in names or ("count" in names and "transactionType" not in names):
        return ReportKind.SUMMARY
    if names & editions.TRANSACTION_ONLY:
        return ReportKind.TRANSACTIONS
    if names & {"settlementBatchId", "settlementInitiatedDate", "settlementTime"}:
        return ReportKind.SETTLEMENT
    return ReportKind.TRANSACTIONS


def change(layout: Layout, header: Sequence[str]) -> LayoutChange:
    """What a header has that the layout does not know (kept with every row, and announced), and what it lacks."""
    present = frozenset(header)
    return LayoutChange(
        tuple(name for name in header if name not in layout.known),
        tuple(name for name in layout.usual if name not in present),
    )
