"""Our words to theirs: one pure function per API. Every scalar goes as a string, an absent one not at all.

Field names stand here and in ``answers`` and ``notifications``, nowhere else.
Source: https://docs.antom.com/ac/ams/api_fund and the page named at each function.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from portal.acquirer import (
    Certificate,
    ConsultRequest,
    DeclarationRequest,
    OrderLine,
    PaymentRequest,
    RefundRequest,
    Terminal,
)
from portal.acquirer.results import Secret
from portal.acquirer.writing import moment, os_type, present

PRODUCT_CODE = "AGREEMENT_PAYMENT"
SCOPE = "AGREEMENT_PAY"
LONGEST_LIFE = timedelta(seconds=59)
"""``paymentExpiryTime`` must lie less than one minute after the request."""
_MOST_LINES = 100
_DESCRIPTION_LENGTH = 256
_OS_VERSION_LENGTH = 16


def authorization_consult(request: ConsultRequest) -> dict[str, Any]:
    """https://docs.antom.com/ac/ams/authconsult"""
    return present(
        customerBelongsTo=request.wallet,
        authClientId=request.merchant_reference,
        authRedirectUrl=request.redirect_url,
        authNotifyUrl=request.notify_url,
        scopes=[SCOPE],
        authState=request.auth_state,
        terminalType=request.terminal.terminal_type.value,
        osType=os_type(request.terminal),
        osVersion=os_type(request.terminal) and request.terminal.os_version[:_OS_VERSION_LENGTH],
        # Asked for by one wallet: whether the agreement is for recurring use.
        recurringPayment="true" if request.wallet == "PAYPAY" else "",
    )


def token_for_code(*, wallet: str, auth_code: Secret) -> dict[str, Any]:
    """https://docs.antom.com/ac/ams/accesstokenapp"""
    return {
        "grantType": "AUTHORIZATION_CODE",
        "customerBelongsTo": wallet,
        "authCode": auth_code.reveal(),
    }


def token_for_refresh(*, wallet: str, refresh_token: Secret) -> dict[str, Any]:
    """https://docs.antom.com/ac/autodebitpay/refresh_accesstoken"""
    return {
        "grantType": "REFRESH_TOKEN",
        "customerBelongsTo": wallet,
        "refreshToken": refresh_token.reveal(),
    }


def revocation(*, access_token: Secret) -> dict[str, Any]:
    """https://docs.antom.com/ac/ams/authrevocation"""
    return {"accessToken": access_token.reveal()}


def agreement_payment(request: PaymentRequest, *, now: datetime) -> dict[str, Any]:
    """https://docs.antom.com/ac/ams/payment_agreement

    ``now`` is the time of sending: an expiry a full minute away or later is brought back below the minute.
    """
    expires_at = min(request.expires_at, now + LONGEST_LIFE)
    return present(
        productCode=PRODUCT_CODE,
        paymentRequestId=request.payment_request_id,
        order=present(
            referenceOrderId=request.order_reference,
            orderDescription=request.order_description[:_DESCRIPTION_LENGTH],
            # For display and records; the acquirer does not compare it with what is debited.
            orderAmount=request.amount.to_wire(),
            merchant=present(referenceMerchantId=request.merchant_reference),
            goods=[_goods(line) for line in request.lines[:_MOST_LINES]],
            buyer=present(referenceBuyerId=request.buyer_reference),
            env=_env(request.terminal),
        ),
        paymentAmount=request.amount.to_wire(),
        paymentMethod={
            "paymentMethodType": request.wallet,
            "paymentMethodId": request.access_token.reveal(),
        },
        settlementStrategy=present(settlementCurrency=request.settlement_currency),
        paymentExpiryTime=moment(expires_at),
        paymentNotifyUrl=request.notify_url,
        appId=request.app_id,
    )


def payment_question(*, payment_request_id: str, payment_id: str = "") -> dict[str, Any]:
    """For inquiryPayment and cancel alike; ``paymentId`` wins at the acquirer when both are sent.

    https://docs.antom.com/ac/ams/paymentri_online, https://docs.antom.com/ac/ams/paymentc_online
    """
    return present(paymentRequestId=payment_request_id, paymentId=payment_id)


def payment_refund(request: RefundRequest) -> dict[str, Any]:
    """https://docs.antom.com/ac/ams/refund_online"""
    return present(
        refundRequestId=request.refund_request_id,
        paymentId=request.payment_id,
        refundAmount=request.amount.to_wire(),
        referenceRefundId=request.reference,
        refundReason=request.reason[:_DESCRIPTION_LENGTH],
        refundNotifyUrl=request.notify_url,
    )


def refund_question(*, refund_request_id: str, refund_id: str = "") -> dict[str, Any]:
    """https://docs.antom.com/ac/ams/ir_online"""
    return present(refundRequestId=refund_request_id, refundId=refund_id)


def customs_declaration(request: DeclarationRequest) -> dict[str, Any]:
    """https://docs.antom.com/ac/ams/declare"""
    return present(
        declarationRequestId=request.declaration_request_id,
        paymentId=request.payment_id,
        declarationAmount=request.amount.to_wire(),
        customs={"customsCode": request.customs_code, "region": request.region},
        merchantCustomsInfo={
            "merchantCustomsCode": request.merchant_customs_code,
            "merchantCustomsName": request.merchant_customs_name,
        },
        splitOrder="true" if request.is_split else "false",
        suborderId=request.suborder_id if request.is_split else "",
        buyerCertificate=_certificate(request.certificate) if request.certificate else {},
    )


def declarations_question(declaration_request_ids: Sequence[str]) -> dict[str, Any]:
    """https://docs.antom.com/ac/ams/inquirydeclare"""
    return {"declarationRequestIds": list(declaration_request_ids)}


def _env(terminal: Terminal) -> dict[str, Any]:
    return present(
        terminalType=terminal.terminal_type.value,
        osType=os_type(terminal),
        osVersion=os_type(terminal) and terminal.os_version[:_OS_VERSION_LENGTH],
        clientIp=terminal.client_ip,
        userAgent=terminal.user_agent,
    )


def _goods(line: OrderLine) -> dict[str, Any]:
    return {
        "referenceGoodsId": line.reference,
        "goodsName": line.name[:_DESCRIPTION_LENGTH],
        "goodsUnitAmount": line.unit_amount.to_wire(),
        "goodsQuantity": str(line.quantity),
        "deliveryMethodType": "DIGITAL" if line.is_digital else "PHYSICAL",
    }


def _certificate(certificate: Certificate) -> dict[str, Any]:
    return {
        "certificateType": certificate.kind,
        "certificateNo": certificate.number.reveal(),
        "holderName": {"fullName": certificate.full_name.reveal()},
    }
