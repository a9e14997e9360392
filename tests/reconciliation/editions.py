"""Reports of the earlier editions as the acquirer printed them: invented data, the documented format."""

import io
import zipfile
from collections.abc import Mapping
from typing import Any

import openpyxl

E3_SETTLEMENT = """\
settlementBatchId,customerId,acquirer,acquirerReferenceNo,referenceMerchantId,referenceStoreId,transactionId,originalTransactionId,transactionRequestId,referenceTransactionId,paymentMethodType,pspName,transactionType,paymentTime,settlementTime,productCode,transactionAmountValue,transactionCurrency,settlementAmountValue,settlementCurrency,quoteCurrencyPair,quotePrice,feeAmountValue,feeCurrency
2024031511029000007,2188990000000042,EXAMPLE_SG,,,,2024031319401080010018800000000101,,P-20240313-000101,ORD-2101,GCASH,GCash,PAYMENT,2024-03-13T23:59:58+08:00,2024-03-15T10:00:00+08:00,AGREEMENT_PAYMENT,80,SGD,77.6,SGD,,,-2.4,SGD
2024031511029000007,2188990000000042,EXAMPLE_SG,,,,2024031319401080020018800000000102,2024031319401080010018800000000101,R-20240314-000102,ORD-2101,GCASH,GCash,REFUND,2024-03-14T09:10:11+08:00,2024-03-15T10:00:00+08:00,AGREEMENT_PAYMENT,-20,SGD,-19.4,SGD,,,0.6,SGD
<END>
"""
"""Settlement details in major units; the refund points back by the acquirer's id, its fee given back in proportion."""

E2_SUMMARY = """\
settlementBatchId,customerId,acquirer,summaryType,settlementTime,count,settlementAmountValue,settlementCurrency,feeAmountValue,feeCurrency,processingFeeAmountValue,processingFeeCurrency,nonGuaranteeCouponValue,nonGuaranteeCouponCurrency,disputeHandlingFee,disputeHandlingFeeCurrency,disputeReverseFee,disputeReverseFeeCurrency,interchangeFeeAmountValue,interchangeFeeCurrency,schemeFeeAmountValue,schemeFeeCurrency,acquirerMarkupAmountValue,acquirerMarkupCurrency
2023022211021099001,2188990000000042,EXAMPLE_SG,TOTAL,2023-02-22T10:00:00+08:00,4,19430,USD,-570,USD,,,,,,,,,,,,,,
2023022211021099001,2188990000000042,EXAMPLE_SG,PAYMENT,2023-02-22T10:00:00+08:00,3,29130,USD,-870,USD,,,,,,,,,,,,,,
2023022211021099001,2188990000000042,EXAMPLE_SG,REFUND,2023-02-22T10:00:00+08:00,1,-9700,USD,300,USD,,,,,,,,,,,,,,
<END>
"""
"""A summary in minor units, TOTAL first."""

DEFAULT_SUMMARY = """\
settlementBatchId,customerId,acquirer,summaryType,settlementTime,count,settlementAmountValue,settlementCurrency,feeAmountValue,feeCurrency,taxFeeAmountValue,taxFeeCurrency
ACQ9X00017,2188990000000042,OTHER_ACQ,PAYMENT,2022-11-30T23:00:00+08:00,2,4800,JPY,200,JPY,20,JPY
ACQ9X00017,2188990000000042,OTHER_ACQ,REFUND,2022-11-30T23:00:00+08:00,1,-960,JPY,-40,JPY,-4,JPY
ACQ9X00017,2188990000000042,OTHER_ACQ,TOTAL,2022-11-30T23:00:00+08:00,4,3843,JPY,160,JPY,13,JPY
ACQ9X00017,2188990000000042,OTHER_ACQ,DEFAULT,2022-11-30T23:00:00+08:00,1,3,JPY,0,JPY,-3,JPY
<END>
"""
"""A summary with a correction line; another acquirer, whose charges are positive."""

E1_TRANSACTIONS = """\
customerId,referenceMerchantId,referenceStoreId,transactionId,originalTransactionId,transactionRequestId,referenceTransactionId,orderDescription,paymentMethodType,pspName,transactionType,paymentTime,productCode,transactionAmountValue,transactionCurrency
2188990000000042,,,2022051019401080010018800000000201,,P-20220510-000201,,"Tea, green",KAKAOPAY,KaKaoPay,PAYMENT,2022-05-10T10:00:00+08:00,AGREEMENT_PAYMENT,25000,KRW,
2188990000000042,,,2022051019401080020018800000000202,2022051019401080010018800000000201,P-20220510-000201,,,KAKAOPAY,KaKaoPay,REFUND,2022-05-10T18:00:00+08:00,AGREEMENT_PAYMENT,-5000,KRW
<END>
"""  # noqa: E501
"""A ragged row, a quoted text, and a refund that repeats the request id of its payment."""

EMPTY_SUMMARY = """\
settlementBatchId, customerId, acquirer, summaryType, settlementTime, count, settlementAmountValue, settlementCurrency, feeAmountValue, feeCurrency
<END>
"""  # noqa: E501
"""No transactions; blanks in the header."""

