"""The desk's pages of settlement: batches, files, rows, bank credits, fee contracts, and what to explain."""

from reconciliation.admin.bank_credits import BankCreditAdmin
from reconciliation.admin.batches import BatchAdmin
from reconciliation.admin.contracts import FeeContractAdmin
from reconciliation.admin.discrepancies import DiscrepancyAdmin
from reconciliation.admin.files import ReportFileAdmin
from reconciliation.admin.periods import PeriodAdmin
from reconciliation.admin.questions import PAID_NOT_SETTLED, REFUNDED_NOT_SETTLED
from reconciliation.admin.rows import SettlementRowAdmin

__all__ = [
    "PAID_NOT_SETTLED",
    "REFUNDED_NOT_SETTLED",
    "BankCreditAdmin",
    "BatchAdmin",
    "DiscrepancyAdmin",
    "FeeContractAdmin",
    "PeriodAdmin",
    "ReportFileAdmin",
    "SettlementRowAdmin",
]
