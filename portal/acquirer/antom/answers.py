"""Their words to ours: one pure function per answer.

What an answer says about the *call* and what it says about the *thing* are kept apart: in inquiryPayment and
inquiryRefund ``result`` is about the call, and only ``paymentStatus`` and ``refundStatus`` speak of the money. An
answer that speaks of another payment or refund than the one asked about, or that reports success without a readable
amount, is UNKNOWN: nobody may act on it, and the next question may be answered better.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from portal.acquirer import fields
from portal.acquirer.answering import speaks_of_another, told
from portal.acquirer.antom import codes
from portal.acquirer.antom.codes import Api
from portal.acquirer.client import Answer
from portal.acquirer.results import (
    Advice,
    CancelResult,
    ConsultResult,
    CustomsStatus,
    DeclarationInquiry,
    DeclarationRecord,
    DeclarationResult,
    Outcome,
    PaymentInquiry,
    PaymentResult,
    RefundInquiry,
    RefundMessage,
    RefundResult,
    RevokeResult,
    TokenResult,
)

_NO_SUCH_ORDER = "ORDER_NOT_EXIST"


def consult_result(answer: Answer) -> ConsultResult:
    """https://docs.antom.com/ac/ams/authconsult. A success without any URL is UNKNOWN."""
    outcome, advice = codes.read(Api.CONSULT, code=answer.code, status=answer.status)
    normal_url = fields.web_url(answer.body, "normalUrl")
    scheme_url = fields.app_url(answer.body, "schemeUrl")
    applink_url = fields.web_url(answer.body, "applinkUrl")
    if not (normal_url or scheme_url or applink_url):
        normal_url = fields.web_url(answer.body, "authUrl")  # deprecated, and still returned for some wallets
    if outcome is Outcome.SUCCESS and not (normal_url or scheme_url or applink_url):
        outcome, advice = Outcome.UNKNOWN, codes.unsure(Api.CONSULT)
    if outcome is not Outcome.SUCCESS:
        return ConsultResult(outcome=outcome, advice=advice, **told(answer))
    return ConsultResult(
        outcome=outcome,
        advice=advice,
        normal_url=normal_url,
        scheme_url=scheme_url,
        applink_url=applink_url,
        app_identifier=fields.text(answer.body, "appIdentifier", length=128),
        **told(answer),
    )


def token_result(answer: Answer) -> TokenResult:
    """https://docs.antom.com/ac/ams/accesstokenapp. A success without a token is UNKNOWN."""
    outcome, advice = codes.read(Api.APPLY_TOKEN, code=answer.code, status=answer.status)
    token = fields.secret(answer.body, "accessToken")
    if outcome is Outcome.SUCCESS and token is None:
        outcome, advice = Outcome.UNKNOWN, codes.unsure(Api.APPLY_TOKEN)
    if outcome is not Outcome.SUCCESS:
        return TokenResult(outcome=outcome, advice=advice, **told(answer))
    extended = fields.extended(answer.body)
    return TokenResult(
        outcome=outcome,
        advice=advice,
        access_token=token,
        access_token_expires_at=fields.moment(answer.body, "accessTokenExpiryTime"),
        refresh_token=fields.secret(answer.body, "refreshToken"),
        refresh_token_expires_at=fields.moment(answer.body, "refreshTokenExpiryTime"),
        user_login_id=_either(answer.body, extended, "userLoginId"),
        user_id=_either(answer.body, extended, "userId"),
        **told(answer),
    )


def revoke_result(answer: Answer) -> RevokeResult:
    """https://docs.antom.com/ac/ams/authrevocation. "Invalid token" means that it is dead already."""
    outcome, advice = codes.read(Api.REVOKE, code=answer.code, status=answer.status)
    already_dead = outcome is Outcome.SUCCESS and answer.status == "F"
    return RevokeResult(outcome=outcome, advice=advice, already_dead=already_dead, **told(answer))


def payment_result(answer: Answer, *, payment_request_id: str, is_repeat: bool) -> PaymentResult:
    """https://docs.antom.com/ac/ams/payment_agreement: here, and only here, ``result`` is about the payment."""
    outcome, advice = codes.read(Api.PAY, code=answer.code, status=answer.status, repeated=is_repeat)
    if speaks_of_another(answer.body, paymentRequestId=payment_request_id):
        return PaymentResult(outcome=Outcome.UNKNOWN, advice=codes.unsure(Api.PAY), **told(answer))
    return _payment(answer.body, outcome, advice, Api.PAY, **told(answer))


