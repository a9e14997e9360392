"""One table per edition of the reports: which printed column means what, in our words.

Nothing but tables stands here. A column with a word is read; a fee stands in the list of fees with the current
edition's name for it, under which the fees of all editions are compared; what is in neither is unknown.

In the current edition all fee columns add up. In E1 to E3 ``feeAmountValue`` is the total and holds interchange,
scheme and markup; whether it holds tax, processing and dispute fees, too, is not documented and is found out per file.
Sources: https://docs.antom.com/ac/reconcile/settlement_details ,
https://docs.antom.com/ac/autodebitpay/settlementsummary ,
https://docs.antom.com/ac/cashierpay/transactionitems , https://docs.antom.com/ac/files/settlement_detail ,
https://global.alipay.com/docs/ac/hk_auto_debit/settlement
"""

from enum import StrEnum
from typing import NamedTuple


class Adds(StrEnum):
    """How a fee column adds up."""

    ALWAYS = "ALWAYS"
    PERHAPS = "PERHAPS"
    """Beside the total or inside it: the file's rows tell."""
    NEVER = "NEVER"
    """A part of another column."""


class Table(NamedTuple):
    """The columns of one report in one edition."""

    words: dict[str, str]
    demanded: tuple[str, ...]
    usual: tuple[str, ...]
    fees: tuple[tuple[str, str, str, Adds], ...]


A, P, N = Adds.ALWAYS, Adds.PERHAPS, Adds.NEVER

PERSONAL = frozenset({"accountHolderName", "originalCardSummary", "cardNumber(Last 4 digits)", "siteUserId"})
"""Never copied out of the file: its bytes are kept encrypted, the rows are not."""

TRANSACTION_ONLY = frozenset(
    {"status", "reason", "3DAuthentication", "3DOffered", "accountHolderName", "originalCardSummary"}
    | {"cardNumber(Last 4 digits)", "issuer", "liabilityShift"}
)
"""Any of these in a header means that it is not a settlement details file."""

# fmt: off
_E4_FEES = (
    # our word                             amount column                        currency column                adds
    ("paymentMethodFeeAmountValue",       "paymentMethodFeeAmountValue",       "paymentMethodFeeCurrency",       A),
    ("interchangeFeeAmountValue",         "interchangeFeeAmountValue",         "interchangeFeeCurrency",         A),
    ("schemeFeeAmountValue",              "schemeFeeAmountValue",              "schemeFeeCurrency",              A),
    ("acquirerMarkupAmountValue",         "acquirerMarkupAmountValue",         "acquirerMarkupCurrency",         A),
    ("processingFeeAmountValue",          "processingFeeAmountValue",          "processingFeeCurrency",          A),
    ("taxFeeAmountValue",                 "taxFeeAmountValue",                 "taxFeeCurrency",                 A),
    ("refundFeeAmountValue",              "refundFeeAmountValue",              "refundFeeCurrency",              A),
    ("disputeHandlingFee",                "disputeHandlingFee",                "disputeHandlingFeeCurrency",     A),
    ("financingFeeAmountValue",           "financingFeeAmountValue",           "financingFeeCurrency",           A),
    ("anticipationFeeAmountValue",        "anticipationFeeAmountValue",        "anticipationFeeCurrency",        A),
    ("rdrFeeAmountValue",                 "rdrFeeAmountValue",                 "rdrFeeCurrency",                 A),
    ("cdrnFeeAmountValue",                "cdrnFeeAmountValue",                "cdrnFeeCurrency",                A),
    ("riskDecisionServiceFeeAmountValue", "riskDecisionServiceFeeAmountValue", "riskDecisionServiceFeeCurrency", A),
    ("riskManagementFeeAmountValue",      "riskManagementFeeAmountValue",      "riskManagementFeeCurrency",      A),
    ("iofFeeAmountValue",                 "iofFeeAmountValue",                 "iofFeeCurrency",                 A),
    ("withholdingTaxAmountValue",         "withholdingTaxAmountValue",         "withholdingTaxFeeCurrency",      A),
    ("fxFeeAmountValue",                  "fxFeeAmountValue",                  "fxFeeAmountCurrency",            A),
    ("rtauServiceFeeAmountValue",         "rtauServiceFeeAmountValue",         "rtauServiceFeeCurrency",         A),
    ("ntServiceFeeAmountValue",           "ntServiceFeeAmountValue",           "ntServiceFeeCurrency",           A),
    (
        "revenueBoosterServiceFeeAmountValue",
        "revenueBoosterServiceFeeAmountValue",
        "revenueBoosterServiceFeeCurrency",
        A,
    ),
)
_E1_FEES = (
    ("paymentMethodFeeAmountValue",       "feeAmountValue",                    "feeCurrency",                    A),
    ("taxFeeAmountValue",                 "taxFeeAmountValue",                 "taxFeeCurrency",                 P),
    ("processingFeeAmountValue",          "processingFeeAmountValue",          "processingFeeCurrency",          P),
    ("disputeHandlingFee",                "disputeHandlingFee",                "disputeHandlingFeeCurrency",     P),
    ("disputeReverseFee",                 "disputeReverseFee",                 "disputeReverseFeeCurrency",      P),
    ("interchangeFeeAmountValue",         "interchangeFeeAmountValue",         "interchangeFeeCurrency",         N),
    ("schemeFeeAmountValue",              "schemeFeeAmountValue",              "schemeFeeCurrency",              N),
    ("acquirerMarkupAmountValue",         "acquirerMarkupAmountValue",         "acquirerMarkupCurrency",         N),
)
_E0_FEES = (("paymentMethodFeeAmountValue", "commission", "", A),)
_HK_FEES = (("paymentMethodFeeAmountValue", "Fee",        "", A),)

