"""The desk's pages of settlement: files, sources, batches, rows, bank credits, contracts, calendars, discrepancies."""

from reconciliation.admin.bank_credits import BankCreditAdmin
from reconciliation.admin.batches import BatchAdmin
from reconciliation.admin.bulk import BulkDecisionAdmin, BulkDecisionLineAdmin
from reconciliation.admin.calendars import SettlementCalendarAdmin
from reconciliation.admin.contracts import FeeContractAdmin
from reconciliation.admin.discrepancies import DiscrepancyAdmin
from reconciliation.admin.files import ReportFileAdmin
from reconciliation.admin.periods import PeriodAdmin
from reconciliation.admin.questions import PAID_NOT_SETTLED, REFUNDED_NOT_SETTLED
from reconciliation.admin.rows import SettlementRowAdmin
from reconciliation.admin.sources import ReportSourceAdmin, SourceFileAdmin

__all__ = [
    "PAID_NOT_SETTLED",
    "REFUNDED_NOT_SETTLED",
    "BankCreditAdmin",
    "BatchAdmin",
    "BulkDecisionAdmin",
    "BulkDecisionLineAdmin",
    "DiscrepancyAdmin",
    "FeeContractAdmin",
    "PeriodAdmin",
    "ReportFileAdmin",
    "ReportSourceAdmin",
    "SettlementCalendarAdmin",
    "SettlementRowAdmin",
    "SourceFileAdmin",
]
