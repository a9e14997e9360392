"""Their words to ours: one pure function per answer.

inquiryPayment has two results: ``result`` says whether the *inquiry* worked, ``paymentResult`` what became of the
payment; reading the first as the second would be money out of nothing. An answer that speaks of another payment or
refund than the one asked about, or that reports success without a readable amount, is UNKNOWN.
"""

from collections.abc import Mapping
from typing import Any

from portal.acquirer import TerminalType, fields
from portal.acquirer.alipayplus import codes
from portal.acquirer.alipayplus.codes import Api
from portal.acquirer.answering import speaks_of_another, told
from portal.acquirer.client import Answer
from portal.acquirer.points import Settled
from portal.acquirer.results import (
    Advice,
    CancelResult,
    ConsultResult,
    Outcome,
    PaymentInquiry,
    PaymentResult,
    RefundMessage,
    RefundResult,
    RevokeResult,
    TokenResult,
)
from portal.acquirer.wallets import WALLETS

_NO_SUCH_ORDER = "ORDER_NOT_EXIST"
_DONE = {"SUCCESS": Outcome.SUCCESS, "FAIL": Outcome.FAIL}


def preparation_result(answer: Answer, *, terminal: TerminalType) -> ConsultResult:
    """https://docs.alipayplus.com/alipayplus/alipayplus/api_acq_ns/prepare. A success without any URL is UNKNOWN.

    ``authUrl`` is the best supported field, and what a mini program opens. Undocumented, which of the URLs of sibling
    answers come beside it; we choose to read them all, because another terminal may prefer another one.
    """
    outcome, advice = codes.read(Api.PREPARE, code=answer.code, status=answer.status)
    auth_url, normal_url = fields.web_url(answer.body, "authUrl"), fields.web_url(answer.body, "normalUrl")
    first, second = (auth_url, normal_url) if terminal is TerminalType.MINI_APP else (normal_url, auth_url)
    page = first or second
    scheme_url, applink_url = fields.app_url(answer.body, "schemeUrl"), fields.web_url(answer.body, "applinkUrl")
    if outcome is Outcome.SUCCESS and not (page or scheme_url or applink_url):
        outcome, advice = Outcome.UNKNOWN, codes.unsure(Api.PREPARE)
    if outcome is not Outcome.SUCCESS:
        return ConsultResult(outcome=outcome, advice=advice, **told(answer))
    return ConsultResult(
        outcome=outcome,
        advice=advice,
        normal_url=page,
        scheme_url=scheme_url,
        applink_url=applink_url,
        app_identifier=fields.text(answer.body, "appIdentifier", length=128),
        **told(answer),
    )


def token_result(answer: Answer, *, settled: Settled) -> TokenResult:
    """https://docs.alipayplus.com/alipayplus/alipayplus/api_acq/apply_token. A success without a token is UNKNOWN."""
    outcome, advice = codes.read(Api.APPLY_TOKEN, code=answer.code, status=answer.status)
    if outcome is Outcome.SUCCESS and fields.secret(answer.body, "accessToken") is None:
        outcome, advice = Outcome.UNKNOWN, codes.unsure(Api.APPLY_TOKEN)
    if outcome is not Outcome.SUCCESS:
        return TokenResult(outcome=outcome, advice=advice, **told(answer))
    return token(answer.body, settled=settled, advice=advice, **told(answer))


def token(body: Mapping[str, Any], *, settled: Settled, **said: Any) -> TokenResult:
    """A token, in the fields it has in an answer and in a notification."""
    return TokenResult(
        outcome=Outcome.SUCCESS,
        access_token=fields.secret(body, "accessToken"),
        access_token_expires_at=fields.moment(body, "accessTokenExpiryTime"),
        refresh_token=fields.secret(body, "refreshToken"),
        refresh_token_expires_at=fields.moment(body, "refreshTokenExpiryTime"),
        user_login_id=fields.identifier(body, "userLoginId"),
        user_id=fields.identifier(body, "customerId"),
        wallet=wallet_of(fields.identifier(body, "pspId"), settled),
        **said,
    )


def wallet_of(psp_id: str, settled: Settled) -> str:
    """The wallet a ``pspId`` stands for; empty where nobody said which."""
    named = settled.pairs("psp_wallets").get(psp_id, psp_id)
    return named if named in WALLETS else ""