_E4_WHO = {
    "customerId":                        "merchant_id",
    "PSP":                               "psp",
    "ARN":                               "acquirer_reference",
    "referenceMerchantId":               "reference_merchant_id",
    "referenceStoreId":                  "reference_store_id",
    "transactionId":                     "transaction_id",
    "transactionRequestId":              "request_id",
    "referenceTransactionId":            "reference_id",
}
_E4_REST = {
    "originalTransactionRequestId":      "original_request_id",
    "paymentMethodType":                 "wallet",
    "transactionType":                   "type",
    "transactionAmountValue":            "amount",
    "transactionCurrency":               "amount_currency",
    "quoteCurrencyPair":                 "pair",
    "quotePrice":                        "price",
    "convertedTransactionAmountValue":   "converted",
    "settlementAmountValue":             "net",
    "settlementCurrency":                "net_currency",
    "settlementInitiatedDate":           "settled_on",
    # Not certain of this edition; harmless where they are, and not unknown.
    "paymentTime":                       "paid_at",
    "productCode":                       "product",
    "orderDescription":                  "description",
    "nonGuaranteeCouponValue":           "coupon",
    "nonGuaranteeCouponCurrency":        "coupon_currency",
    "installmentsNum":                   "instalments",
    "cardBrand":                         "card_brand",
    "cardCountry":                       "card_country",
    "issuingCountry":                    "issuing_country",
    "funding":                           "funding",
}
_E4_TRANSACTION_ONLY = {
    "status":                            "status",
    "reason":                            "reason",
    "3DAuthentication":                  "three_d_authentication",
    "3DOffered":                         "three_d_offered",
    "accountHolderName":                 "account_holder",
    "originalCardSummary":               "card_summary",
    "cardNumber(Last 4 digits)":         "card_digits",
    "issuer":                            "issuer",
    "liabilityShift":                    "liability_shift",
}
_E4_SUMMARY = {
    "settlementBatchId":                 "batch_id",
    "customerId":                        "merchant_id",
    "PSP":                               "psp",
    "summaryType":                       "type",
    "settlementInitiatedDate":           "settled_on",
    "count":                             "count",
    "settlementAmountValue":             "net",
    "settlementCurrency":                "net_currency",
}

