"""The verbs of reconciliation: import a report, try one first, undo an import, and work what they opened."""

from reconciliation.lines import Answers
from reconciliation.operations.by_hand import MATCH_REASONS, UNMATCH_REASONS, match_by_hand, unmatch
from reconciliation.operations.closing import LOCK_REASONS, lock
from reconciliation.operations.discrepancies import (
    CHOOSABLE,
    REOPEN_REASONS,
    WRITE_OFF_REASONS,
    assign,
    check_again,
    close,
    reopen,
    take,
    write_off,
)
from reconciliation.operations.importing import UNDO_REASONS, import_report, rehearse, undo
from reconciliation.operations.in_bulk import ASSIGN_SEVERAL, CLOSE_SEVERAL, WRITE_OFF_SEVERAL, ItemResult, each
from reconciliation.operations.raising import RAISE_REASONS, raise_to_acquirer
from reconciliation.operations.trying import answer, commit, discard, forecast, try_report
from reconciliation.outcomes import Outcome, Result

__all__ = [
    "ASSIGN_SEVERAL",
    "CHOOSABLE",
    "CLOSE_SEVERAL",
    "LOCK_REASONS",
    "MATCH_REASONS",
    "RAISE_REASONS",
    "REOPEN_REASONS",
    "UNDO_REASONS",
    "UNMATCH_REASONS",
    "WRITE_OFF_REASONS",
    "WRITE_OFF_SEVERAL",
    "Answers",
    "ItemResult",
    "Outcome",
    "Result",
    "answer",
    "assign",
    "check_again",
    "close",
    "commit",
    "discard",
    "each",
    "forecast",
    "import_report",
    "lock",
    "match_by_hand",
    "raise_to_acquirer",
    "rehearse",
    "reopen",
    "take",
    "try_report",
    "undo",
    "unmatch",
    "write_off",
]