def payment_inquiry(answer: Answer, *, payment_request_id: str, payment_id: str = "") -> PaymentInquiry:
    """https://docs.antom.com/ac/ams/paymentri_online: the call by ``result``, the payment by ``paymentStatus``."""
    outcome, advice = codes.read(Api.INQUIRY_PAYMENT, code=answer.code, status=answer.status)
    if outcome is Outcome.SUCCESS and speaks_of_another(
        answer.body, paymentRequestId=payment_request_id, paymentId=payment_id
    ):
        outcome, advice = Outcome.UNKNOWN, codes.unsure(Api.INQUIRY_PAYMENT)
    if outcome is not Outcome.SUCCESS:
        return PaymentInquiry(
            outcome=outcome,
            advice=advice,
            is_unknown_there=outcome is Outcome.FAIL and answer.code == _NO_SUCH_ORDER,
            **told(answer),
        )
    return PaymentInquiry(
        outcome=outcome,
        advice=advice,
        payment=_inquired_payment(answer),
        refunds=tuple(
            _listed_refund(transaction)
            for transaction in fields.objects(answer.body, "transactions")
            if fields.text(transaction, "transactionType") == "REFUND"
        ),
        **told(answer),
    )


def cancel_result(answer: Answer, *, payment_request_id: str, payment_id: str = "") -> CancelResult:
    """https://docs.antom.com/ac/ams/paymentc_online. Its F speaks of the cancel, never of the payment."""
    outcome, advice = codes.read(Api.CANCEL, code=answer.code, status=answer.status)
    if speaks_of_another(answer.body, paymentRequestId=payment_request_id, paymentId=payment_id):
        return CancelResult(outcome=Outcome.UNKNOWN, advice=codes.unsure(Api.CANCEL), **told(answer))
    refused = answer.code if outcome is Outcome.FAIL else ""
    return CancelResult(
        outcome=outcome,
        advice=advice,
        payment_id=fields.identifier(answer.body, "paymentId"),
        cancelled_at=fields.moment(answer.body, "cancelTime"),
        is_too_late=refused == "CANCEL_WINDOW_EXCEED",
        is_unsupported=refused == "PAYMENT_METHOD_NOT_SUPPORTED",
        is_unknown_there=refused == _NO_SUCH_ORDER,
        **told(answer),
    )


def refund_result(answer: Answer, *, refund_request_id: str, payment_id: str, is_repeat: bool) -> RefundResult:
    """https://docs.antom.com/ac/ams/refund_online: ``result`` is about the refund."""
    outcome, advice = codes.read(Api.REFUND, code=answer.code, status=answer.status, repeated=is_repeat)
    if speaks_of_another(answer.body, refundRequestId=refund_request_id, paymentId=payment_id):
        return RefundResult(outcome=Outcome.UNKNOWN, advice=codes.unsure(Api.REFUND), **told(answer))
    return _refund(answer.body, outcome, advice, Api.REFUND, **told(answer))


def refund_inquiry(answer: Answer, *, refund_request_id: str) -> RefundInquiry:
    """https://docs.antom.com/ac/ams/ir_online: the call by ``result``, the refund by ``refundStatus``."""
    outcome, advice = codes.read(Api.INQUIRY_REFUND, code=answer.code, status=answer.status)
    if outcome is Outcome.SUCCESS and speaks_of_another(answer.body, refundRequestId=refund_request_id):
        outcome, advice = Outcome.UNKNOWN, codes.unsure(Api.INQUIRY_REFUND)
    if outcome is not Outcome.SUCCESS:
        return RefundInquiry(
            outcome=outcome,
            advice=advice,
            is_unknown_there=outcome is Outcome.FAIL and answer.code == _NO_SUCH_ORDER,
            **told(answer),
        )
    said, refund_advice = refund_status(fields.text(answer.body, "refundStatus"))
    return RefundInquiry(
        outcome=outcome,
        advice=advice,
        # No field of this answer says why a refund failed: the code stays empty.
        refund=_refund(answer.body, said, refund_advice, Api.REFUND, exchange=answer.exchange),
        **told(answer),
    )


def declaration_result(answer: Answer, *, is_repeat: bool) -> DeclarationResult:
    """https://docs.antom.com/ac/ams/declare: about the call, not the verdict of customs."""
    outcome, advice = codes.read(Api.DECLARE, code=answer.code, status=answer.status, repeated=is_repeat)
    return DeclarationResult(
        outcome=outcome,
        advice=advice,
        customs_payment_id=fields.identifier(answer.body, "customsPaymentId"),
        customs_order_id=fields.identifier(answer.body, "customsOrderId"),
        identity_check=fields.text(answer.body, "identityCheckResult", length=32),
        clearing_channel=fields.text(answer.body, "clearingChannel", length=32),
        clearing_transaction_id=fields.identifier(answer.body, "clearingTransactionId"),
        provider_registration_id=fields.identifier(answer.body, "customsProviderRegistrationId"),
        **told(answer),
    )