_ACQUIRER = {"acquirer": "psp", "acquirerReferenceNo": "acquirer_reference"}
_E1_TRANSACTIONS = {
    "customerId":                        "merchant_id",
    "referenceMerchantId":               "reference_merchant_id",
    "referenceStoreId":                  "reference_store_id",
    "transactionId":                     "transaction_id",
    "originalTransactionId":             "original_transaction_id",
    "transactionRequestId":              "request_id",
    "referenceTransactionId":            "reference_id",
    "orderDescription":                  "description",
    "paymentMethodType":                 "wallet",
    "pspName":                           "wallet_name",
    "transactionType":                   "type",
    "paymentTime":                       "paid_at",
    "productCode":                       "product",
    "transactionAmountValue":            "amount",
    "transactionCurrency":               "amount_currency",
    "originalTransactionRequestId":      "original_request_id",
    "voucherAmount":                     "voucher",
}
_E1_SETTLEMENT = {
    "settlementBatchId":                 "batch_id",
    **_E1_TRANSACTIONS,
    "settlementTime":                    "settled_on",
    "settlementAmountValue":             "net",
    "settlementCurrency":                "net_currency",
    "quoteCurrencyPair":                 "pair",
    "quotePrice":                        "price",
    "nonGuaranteeCouponValue":           "coupon",
    "nonGuaranteeCouponCurrency":        "coupon_currency",
}
_E1_SUMMARY = {
    "settlementBatchId":                 "batch_id",
    "customerId":                        "merchant_id",
    "pspName":                           "wallet_name",
    "summaryType":                       "type",
    "settlementTime":                    "settled_on",
    "count":                             "count",
    "settlementAmountValue":             "net",
    "settlementCurrency":                "net_currency",
    "nonGuaranteeCouponValue":           "coupon",
    "nonGuaranteeCouponCurrency":        "coupon_currency",
}
_CARDS = {
    "issuingCountry":                    "issuing_country",
    "funding":                           "funding",
    "cardBrand":                         "card_brand",
    "installmentsNum":                   "instalments",
}

_E0_COMMON = {
    "merchantId":                        "merchant_id",
    "sellerID":                          "seller_id",
    "storeId":                           "reference_store_id",
    "transType":                         "type",
    "productCode":                       "product",
    "remark":                            "description",
    "acquirementId":                     "transaction_id",
    "originalAcquirementId":             "original_transaction_id",
    "paymentTime":                       "paid_at",
    "userSite":                          "wallet",
    "merchantTransId":                   "request_id",
    "orderAmount":                       "amount",
    "orderCurrency":                     "amount_currency",
}
_E0_SETTLEMENT = {
    **_E0_COMMON,
    "referenceId":                       "batch_id",
    "settlementTime":                    "settled_on",
    "settlementAmount":                  "net",
    "settlementCurrency":                "net_currency",
}
_E0_TRANSACTIONS = {
    **{name: word for name, word in _E0_COMMON.items() if name != "sellerID"},
    "sellerId":                          "seller_id",
    "orderTitle":                        "title",
    "transSTatus":                       "status",
    "siteUserId":                        "site_user_id",
}
_E0_SUMMARY = {
    "type":                              "type",
    "settlementTime":                    "settled_on",
    "count":                             "count",
    "settlementAmount":                  "net",
    "settlementCurrency":                "net_currency",
    "referenceId":                       "batch_id",
    "merchantId":                        "merchant_id",
}
_HK = {
    "Partner_transaction_id":            "request_id",
    "Transaction_id":                    "transaction_id",
    "Amount":                            "amount",
    "Settlement":                        "net",
    "Currency":                          "amount_currency",
    "Payment_time":                      "paid_at",
    "Settlement_time":                   "settled_on",
    "Issue":                             "issue",
    "Product":                           "product",
    "Type":                              "type",
    "Status":                            "status",
    "Remarks":                           "description",
    "Original_partner_transaction_ID":   "original_request_id",
}

