"""The verbs of reconciliation: import reports and bank statements, undo an import, and work what they opened."""

from reconciliation.lines import Answers
from reconciliation.operations.banking import (
    ENTER_REASONS,
    MATCH_CREDIT_REASONS,
    SET_ASIDE_REASONS,
    TAKE_BACK_REASONS,
    UNMATCH_CREDIT_REASONS,
    enter_credit,
    import_statement,
    match_credit,
    name_difference,
    set_aside,
    take_back_difference,
    take_up,
    unmatch_credit,
)
from reconciliation.operations.by_hand import MATCH_REASONS, UNMATCH_REASONS, match_by_hand, unmatch
from reconciliation.operations.closing import LOCK_REASONS, lock
from reconciliation.operations.contracts import add_contract, edit_contract
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
from reconciliation.operations.missing import look, rest, watch
from reconciliation.operations.raising import RAISE_REASONS, raise_to_acquirer
from reconciliation.operations.trying import answer, commit, discard, forecast, try_report
from reconciliation.outcomes import Outcome, Result

__all__ = [
    "ASSIGN_SEVERAL",
    "CHOOSABLE",
    "CLOSE_SEVERAL",
    "ENTER_REASONS",
    "LOCK_REASONS",
    "MATCH_CREDIT_REASONS",
    "MATCH_REASONS",
    "RAISE_REASONS",
    "REOPEN_REASONS",
    "SET_ASIDE_REASONS",
    "TAKE_BACK_REASONS",
    "UNDO_REASONS",
    "UNMATCH_CREDIT_REASONS",
    "UNMATCH_REASONS",
    "WRITE_OFF_REASONS",
    "WRITE_OFF_SEVERAL",
    "Answers",
    "ItemResult",
    "Outcome",
    "Result",
    "add_contract",
    "answer",
    "assign",
    "check_again",
    "close",
    "commit",
    "discard",
    "each",
    "edit_contract",
    "enter_credit",
    "forecast",
    "import_report",
    "import_statement",
    "lock",
    "look",
    "match_by_hand",
    "match_credit",
    "name_difference",
    "raise_to_acquirer",
    "rehearse",
    "reopen",
    "rest",
    "set_aside",
    "take",
    "take_back_difference",
    "take_up",
    "try_report",
    "undo",
    "unmatch",
    "unmatch_credit",
    "watch",
    "write_off",
]
