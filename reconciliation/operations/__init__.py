"""The verbs of reconciliation: import a report, try one first, and work what it opened."""

from reconciliation.operations.discrepancies import check_again, close, take
from reconciliation.operations.importing import commit, discard, import_report, rehearse, try_report
from reconciliation.outcomes import Outcome, Result

__all__ = [
    "Outcome",
    "Result",
    "check_again",
    "close",
    "commit",
    "discard",
    "import_report",
    "rehearse",
    "take",
    "try_report",
]