# Undocumented; we choose the columns of the clearing reports, because the published pages name the reports and their
# two sections, but not what stands in them: the words are those of the acquirer's APIs. Amounts are in minor units,
# refunds negative, fees positive where they are deducted. What only a file's name says, and what fees make of a row, is
# put beside its columns when it is read (``reading.sections``).
_C1_NAMED = {
    "participantId":                     "merchant_id",
    "clearingBatchId":                   "batch_id",
    "generationDate":                    "settled_on",
}
_C1_DETAILS = {
    **_C1_NAMED,
    "transactionType":                   "type",
    "transactionId":                     "transaction_id",
    "transactionRequestId":              "request_id",
    "transactionTime":                   "paid_at",
    "transactionAmount":                 "amount",
    "transactionCurrency":               "amount_currency",
    "settlementAmount":                  "gross",
    "settlementCurrency":                "net_currency",
    "netAmount":                         "net",
    "paymentId":                         "original_transaction_id",
    "paymentRequestId":                  "original_request_id",
    "refundId":                          "refund_id",
    "refundRequestId":                   "refund_request_id",
    "pspId":                             "wallet",
    "feeCurrency":                       "fee_currency",
}
_C1_SUMMARY = {
    **_C1_NAMED,
    "transactionType":                   "type",
    "totalCount":                        "count",
    "settlementAmount":                  "gross",
    "netAmount":                         "net",
    "settlementCurrency":                "net_currency",
}
_C1_PAYOUT = {
    **_C1_NAMED,
    "clearingDate":                      "cleared_on",
    "settlementAmount":                  "gross",
    "feeAmount":                         "fee",
    "netAmount":                         "net",
    "settlementCurrency":                "net_currency",
    "valueDate":                         "value_day",
    "settlementBatchId":                 "payout_id",
}
FEE_TYPES = {
    "INTERCHANGE_FEE":                   "interchangeFeeAmount",
    "SERVICE_FEE":                       "serviceFeeAmount",
}
"""Where a fee of a clearing is counted; any other type is counted as ``OTHER_FEE``, and announced."""
OTHER_FEE = "otherFeeAmount"
_C1_FEES = (
    # our word                             amount column                        currency column                adds
    ("interchangeFeeAmountValue",         "interchangeFeeAmount",              "feeCurrency",                    A),
    ("serviceFeeAmountValue",             "serviceFeeAmount",                  "feeCurrency",                    A),
    ("otherFeeAmountValue",               "otherFeeAmount",                    "feeCurrency",                    A),
)
SUMMED_UP = ("totalCount", "netTotalAmount", "settlementCurrency")
"""The columns of the section that sums up."""
SECTIONS = {
    "ITEMS": (
        *("transactionType", "transactionId", "transactionRequestId", "transactionTime", "transactionAmount"),
        *("transactionCurrency", "settlementAmount", "settlementCurrency", "paymentId", "paymentRequestId", "pspId"),
    ),
    "FEES": ("feeType", "transactionType", "transactionId", "transactionRequestId", "feeAmount", "feeCurrency"),
    "SUMMARY": (
        *("transactionType", "totalCount", "settlementAmount", "interchangeFeeAmount", "serviceFeeAmount"),
        *("netAmount", "settlementCurrency"),
    ),
    "PAYOUT": ("clearingBatchId", "clearingDate", "settlementAmount", "feeAmount", "netAmount", "settlementCurrency"),
}
"""What the details of each section cannot do without."""
# fmt: on

CURRENT_ONLY = frozenset({"ARN", "settlementInitiatedDate", "paymentMethodFeeAmountValue", "status"})
"""Tell the current edition where its column PSP is missing."""
BEFORE_CURRENT = frozenset(
    {"settlementTime", "feeAmountValue", "originalTransactionId", "pspName", "paymentTime", "orderDescription"}
)
"""Tell E1 where nothing names an acquirer."""