def cancellation_of_token(answer: Answer) -> RevokeResult:
    """https://docs.alipayplus.com/alipayplus/alipayplus/api_acq/cancel_token. An invalid token is dead already."""
    outcome, advice = codes.read(Api.CANCEL_TOKEN, code=answer.code, status=answer.status)
    already_dead = outcome is Outcome.SUCCESS and answer.status == "F"
    return RevokeResult(outcome=outcome, advice=advice, already_dead=already_dead, **told(answer))


def payment_result(answer: Answer, *, payment_request_id: str, is_repeat: bool) -> PaymentResult:
    """https://docs.alipayplus.com/alipayplus/alipayplus/api_acq/pay_auto_debit: here ``result`` is the payment's."""
    outcome, advice = codes.read(Api.PAY, code=answer.code, status=answer.status, repeated=is_repeat)
    if speaks_of_another(answer.body, paymentRequestId=payment_request_id):
        return PaymentResult(outcome=Outcome.UNKNOWN, advice=codes.unsure(Api.PAY), **told(answer))
    return _payment(answer.body, outcome, advice, Api.PAY, **told(answer))


def payment_inquiry(answer: Answer, *, payment_request_id: str, payment_id: str = "") -> PaymentInquiry:
    """https://docs.alipayplus.com/alipayplus/alipayplus/api_acq_tile/inquiry_payment: the call, then the payment."""
    outcome, advice = codes.read(Api.INQUIRY_PAYMENT, code=answer.code, status=answer.status)
    if outcome is Outcome.SUCCESS and speaks_of_another(
        answer.body, paymentRequestId=payment_request_id, paymentId=payment_id
    ):
        outcome, advice = Outcome.UNKNOWN, codes.unsure(Api.INQUIRY_PAYMENT)
    if outcome is not Outcome.SUCCESS:
        is_unknown_there = outcome is Outcome.FAIL and answer.code == _NO_SUCH_ORDER
        return PaymentInquiry(outcome=outcome, advice=advice, is_unknown_there=is_unknown_there, **told(answer))
    result = fields.inner(answer.body, "paymentResult")
    if (_code(result), _status(result)) == (_NO_SUCH_ORDER, "F"):
        # The cashier's guide reads it from here; it means the same as in the call's own result.
        return PaymentInquiry(
            outcome=outcome,
            code=_NO_SUCH_ORDER,
            message=_message(result),
            advice=Advice.CANCEL,
            is_unknown_there=True,
            exchange=answer.exchange,
        )
    listed = fields.objects(answer.body, "transactions")
    return PaymentInquiry(
        outcome=outcome,
        advice=advice,
        payment=_said_payment(answer.body, is_cancelled=_is_cancelled(listed), exchange=answer.exchange),
        refunds=tuple(_listed_refund(one) for one in listed if fields.text(one, "transactionType") == "REFUND"),
        **told(answer),
    )


def notified_payment(message: Mapping[str, Any]) -> PaymentResult:
    """The payment as notifyPayment tells it: S or F, never U.

    https://docs.alipayplus.com/alipayplus/alipayplus/api_acq_older_edition/notify_payment
    """
    return _said_payment(message)


def cancel_result(answer: Answer, *, payment_request_id: str, payment_id: str = "") -> CancelResult:
    """https://docs.alipayplus.com/alipayplus/alipayplus/api_acq/cancel_payment. Its F speaks of the cancel alone."""
    outcome, advice = codes.read(Api.CANCEL_PAYMENT, code=answer.code, status=answer.status)
    if speaks_of_another(answer.body, paymentRequestId=payment_request_id, paymentId=payment_id):
        return CancelResult(outcome=Outcome.UNKNOWN, advice=codes.unsure(Api.CANCEL_PAYMENT), **told(answer))
    refused = answer.code if outcome is Outcome.FAIL else ""
    return CancelResult(
        outcome=outcome,
        advice=advice,
        payment_id=fields.identifier(answer.body, "paymentId"),
        is_too_late=refused == "CANCEL_WINDOW_EXCEED",
        is_unknown_there=refused == _NO_SUCH_ORDER,
        **told(answer),
    )