HK_SETTLEMENT = """\
Partner_transaction_id,Transaction_id,Amount,Fee,Settlement,Currency,Payment_time,Settlement_time,Issue,Product,Type,Status,Remarks,Original_partner_transaction_ID
P-20190105-000001,20190105194010800100160000000000301,12.5,0.25,12.25,HKD,01/05/2019 18:22:10,01/07/2019 9:40,,AGREEMENT_PAY,PAYMENT,SETTLED,,
R-20190105-000002,20190105194010800100160000000000302,2.5,0,-2.5,HKD,01/05/2019 19:01:44,01/07/2019 9:40,,AGREEMENT_PAY,REFUND,SETTLED,,P-20190105-000001
"""  # noqa: E501
"""AlipayHK Auto Debit: no end, amounts without sign, American times."""

E0_SUMMARY = """\
type,settlementTime,count,settlementAmount,settlementCurrency,commission,referenceId,merchantId
PAYMENT,2018-12-03T10:00:00+08:00,1,97.30,HKD,-2.70,1357924680,2188990000000042
REFUND,2018-12-03T10:00:00+08:00,1,-20.00,HKD,+0.00,1357924680,2188990000000042
TOTAL,2018-12-03T10:00:00+08:00,2,77.30,HKD,-2.70,1357924680,2188990000000042
"""
E0_SETTLEMENT = """\
merchantId,sellerID,storeId,transType,productCode,remark,acquirementId,originalAcquirementId,paymentTime,userSite,referenceId,settlementTime,merchantTransId,orderAmount,orderCurrency,settlementAmount,settlementCurrency,commission
2188990000000042,,,PAYMENT,AUTO_DEBIT,,2018120119401080010018800000000401,,2018-12-01T10:00:00+08:00,ALIPAY_HK,1357924680,2018-12-03T10:00:00+08:00,P-20181201-000401,100.00,HKD,97.30,HKD,-2.70
2188990000000042,,,REFUND,AUTO_DEBIT,,2018120119401080020018800000000402,2018120119401080010018800000000401,2018-12-02T10:00:00+08:00,ALIPAY_HK,1357924680,2018-12-03T10:00:00+08:00,R-20181202-000402,-20.00,HKD,-20.00,HKD,+0.00
"""
E0_TRANSACTIONS = """\
merchantId,sellerId,storeId,productCode,paymentTime,orderTitle,transType,transSTatus,merchantTransId,acquirementId,originalAcquirementId,orderAmount,orderCurrency,remark,userSite,siteUserId
2188990000000042,,,AUTO_DEBIT,2018-12-01T10:00:00+08:00,Tea,PAYMENT,SUCCESS,P-20181201-000401,2018120119401080010018800000000401,,100.00,HKD,,ALIPAY_HK,2088123412341234
"""


def settlement_of(columns: str, *rows: Mapping[str, str], usual: Mapping[str, str] | None = None) -> str:
    """A report of any header, ended as it should be."""
    names = columns.split(",")
    lines = [",".join({**(usual or {}), **row}.get(name, "") for name in names) for row in rows]
    return "\n".join([columns, *lines, "<END>", ""])


E1_HEADER = (
    "settlementBatchId,customerId,referenceMerchantId,referenceStoreId,transactionId,originalTransactionId,"
    "transactionRequestId,referenceTransactionId,paymentMethodType,pspName,transactionType,paymentTime,settlementTime,"
    "productCode,transactionAmountValue,transactionCurrency,settlementAmountValue,settlementCurrency,"
    "quoteCurrencyPair,quotePrice,feeAmountValue,feeCurrency,nonGuaranteeCouponValue,nonGuaranteeCouponCurrency"
)
E3_HEADER = (
    "settlementBatchId,customerId,acquirer,acquirerReferenceNo,transactionId,originalTransactionId,"
    "transactionRequestId,referenceTransactionId,paymentMethodType,transactionType,paymentTime,settlementTime,"
    "transactionAmountValue,transactionCurrency,settlementAmountValue,settlementCurrency,feeAmountValue,feeCurrency,"
    "taxFeeAmountValue,taxFeeCurrency,processingFeeAmountValue,processingFeeCurrency"
)
E2_HEADER = (
    f"{E3_HEADER},interchangeFeeAmountValue,interchangeFeeCurrency,schemeFeeAmountValue,schemeFeeCurrency,"
    "acquirerMarkupAmountValue,acquirerMarkupCurrency"
)
USUAL = {
    "settlementBatchId": "2022051211021000001",
    "customerId": "2188990000000042",
    "acquirer": "EXAMPLE_SG",
    "paymentTime": "2022-05-10T10:00:00+08:00",
    "settlementTime": "2022-05-12T10:00:00+08:00",
    "settlementCurrency": "USD",
    "transactionCurrency": "USD",
}


def earlier(row_type: str, request_id: str, amount: str, net: str, fee: str = "", **more: str) -> dict[str, str]:
    """A row of E1 to E3."""
    return {
        "transactionType": row_type,
        "transactionRequestId": request_id,
        "transactionAmountValue": amount,
        "settlementAmountValue": net,
        "feeAmountValue": fee,
        "feeCurrency": "USD" if fee else "",
        **more,
    }


def as_workbook(text: str, change: Any = None) -> bytes:
    """The same report as XLSX, every cell a text; ``change`` may spoil the sheet."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for line in text.rstrip("\n").split("\n"):
        sheet.append(line.split(","))
    if change is not None:
        change(book, sheet)
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()


def zipped(files: Mapping[str, str | bytes]) -> bytes:
    """A ZIP of files by name."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return written.getvalue()
