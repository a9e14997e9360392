"""Why a report file is not imported. Every one of these leaves nothing behind.

PortalError
└── ReportRefused           the file as a whole; the sentence says why and what to do
    ├── ReportUnreadable    names the line
    ├── NotAReport          not one of the reports we read, or not readable as text at all
    ├── ColumnMissing       names the columns
    ├── ReportTruncated     no ``<END>``, or something after it
    ├── ForeignMerchant     another merchant's customerId
    ├── AccountUnclear      several accounts could be meant
    ├── UnitUnclear         its amounts fit our orders partly as major, partly as minor units
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


class UnitUnclear(ReportRefused):
    """The amount unit cannot be decided, and is not guessed at."""

    code = "unit_unclear"


class BatchDiffers(ReportRefused):
    """A re-issued batch: shown row by row, never added up a second time."""

    code = "batch_differs"


class LawBroken(ReportRefused):
    """The sums in the database do not add up to what the file reports."""

    code = "law_broken"
    sentence = (
        "The import was undone: {currency} reported {reported}, but matched {matched} + explained {explained} "
        "+ open {open}. Nothing was kept. This is a mistake of the portal: please report it with the file."
    )