def refund_result(answer: Answer, *, refund_request_id: str, payment_id: str, is_repeat: bool) -> RefundResult:
    """https://docs.alipayplus.com/alipayplus/alipayplus/api_acq/refund: ``result`` is about the refund."""
    outcome, advice = codes.read(Api.REFUND, code=answer.code, status=answer.status, repeated=is_repeat)
    amount = fields.amount(answer.body, "refundAmount")
    is_of_another = speaks_of_another(answer.body, refundRequestId=refund_request_id, paymentId=payment_id)
    if is_of_another or (outcome is Outcome.SUCCESS and amount is None):
        outcome, advice = Outcome.UNKNOWN, codes.unsure(Api.REFUND)
    if is_of_another:
        return RefundResult(outcome=outcome, advice=advice, **told(answer))
    return RefundResult(
        outcome=outcome,
        advice=advice,
        refund_id=fields.identifier(answer.body, "refundId"),
        payment_id=fields.identifier(answer.body, "paymentId"),
        amount=amount,
        refunded_at=fields.moment(answer.body, "refundTime"),
        gross_settlement=fields.amount(answer.body, "settlementAmount"),
        quote=fields.quote(answer.body, "settlementQuote"),
        **told(answer),
    )


def _said_payment(message: Mapping[str, Any], *, is_cancelled: bool = False, **said: Any) -> PaymentResult:
    """A payment whose outcome stands in ``paymentResult``. One the acquirer has cancelled is over, whatever that says.

    Undocumented, what paymentResult says of a paid payment that was cancelled; we choose to believe the cancel that is
    listed among its transactions, because a successful cancel overrides the payment's own success.
    """
    result = fields.inner(message, "paymentResult")
    outcome, advice = codes.read(Api.PAYMENT_RESULT, code=_code(result), status=_status(result))
    if is_cancelled:
        outcome, advice = Outcome.FAIL, Advice.NEW_ID
    said |= {"code": _code(result), "message": _message(result), "is_cancelled": is_cancelled}
    return _payment(message, outcome, advice, Api.PAYMENT_RESULT, **said)


def _payment(body: Mapping[str, Any], outcome: Outcome, advice: Advice, api: Api, **said: Any) -> PaymentResult:
    """The fields a payment has in every message. A success without a readable amount is UNKNOWN."""
    amount = fields.amount(body, "paymentAmount")
    if outcome is Outcome.SUCCESS and amount is None:
        outcome, advice = Outcome.UNKNOWN, codes.unsure(api)
    return PaymentResult(
        outcome=outcome,
        advice=advice,
        payment_id=fields.identifier(body, "paymentId"),
        amount=amount,
        paid_at=fields.moment(body, "paymentTime"),
        gross_settlement=fields.amount(body, "settlementAmount"),
        quote=fields.quote(body, "settlementQuote"),
        customs_declaration_amount=fields.amount(body, "customsDeclarationAmount"),
        **said,
    )


def _is_cancelled(transactions: list[Mapping[str, Any]]) -> bool:
    return any(
        fields.text(one, "transactionType") == "CANCEL"
        and fields.text(one, "transactionStatus") == "SUCCESS"
        and _status(fields.inner(one, "transactionResult")) in ("", "S")
        for one in transactions
    )


def _listed_refund(transaction: Mapping[str, Any]) -> RefundMessage:
    """An element of ``transactions``: ``transactionStatus`` and its own result must agree."""
    result = fields.inner(transaction, "transactionResult")
    outcome, advice = codes.read(Api.TRANSACTION_RESULT, code=_code(result), status=_status(result))
    amount = fields.amount(transaction, "transactionAmount")
    agreed = outcome is _DONE.get(fields.text(transaction, "transactionStatus"), Outcome.UNKNOWN)
    if not agreed or (outcome is Outcome.SUCCESS and amount is None):
        outcome, advice = Outcome.UNKNOWN, codes.unsure(Api.TRANSACTION_RESULT)
    return RefundMessage(
        refund_request_id=fields.identifier(transaction, "transactionRequestId"),
        refund=RefundResult(
            outcome=outcome,
            advice=advice,
            code=_code(result),
            message=_message(result),
            refund_id=fields.identifier(transaction, "transactionId"),
            amount=amount,
            refunded_at=fields.moment(transaction, "transactionTime"),
        ),
    )


def _code(result: Mapping[str, Any]) -> str:
    return fields.text(result, "resultCode", length=64)


def _status(result: Mapping[str, Any]) -> str:
    return fields.text(result, "resultStatus", length=8)


def _message(result: Mapping[str, Any]) -> str:
    return fields.text(result, "resultMessage")
