"""Our words to theirs: one pure function per API. Every scalar goes as a string, an absent one not at all.

Field names stand here and in ``answers``, ``notifications`` and ``presentation``, nowhere else. What the documents
leave open is asked of ``settled`` (``points``).
"""

from datetime import datetime, timedelta
from typing import Any

from portal.acquirer import ConsultRequest, Merchant, OrderLine, PaymentRequest, RefundRequest, Terminal, TerminalType
from portal.acquirer.points import Settled
from portal.acquirer.results import Secret
from portal.acquirer.writing import moment, os_type, present

CONNECT_WALLET = "CONNECT_WALLET"
LONGEST_LIFE = timedelta(seconds=59)
"""``paymentExpiryTime`` lies at most one minute after the request."""
_TEXT_LENGTH = 256
_NAME_LENGTH = 64
_ADDRESS_LENGTH = 32
"""Of ``clientIp``: what is longer (IPv6 in full) is left out, since half an address is none."""
_MOST_LINES = 100


def preparation(request: ConsultRequest, *, merchant: Merchant, settled: Settled) -> dict[str, Any]:
    """https://docs.alipayplus.com/alipayplus/alipayplus/api_acq_ns/prepare

    Inside a super app the wallet is named, where the field that names it is known; all other buyers choose on the
    Alipay+ page.
    """
    selector = settled.text("wallet_selector_field")
    named = {}
    if selector and request.terminal.terminal_type is TerminalType.MINI_APP:
        named[selector] = settled.pairs("wallet_selector_values").get(request.wallet, request.wallet)
    is_named_otherwise = merchant.display_name not in ("", merchant.legal_name)
    return present(
        authClientId=merchant.reference,
        authClientName=merchant.legal_name[:_TEXT_LENGTH],
        authClientDisplayName=merchant.display_name[:_NAME_LENGTH] if is_named_otherwise else "",
        authClientLogo=merchant.logo_url,
        authRedirectUrl=request.redirect_url,
        authState=request.auth_state,
        scopes=settled.text("prepare_scopes").split(),
        terminalType=request.terminal.terminal_type.value,
        osType=os_type(request.terminal),
        referenceAgreementId=request.auth_state if settled.flag("prepare_sends_agreement_id") else "",
        referenceMerchantId=merchant.reference if settled.flag("prepare_sends_reference_merchant") else "",
        **named,
    )


def token_for_code(*, merchant: Merchant, auth_code: Secret) -> dict[str, Any]:
    """https://docs.alipayplus.com/alipayplus/alipayplus/api_acq/apply_token"""
    return present(authClientId=merchant.reference, grantType="AUTHORIZATION_CODE", authCode=auth_code.reveal())


def token_for_refresh(*, merchant: Merchant, refresh_token: Secret) -> dict[str, Any]:
    """https://docs.alipayplus.com/alipayplus/alipayplus/integration_auto_debit_acq_ns/refresh_access_token"""
    return present(authClientId=merchant.reference, grantType="REFRESH_TOKEN", refreshToken=refresh_token.reveal())


def token_cancellation(*, merchant: Merchant, access_token: Secret) -> dict[str, Any]:
    """https://docs.alipayplus.com/alipayplus/alipayplus/api_acq/cancel_token"""
    return present(accessToken=access_token.reveal(), authClientId=merchant.reference)


def agreement_payment(
    request: PaymentRequest, *, merchant: Merchant, settled: Settled, now: datetime
) -> dict[str, Any]:
    """https://docs.alipayplus.com/alipayplus/alipayplus/api_acq/pay_auto_debit

    ``now`` is the time of sending: an expiry a full minute away or later is brought back below the minute.
    """
    return present(
        paymentRequestId=request.payment_request_id,
        order=present(
            referenceOrderId=request.order_reference,
            orderDescription=request.order_description[:_TEXT_LENGTH],
            orderAmount=request.amount.to_wire(),
            merchant=_merchant(merchant),
            goods=[_goods(line) for line in request.lines[:_MOST_LINES]],
            buyer=present(referenceBuyerId=request.buyer_reference),
            env=_env(request.terminal),
        ),
        paymentAmount=request.amount.to_wire(),
        paymentMethod={
            "paymentMethodType": CONNECT_WALLET,
            "paymentMethodId": request.access_token.reveal(),
        },
        paymentFactor=_factor(settled),
        paymentExpiryTime=moment(min(request.expires_at, now + LONGEST_LIFE)),
        paymentNotifyUrl=request.notify_url,
        settlementStrategy=present(settlementCurrency=request.settlement_currency),
        userRegion=settled.text("pay_user_region"),
    )


def payment_question(*, payment_request_id: str, payment_id: str = "") -> dict[str, Any]:
    """For inquiryPayment and cancelPayment alike. One of the two ids goes: ours, unless only theirs is known.

    https://docs.alipayplus.com/alipayplus/alipayplus/api_acq_tile/inquiry_payment,
    https://docs.alipayplus.com/alipayplus/alipayplus/api_acq/cancel_payment
    """
    if payment_request_id:
        return {"paymentRequestId": payment_request_id}
    return {"paymentId": payment_id}


def payment_refund(request: RefundRequest) -> dict[str, Any]:
    """https://docs.alipayplus.com/alipayplus/alipayplus/api_acq/refund. The same request gives the same bytes."""
    return present(
        paymentId=request.payment_id,
        refundRequestId=request.refund_request_id,
        refundAmount=request.amount.to_wire(),
        refundReason=request.reason[:_TEXT_LENGTH],
    )


def _factor(settled: Settled) -> dict[str, str]:
    others = {"isInStorePayment": "false", "isCashierPayment": "false"}
    return present(
        isAgreementPayment="true",
        **(others if settled.flag("pay_sends_all_factors") else {}),
        presentmentMode=settled.text("pay_presentment_mode"),
    )


def _merchant(merchant: Merchant) -> dict[str, Any]:
    return present(
        referenceMerchantId=merchant.reference,
        merchantName=merchant.legal_name,
        merchantDisplayName=merchant.display_name or merchant.legal_name[:_NAME_LENGTH],
        merchantMCC=merchant.category_code,
        merchantAddress=_address(merchant),
    )


def _address(merchant: Merchant) -> dict[str, Any]:
    """Its region is required, so without one there is no address."""
    if not merchant.region:
        return {}
    return present(
        region=merchant.region,
        state=merchant.state,
        city=merchant.city,
        address1=merchant.address,
        zipCode=merchant.zip_code,
    )


def _env(terminal: Terminal) -> dict[str, Any]:
    return present(
        terminalType=terminal.terminal_type.value,
        osType=os_type(terminal),
        clientIp=terminal.client_ip if len(terminal.client_ip) <= _ADDRESS_LENGTH else "",
        userAgent=terminal.user_agent,
    )


def _goods(line: OrderLine) -> dict[str, Any]:
    return {
        "referenceGoodsId": line.reference,
        "goodsName": line.name[:_TEXT_LENGTH],
        "goodsUnitAmount": line.unit_amount.to_wire(),
        "goodsQuantity": str(line.quantity),
    }
