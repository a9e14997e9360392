"""Why a report file is not imported. Every one of these leaves nothing behind.

PortalError
└── ReportRefused           the file as a whole; the sentence says why and what to do
    ├── ReportUnreadable    names the line
    ├── NotAReport          not one of the reports we read, or not readable as text at all
    ├── ColumnMissing       names the columns
    ├── ReportTruncated     no ``<END>``, or something after it
    ├── PartMissing         a part of a report in several files
    ├── PartsDiffer         parts that are not of one report
    ├── ForeignMerchant     another merchant's customerId
    ├── AccountUnclear      several accounts could be meant
    ├── QuestionOpen        the file cannot tell how it prints amounts; a person answers
    │   ├── UnitUnclear     major or minor units
    │   └── FeesUnclear     the sign of the fees, or which of them add up
    ├── NotAStatement       not a bank statement we read
    ├── LineUnreadable      names the line of a statement
    ├── EntryUnreadable     names the entry of a CAMT.053
    ├── StatementIncomplete the entries of a CAMT.053 are not those its own sums speak of
    ├── BatchDiffers        the batch is here already, from another file with other figures
    └── LawBroken           reported ≠ matched + explained + open: our own mistake, so the import is undone
"""

from portal.errors import PortalError


class ReportRefused(PortalError):
    """The file is refused as a whole."""

    code = "report_refused"
    sentence = "{problem}"


class ReportUnreadable(ReportRefused):
    """A line that cannot be read; ``line`` counts from 1, the header included."""

    code = "report_unreadable"
    sentence = "Line {line}: {problem}"


class NotAReport(ReportRefused):
    """Neither by its bytes nor by its header a report we read."""

    code = "not_a_report"


class ColumnMissing(ReportRefused):
    """A column the report cannot do without."""

    code = "column_missing"
    sentence = (
        "Missing in the {report}: {columns}. Ask the acquirer for the full layout, or download it from the dashboard."
    )


class ReportTruncated(ReportRefused):
    """Still being written, cut in transfer, or two files in one."""

    code = "report_truncated"


class ForeignMerchant(ReportRefused):
    """The file speaks of another merchant."""

    code = "foreign_merchant"
    sentence = (
        "Line {line}: the file belongs to merchant {found}, but account {account} is merchant {expected}. "
        "Choose the account it belongs to."
    )


class AccountUnclear(ReportRefused):
    """It cannot be told which acquirer account the file belongs to."""

    code = "account_unclear"


class QuestionOpen(ReportRefused):
    """The file cannot tell how it prints amounts, and it is not guessed at: a person answers, and it goes on."""


class UnitUnclear(QuestionOpen):
    """Major or minor units."""

    code = "unit_unclear"


class FeesUnclear(QuestionOpen):
    """Whether a charge is negative or positive, or which fees are inside another."""

    code = "fees_unclear"


class PartMissing(ReportRefused):
    """A report in several files is a set without gap."""

    code = "part_missing"


class PartsDiffer(ReportRefused):
    """Files with one name and different reports in them."""

    code = "parts_differ"


class NotAStatement(ReportRefused):
    """Neither a CSV with our columns nor a CAMT.053."""

    code = "not_a_statement"


class LineUnreadable(ReportRefused):
    """A line of a bank's CSV that cannot be read; ``line`` counts from 1, the header included."""

    code = "line_unreadable"
    sentence = "Line {line} of the statement: {problem}"


class EntryUnreadable(ReportRefused):
    """An entry of a CAMT.053 that cannot be read; ``entry`` counts from 1, ``line`` is where it begins."""

    code = "entry_unreadable"
    sentence = "Entry {entry} of the statement (line {line}): {problem}"


class StatementIncomplete(ReportRefused):
    """Entries are missing in the statement, or too many."""

    code = "statement_incomplete"


class BatchDiffers(ReportRefused):
    """A re-issued batch: shown row by row, never added up a second time."""

    code = "batch_differs"

    @property
    def differences(self) -> list[dict[str, str]]:
        """Row by row: ``row``, ``column``, ``was``, ``now``; the first of them."""
        found = self.params.get("differences", [])
        return found if isinstance(found, list) else []


class LawBroken(ReportRefused):
    """The sums in the database do not add up to what the file reports."""

    code = "law_broken"
    sentence = (
        "The import was undone: {currency} reported {reported}, but matched {matched} + explained {explained} "
        "+ open {open}. Nothing was kept. This is a mistake of the portal: please report it with the file."
    )