def declaration_inquiry(answer: Answer, *, asked: Sequence[str]) -> DeclarationInquiry:
    """https://docs.antom.com/ac/ams/inquirydeclare. Records of ids nobody asked about are left out."""
    outcome, advice = codes.read(Api.INQUIRY_DECLARATIONS, code=answer.code, status=answer.status)
    if outcome is not Outcome.SUCCESS:
        return DeclarationInquiry(outcome=outcome, advice=advice, **told(answer))
    not_found = answer.body.get("declarationRequestsNotFound")
    records = (_declaration(record) for record in fields.objects(answer.body, "declarationRecords"))
    return DeclarationInquiry(
        outcome=outcome,
        advice=advice,
        records=tuple(record for record in records if record.declaration_request_id in asked),
        not_found=tuple(one for one in asked if isinstance(not_found, list) and one in not_found),
        **told(answer),
    )


def notified_payment(message: Mapping[str, Any], *, is_pending: bool) -> PaymentResult:
    """The payment as notifyPayment tells it. https://docs.antom.com/ac/ams/paymentrn_online

    While pending nothing is decided, though the result says S.
    """
    result = fields.inner(message, "result")
    code, status = fields.text(result, "resultCode", length=64), fields.text(result, "resultStatus", length=8)
    outcome, advice = codes.read(Api.NOTIFY_PAYMENT, code=code, status=status)
    if is_pending:
        outcome, advice = Outcome.UNKNOWN, Advice.ASK
    said = fields.text(result, "resultMessage")
    return _payment(message, outcome, advice, Api.NOTIFY_PAYMENT, code=code, message=said)


def notified_refund(message: Mapping[str, Any]) -> RefundResult:
    """The refund as notifyRefund tells it: ``result`` and ``refundStatus`` must agree.

    https://docs.antom.com/ac/ams/notify_refund
    """
    result = fields.inner(message, "result")
    code, status = fields.text(result, "resultCode", length=64), fields.text(result, "resultStatus", length=8)
    outcome, advice = codes.read(Api.NOTIFY_REFUND, code=code, status=status)
    if outcome is not refund_status(fields.text(message, "refundStatus"))[0]:
        outcome, advice = Outcome.UNKNOWN, codes.unsure(Api.NOTIFY_REFUND)
    said = fields.text(result, "resultMessage")
    return _refund(message, outcome, advice, Api.NOTIFY_REFUND, code=code, message=said)


def refund_status(status: str) -> tuple[Outcome, Advice]:
    """What ``refundStatus`` says of the refund; a status we never saw says nothing."""
    match status:
        case "SUCCESS":
            return Outcome.SUCCESS, Advice.NOTHING
        case "FAIL":
            return Outcome.FAIL, Advice.NEW_ID
        case _:
            return Outcome.UNKNOWN, Advice.ASK


def payment_status(status: str, code: str) -> tuple[Outcome, Advice]:
    """What ``paymentStatus`` and ``paymentResultCode`` say together of the payment.

    The status decides and the code may not contradict it: SUCCESS with a code of failure, FAIL with a code of success
    or of waiting, or either with a code we never saw, is UNKNOWN. An absent code contradicts nothing. CANCELLED stands
    whatever the code: no page lists the codes beside it.
    """
    if status == "CANCELLED":
        return Outcome.FAIL, Advice.NEW_ID
    status_letter = {"SUCCESS": "S", "FAIL": "F"}.get(status)
    if status_letter is None:
        return Outcome.UNKNOWN, Advice.ASK
    if not code:
        return (Outcome.SUCCESS, Advice.NOTHING) if status_letter == "S" else (Outcome.FAIL, Advice.NEW_ID)
    return codes.read(Api.PAYMENT_RESULT, code=code, status=status_letter)


def _inquired_payment(answer: Answer) -> PaymentResult:
    status = fields.text(answer.body, "paymentStatus", length=32)
    code = fields.text(answer.body, "paymentResultCode", length=64)
    outcome, advice = payment_status(status, code)
    return _payment(
        answer.body,
        outcome,
        advice,
        Api.PAYMENT_RESULT,
        is_cancelled=status == "CANCELLED",
        code=code,
        message=fields.text(answer.body, "paymentResultMessage"),
        exchange=answer.exchange,
    )