_IDS = ("merchant_id", "transaction_id", "request_id", "type", "amount", "amount_currency")
_SETTLES = ("batch_id", "net", "net_currency", "settled_on")
_E0_SUMS = ("batch_id", "type", "settled_on", "count", "net", "net_currency")
_HK_IDS = ("request_id", "amount", "amount_currency", "type", "status")
_SUMS = ("batch_id", "merchant_id", "type", "settled_on", "count", "net", "net_currency")


def _table(
    words: dict[str, str],
    demanded: tuple[str, ...],
    fees: tuple[tuple[str, str, str, Adds], ...],
    usual: dict[str, str] | None = None,
) -> Table:
    return Table(words, demanded, tuple(usual or ()), fees)


def _earlier(edition: str, acquirer: dict[str, str]) -> list[tuple[str, str, Table]]:
    """E1, E2 and E3: the same reports, from E2 on with their acquirer."""
    psp = ("psp",) if acquirer else ()
    cards = _CARDS if acquirer else {}
    described = {**_E1_TRANSACTIONS, **acquirer}
    for name in ("originalTransactionRequestId", "voucherAmount"):  # of one early edition for Hong Kong
        del described[name]
    return [
        (
            edition,
            "TRANSACTIONS",
            _table({**_E1_TRANSACTIONS, **acquirer, **cards}, (*_IDS, *psp), (), described),
        ),
        (
            edition,
            "SETTLEMENT",
            _table({**_E1_SETTLEMENT, **acquirer, **cards}, (*_IDS, *_SETTLES, *psp), _E1_FEES),
        ),
        (edition, "SUMMARY", _table({**_E1_SUMMARY, **acquirer}, (*_SUMS, *psp), _E1_FEES)),
    ]


TABLES: tuple[tuple[str, str, Table], ...] = (
    (
        "E4",
        "TRANSACTIONS",
        # "Latest status of every transaction", so without status nobody can tell which of them count.
        _table(
            {"settlementBatchId": "batch_id", **_E4_WHO, **_E4_REST, **_E4_TRANSACTION_ONLY},
            (*_IDS, "psp", "status"),
            _E4_FEES,
            _E4_WHO,
        ),
    ),
    (
        "E4",
        "SETTLEMENT",
        _table({"settlementBatchId": "batch_id", **_E4_WHO, **_E4_REST}, (*_IDS, "psp", *_SETTLES), _E4_FEES, _E4_WHO),
    ),
    ("E4", "SUMMARY", _table(_E4_SUMMARY, (*_SUMS, "psp"), _E4_FEES, _E4_SUMMARY)),
    *_earlier("E3", _ACQUIRER),
    *_earlier("E2", _ACQUIRER),
    *_earlier("E1", {}),
    ("E0", "TRANSACTIONS", _table(_E0_TRANSACTIONS, (*_IDS, "status"), (), _E0_TRANSACTIONS)),
    ("E0", "SETTLEMENT", _table(_E0_SETTLEMENT, (*_IDS, *_SETTLES), _E0_FEES, _E0_SETTLEMENT)),
    ("E0", "SUMMARY", _table(_E0_SUMMARY, _E0_SUMS, _E0_FEES)),
    # One header for both; settlement's cells are filled.
    ("E0-HK", "TRANSACTIONS", _table(_HK, _HK_IDS, _HK_FEES, _HK)),
    ("E0-HK", "SETTLEMENT", _table(_HK, (*_HK_IDS, "net", "settled_on"), _HK_FEES, _HK)),
    ("C1", "SETTLEMENT", _table(_C1_DETAILS, (*_IDS, *_SETTLES, "gross"), _C1_FEES)),
    ("C1", "SUMMARY", _table(_C1_SUMMARY, _SUMS, _C1_FEES)),
    ("C1", "PAYOUT", _table(_C1_PAYOUT, ("batch_id", "merchant_id", "settled_on", "net", "net_currency"), ())),
)
