"""The three reports of the current edition: their columns, and how a header tells which one it is.

Columns are found by name and never by position: their order changed with every edition, and a merchant may have a
layout of its own. A file is recognised by its header and never by its name: a published summary carries the name of a
details file.
Sources: https://docs.antom.com/ac/reconcile/transaction_details ,
https://docs.antom.com/ac/reconcile/settlement_details , https://docs.antom.com/ac/reconcile/settlement_summary
"""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import TextChoices

from reconciliation.errors import ColumnMissing, NotAReport


class ReportKind(TextChoices):
    """Which of the three reports a file is."""

    TRANSACTIONS = "TRANSACTIONS", "Transaction details"
    SETTLEMENT = "SETTLEMENT", "Settlement details"
    SUMMARY = "SUMMARY", "Settlement summary"


EDITION = "E4"
"""The current edition, in our own numbering: the one that says PSP where the earlier ones say acquirer."""

# fmt: off
FEE_COLUMNS: dict[str, str] = {
    # amount column                       currency column
    "paymentMethodFeeAmountValue":        "paymentMethodFeeCurrency",
    "interchangeFeeAmountValue":          "interchangeFeeCurrency",
    "schemeFeeAmountValue":               "schemeFeeCurrency",
    "acquirerMarkupAmountValue":          "acquirerMarkupCurrency",
    "processingFeeAmountValue":           "processingFeeCurrency",
    "taxFeeAmountValue":                  "taxFeeCurrency",
    "refundFeeAmountValue":               "refundFeeCurrency",
    "disputeHandlingFee":                 "disputeHandlingFeeCurrency",
    "financingFeeAmountValue":            "financingFeeCurrency",
    "anticipationFeeAmountValue":         "anticipationFeeCurrency",
    "rdrFeeAmountValue":                  "rdrFeeCurrency",
    "cdrnFeeAmountValue":                 "cdrnFeeCurrency",
    "riskDecisionServiceFeeAmountValue":  "riskDecisionServiceFeeCurrency",
    "riskManagementFeeAmountValue":       "riskManagementFeeCurrency",
    "iofFeeAmountValue":                  "iofFeeCurrency",
    "withholdingTaxAmountValue":          "withholdingTaxFeeCurrency",
    "fxFeeAmountValue":                   "fxFeeAmountCurrency",
    "rtauServiceFeeAmountValue":          "rtauServiceFeeCurrency",
    "ntServiceFeeAmountValue":            "ntServiceFeeCurrency",
    "revenueBoosterServiceFeeAmountValue": "revenueBoosterServiceFeeCurrency",
}
# fmt: on
"""All additive in this edition, all normally in the settlement currency."""

PERSONAL_COLUMNS = frozenset({"accountHolderName", "originalCardSummary", "cardNumber(Last 4 digits)"})
"""Never copied out of the file: its bytes are kept encrypted, the rows are not."""

_TRANSACTION_ONLY = frozenset(
    {"status", "reason", "3DAuthentication", "3DOffered", "accountHolderName", "originalCardSummary"}
    | {"cardNumber(Last 4 digits)", "issuer", "liabilityShift"}
)
"""Any of these in a header means that it is not a settlement details file."""
_EARLIER_EDITIONS = frozenset(
    {"acquirer", "acquirerReferenceNo", "settlementTime", "feeAmountValue", "originalTransactionId", "pspName"}
    | {"Partner_transaction_id", "merchantTransId", "acquirementId", "commission"}
)

_TRANSACTION_COLUMNS = (
    "customerId",
    "PSP",
    "transactionId",
    "transactionRequestId",
    "transactionType",
    "transactionAmountValue",
    "transactionCurrency",
)
_COMMON_OPTIONAL = (
    "ARN",
    "referenceMerchantId",
    "referenceStoreId",
    "referenceTransactionId",
    "originalTransactionRequestId",
    "paymentMethodType",
    "paymentTime",
    "productCode",
    "orderDescription",
    "quoteCurrencyPair",
    "quotePrice",
    "convertedTransactionAmountValue",
    "installmentsNum",
    "cardBrand",
    "cardCountry",
    "issuingCountry",
    "funding",
)
_FEES = tuple(name for pair in FEE_COLUMNS.items() for name in pair)


@dataclass(frozen=True)
class Layout:
    """The columns of one report: those it cannot do without, and those we know besides."""

    kind: ReportKind
    demanded: tuple[str, ...]
    optional: tuple[str, ...]

    @property
    def known(self) -> frozenset[str]:
        return frozenset(self.demanded) | frozenset(self.optional)


LAYOUTS: dict[ReportKind, Layout] = {
    layout.kind: layout
    for layout in (
        Layout(
            ReportKind.TRANSACTIONS,
            # "Latest status of every transaction", so without status nobody can tell which of them count.
            (*_TRANSACTION_COLUMNS, "status"),
            (
                *_COMMON_OPTIONAL,
                "settlementAmountValue",
                "settlementCurrency",
                "settlementBatchId",
                "settlementInitiatedDate",
                *_FEES,
                *sorted(_TRANSACTION_ONLY - {"status"}),
            ),
        ),
        Layout(
            ReportKind.SETTLEMENT,
            (
                "settlementBatchId",
                *_TRANSACTION_COLUMNS,
                "settlementAmountValue",
                "settlementCurrency",
                "settlementInitiatedDate",
            ),
            (*_COMMON_OPTIONAL, *_FEES),
        ),
        Layout(
            ReportKind.SUMMARY,
            (
                "settlementBatchId",
                "customerId",
                "PSP",
                "summaryType",
                "settlementInitiatedDate",
                "count",
                "settlementAmountValue",
                "settlementCurrency",
            ),
            _FEES,
        ),
    )
}
_LEAST_KNOWN = 4
"""Fewer known names than this, and the file is something else altogether."""


def recognise(header: Sequence[str]) -> Layout:
    """The layout of a header. Raises NotAReport or ColumnMissing."""
    names = frozenset(header)
    everything = frozenset().union(*(layout.known for layout in LAYOUTS.values()))
    earlier = sorted(names & _EARLIER_EDITIONS)
    if "PSP" not in names and earlier:
        raise NotAReport(
            problem=(
                f"This is a report of an earlier edition (it has {', '.join(earlier)}). The portal reads the current "
                "one, whose columns say PSP: download the report from the dashboard, or ask the acquirer to move the "
                "SFTP account to the current layout."
            )
        )
    if len(names & everything) < _LEAST_KNOWN:
        raise NotAReport(
            problem=(
                "This is not one of the acquirer's reports: its first line names none of their columns "
                f"(it begins {', '.join(header[:3])[:80]!r}). Transaction details, settlement details and settlement "
                "summary are read."
            )
        )
    layout = LAYOUTS[_kind(names)]
    missing = [name for name in layout.demanded if name not in names]
    if missing:
        raise ColumnMissing(report=layout.kind.label.lower(), columns=", ".join(missing))
    return layout


def _kind(names: frozenset[str]) -> ReportKind:
    if "summaryType" in names or ("count" in names and "transactionType" not in names):
        return ReportKind.SUMMARY
    if names & _TRANSACTION_ONLY:
        return ReportKind.TRANSACTIONS
    if "settlementBatchId" in names or "settlementInitiatedDate" in names:
        return ReportKind.SETTLEMENT
    return ReportKind.TRANSACTIONS


def unknown_columns(layout: Layout, header: Sequence[str]) -> list[str]:
    """Names the layout does not know: kept with every row, and announced."""
    return [name for name in header if name not in layout.known]