def _payment(
    body: Mapping[str, Any], outcome: Outcome, advice: Advice, api: Api, *, is_cancelled: bool = False, **said: Any
) -> PaymentResult:
    """The fields a payment has in every message. A success without a readable amount is UNKNOWN."""
    amount = fields.amount(body, "paymentAmount")
    if outcome is Outcome.SUCCESS and amount is None:
        outcome, advice = Outcome.UNKNOWN, codes.unsure(api)
    return PaymentResult(
        outcome=outcome,
        advice=advice,
        payment_id=fields.identifier(body, "paymentId"),
        amount=amount,
        created_at=fields.moment(body, "paymentCreateTime"),
        paid_at=fields.moment(body, "paymentTime"),
        gross_settlement=fields.amount(body, "grossSettlementAmount"),
        quote=fields.quote(body, "settlementQuote"),
        customs_declaration_amount=fields.amount(body, "customsDeclarationAmount"),
        display_customer_id=fields.text(fields.inner(body, "pspCustomerInfo"), "displayCustomerId", length=64),
        is_cancelled=is_cancelled,
        **said,
    )


def _refund(body: Mapping[str, Any], outcome: Outcome, advice: Advice, api: Api, **said: Any) -> RefundResult:
    """The fields a refund has in every message. A success without a readable amount is UNKNOWN."""
    amount = fields.amount(body, "refundAmount")
    if outcome is Outcome.SUCCESS and amount is None:
        outcome, advice = Outcome.UNKNOWN, codes.unsure(api)
    return RefundResult(
        outcome=outcome,
        advice=advice,
        refund_id=fields.identifier(body, "refundId"),
        payment_id=fields.identifier(body, "paymentId"),
        amount=amount,
        refunded_at=fields.moment(body, "refundTime"),
        gross_settlement=fields.amount(body, "grossSettlementAmount"),
        quote=fields.quote(body, "settlementQuote"),
        **said,
    )


def _listed_refund(transaction: Mapping[str, Any]) -> RefundMessage:
    """An element of ``transactions``: ``transactionStatus`` and its own result must agree."""
    result = fields.inner(transaction, "transactionResult")
    code, status = fields.text(result, "resultCode", length=64), fields.text(result, "resultStatus", length=8)
    outcome, advice = codes.read(Api.TRANSACTION_RESULT, code=code, status=status)
    amount = fields.amount(transaction, "transactionAmount")
    agreed = outcome is refund_status(fields.text(transaction, "transactionStatus"))[0]
    if not agreed or (outcome is Outcome.SUCCESS and amount is None):
        outcome, advice = Outcome.UNKNOWN, codes.unsure(Api.TRANSACTION_RESULT)
    return RefundMessage(
        refund_request_id=fields.identifier(transaction, "transactionRequestId"),
        refund=RefundResult(
            outcome=outcome,
            advice=advice,
            code=code,
            message=fields.text(result, "resultMessage"),
            refund_id=fields.identifier(transaction, "transactionId"),
            amount=amount,
            refunded_at=fields.moment(transaction, "transactionTime"),
            gross_settlement=fields.amount(transaction, "grossSettlementAmount"),
            quote=fields.quote(transaction, "settlementQuote"),
        ),
    )


def _declaration(record: Mapping[str, Any]) -> DeclarationRecord:
    status = fields.text(record, "declarationRequestStatus", length=64)
    known = {name.value: name for name in CustomsStatus if name is not CustomsStatus.OTHER}
    merchant = fields.inner(record, "merchantCustomsInfo")
    return DeclarationRecord(
        declaration_request_id=fields.identifier(record, "declarationRequestId", length=32),
        # Undocumented beside IN_PROCESS; we choose to read SUCCESS and FAIL as the words they are, because every other
        # status of this protocol uses them so, and to keep any other word as text.
        status=known.get(status, CustomsStatus.OTHER),
        status_text=status,
        customs_payment_id=fields.identifier(record, "customsPaymentId"),
        customs_order_id=fields.identifier(record, "customsOrderId"),
        amount=fields.amount(record, "declarationAmount"),
        merchant_customs_code=fields.text(merchant, "merchantCustomsCode"),
        merchant_customs_name=fields.text(merchant, "merchantCustomsName"),
        result_code=fields.text(record, "customsDeclarationResultCode", length=64),
        result_description=fields.text(record, "customsDeclarationResultDesc"),
        returned_at=fields.moment(record, "customsDeclarationReturnTime"),
        modified_at=fields.moment(record, "lastModifiedTime"),
    )


def _either(body: Mapping[str, Any], extended: Mapping[str, Any], name: str) -> str:
    return fields.identifier(body, name) or fields.identifier(extended, name)
