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
from reconciliation.operations.calendars import begin_calendar, edit_calendar
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
from reconciliation.operations.importing import UNDO_REASONS, import_file, import_report, rehearse, undo
from reconciliation.operations.in_bulk import (
    ASSIGN_SEVERAL,
    CLOSE_SEVERAL,
    WRITE_OFF_SEVERAL,
    Wanted,
    carry_on,
    carry_out,
    counts,
    decide,
    discard_sheet,
    try_sheet,
)
from reconciliation.operations.missing import look, rest, watch
from reconciliation.operations.raising import RAISE_REASONS, raise_to_acquirer
from reconciliation.operations.sources import (
    Tested,
    add_source,
    confirm_host_key,
    edit_source,
    look_now,
)
from reconciliation.operations.sources import look as look_at_source
from reconciliation.operations.sources import rest as rest_source
from reconciliation.operations.sources import test as test_source
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
    "Outcome",
    "Result",
    "Tested",
    "Wanted",
    "add_contract",
    "add_source",
    "answer",
    "assign",
    "begin_calendar",
    "carry_on",
    "carry_out",
    "check_again",
    "close",
    "commit",
    "confirm_host_key",
    "counts",
    "decide",
    "discard",
    "discard_sheet",
    "edit_calendar",
    "edit_contract",
    "edit_source",
    "enter_credit",
    "forecast",
    "import_file",
    "import_report",
    "import_statement",
    "lock",
    "look",
    "look_at_source",
    "look_now",
    "match_by_hand",
    "match_credit",
    "name_difference",
    "raise_to_acquirer",
    "rehearse",
    "reopen",
    "rest",
    "rest_source",
    "set_aside",
    "take",
    "take_back_difference",
    "take_up",
    "test_source",
    "try_report",
    "try_sheet",
    "undo",
    "unmatch",
    "unmatch_credit",
    "watch",
    "write_off",
]
