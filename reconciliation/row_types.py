"""What a row of a report can be, and what we do with each.

The printed word is kept with the row; both spellings of the reserve and collateral types are one value here.
Source: https://docs.antom.com/ac/reconcile/settlement_details
"""

from dataclasses import dataclass
from enum import StrEnum

from django.db.models import TextChoices


class Treatment(StrEnum):
    """What a row's type asks of us."""

    PAYMENT = "PAYMENT"
    REFUND = "REFUND"
    CANCEL = "CANCEL"
    DISPUTE = "DISPUTE"
    """Attached to its payment; explained, its amount is never compared."""
    PAYMENT_REVERSAL = "PAYMENT_REVERSAL"
    REFUND_REVERSAL = "REFUND_REVERSAL"
    """Money against a final status of ours: always a person's business."""
    OWN_ACCOUNT = "OWN_ACCOUNT"
    """No order behind it: explained by an account of its own."""
    NOT_OURS = "NOT_OURS"
    """Known to the acquirer, but nothing Auto Debit makes."""


class ExplanationKind(TextChoices):
    """What an explained part of a file is."""

    FEE = "FEE", "Settlement or adjustment fee"
    RESERVE = "RESERVE", "Reserve or collateral"
    DISPUTE = "DISPUTE", "Dispute"
    ROUNDING = "ROUNDING", "Rounding"
    CORRECTION = "CORRECTION", "Correction line of the acquirer"
    NOT_SUCCESSFUL = "NOT_SUCCESSFUL", "Not successful, so not counted"
    LATER_COPY = "LATER_COPY", "Told by a fuller copy of the report"


@dataclass(frozen=True)
class RowType:
    """One type: what it asks of us, the sign its gross amount must have (0: any), and what explains it."""

    name: str
    treatment: Treatment
    sign: int = 0
    explanation: ExplanationKind | None = None


T, X = Treatment, ExplanationKind
# fmt: off
_ALL = (
    RowType("PAYMENT",                  T.PAYMENT,           +1),
    RowType("REFUND",                   T.REFUND,            -1),
    RowType("CANCEL",                   T.CANCEL,            -1),
    RowType("PAYMENT_REVERSAL",         T.PAYMENT_REVERSAL,  +1),
    RowType("REFUND_REVERSAL",          T.REFUND_REVERSAL,   +1),
    RowType("DISPUTE",                  T.DISPUTE,           -1, X.DISPUTE),
    RowType("DISPUTE_REVERSAL",         T.DISPUTE,           +1, X.DISPUTE),
    RowType("RAPID_DISPUTE_RESOLUTION", T.DISPUTE,           -1, X.DISPUTE),
    RowType("CDRN",                     T.DISPUTE,           -1, X.DISPUTE),
    RowType("SETTLEMENT_FEE",           T.OWN_ACCOUNT,        0, X.FEE),
    RowType("ADJUSTMENT_FEE",           T.OWN_ACCOUNT,        0, X.FEE),
    RowType("COLLATERAL_WITHHELD",      T.OWN_ACCOUNT,        0, X.RESERVE),
    RowType("COLLATERAL_RELEASED",      T.OWN_ACCOUNT,        0, X.RESERVE),
    RowType("RESERVE",                  T.OWN_ACCOUNT,        0, X.RESERVE),
    RowType("RESERVE_RELEASED",         T.OWN_ACCOUNT,        0, X.RESERVE),
    RowType("DEFAULT",                  T.OWN_ACCOUNT,        0, X.CORRECTION),
    RowType("AUTHORIZATION",            T.NOT_OURS),
    RowType("CAPTURE",                  T.NOT_OURS),
    RowType("VOID",                     T.NOT_OURS),
)
_OTHER_SPELLINGS = {
    "COLLATERAL_WITHHOLDING": "COLLATERAL_WITHHELD",
    "COLLATERAL_RELEASE":     "COLLATERAL_RELEASED",
    "RESERVE_WITHHOLDING":    "RESERVE",
    "RESERVE_RELEASE":        "RESERVE_RELEASED",
}
# fmt: on

ROW_TYPES = {row_type.name: row_type for row_type in _ALL}
"""By our word; an unknown type is in no table: it is kept, counted and opened."""

TOTAL = "TOTAL"
"""Of a summary only: the sum of the batch, which is the figure that is paid."""


SETTLED = "SETTLED"
"""Of a settlement of clearings only: what is paid for a batch."""


DEFAULT = "DEFAULT"
"""An acquirer's correction of what it had computed; where only a fee is printed, the fee is the amount."""


def normalised(printed: str) -> str:
    """Our word for a printed type, which some editions write in small letters; else the printed word itself."""
    word = printed.upper()
    word = _OTHER_SPELLINGS.get(word, word)
    return word if word in ROW_TYPES or word == TOTAL else printed


SUCCESSFUL = frozenset({"TO_BE_SETTLED", "SETTLED", "SUCCESS"})
FAILED = frozenset({"FAILED", "FAIL", "CLOSED", "CANCELLED"})
PENDING = frozenset({"PENDING", "PROCESSING"})
"""``status`` of a transaction details row.

Undocumented, but for TO_BE_SETTLED; we choose these words, because the acquirer's own APIs and notifications use them
for payments. Any other word is kept, counted and opened as a discrepancy, so that a wrong choice here is seen.
"""
