"""Antom's door: consult, applyToken, revoke, pay, inquiryPayment, cancel, refund, inquiryRefund, customs; three
notifications.

Sources: the API pages under https://docs.antom.com/ac/ams/, and https://docs.antom.com/ac/scantopay/notification.
"""

import hashlib
import json
import sqlite3
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from portal.money import Money, from_wire
from portal.sandbox import authorizations, customs, fields, logins, notifications, payments, refunds, wallets
from portal.sandbox import transactions as movements
from portal.sandbox.authorizations import Attempt
from portal.sandbox.codes import Refusal, is_documented, result, status_of
from portal.sandbox.context import Context
from portal.sandbox.doors import Call
from portal.sandbox.fields import illegal
from portal.sandbox.merchants import Merchant
from portal.sandbox.moments import is_iso_time, on_the_wire, parse_time
from portal.sandbox.payments import Debit
from portal.sandbox.refunds import GiveBack
from portal.sandbox.terms import ANTOM

_NEEDS_OS = ("APP", "WAP", "MINI_APP")
LOGIN_PATH = "/v1/authorizations/applyToken"
# How the wallet's login endpoint is signed is not in the pages we have; we choose the same headers and signature as
# the acquirer's, because one client then serves both.

_INSTEAD = {
    "EXPIRED_ACCESS_TOKEN": "INVALID_ACCESS_TOKEN",
    "INVALID_TOKEN": "INVALID_ACCESS_TOKEN",
    "INVALID_CODE": "INVALID_AUTHCODE",
    "USED_CODE": "INVALID_AUTHCODE",
    "EXPIRED_CODE": "INVALID_AUTHCODE",
    "EXPIRED_REFRESH_TOKEN": "INVALID_REFRESH_TOKEN",
    "INVALID_CLIENT": "UNKNOWN_CLIENT",
    "NO_SUCH_TOKEN": "INVALID_ACCESS_TOKEN",
    "BUSINESS_NOT_SUPPORT": "PAYMENT_NOT_QUALIFIED",
    "UNAVAILABLE_PAYMENT_METHOD": "NO_PAY_OPTIONS",
    "REGULATION_RESTRICTION": "RISK_REJECT",
}
"""What Antom says where a finer word, or one of Alipay+, is not among an API's codes."""


def consult(context: Context, merchant: Merchant, request: dict[str, Any]) -> dict[str, object]:
    """Prepare one authorization and answer its URL."""
    terminal = request["terminalType"]
    if terminal in _NEEDS_OS and not request.get("osType"):
        raise illegal("osType", f"it is required when terminalType is {terminal}")
    wallet = authorizations.contracted_wallet(merchant, request["customerBelongsTo"])
    secondary = request.get("authClientId") or ""
    if secondary and secondary not in merchant.secondary_merchants:
        raise Refusal("MERCHANT_NOT_REGISTERED")
    url = authorizations.begin(
        context,
        merchant,
        Attempt(
            wallet=wallet.name,
            auth_state=request["authState"],
            redirect_url=request["authRedirectUrl"],
            notify_url=request.get("authNotifyUrl") or merchant.notify_urls.get("authorization", ""),
            auth_client_id=secondary,
            shop_name="",
            request=json.dumps(request, sort_keys=True),
        ),
    )
    answer: dict[str, object] = {"result": result("SUCCESS"), "normalUrl": url}
    if terminal == "APP" and wallet.opens_app:
        answer["applinkUrl"] = url
    if terminal in ("APP", "WAP"):
        answer["appIdentifier"] = f"com.example.{wallet.name.lower()}"
    return answer


def apply_token(context: Context, merchant: Merchant, request: dict[str, Any]) -> dict[str, object]:
    """Exchange a code, or a refresh token, for a pair of tokens."""
    wallet = authorizations.contracted_wallet(merchant, request["customerBelongsTo"]).name
    if request["grantType"] == "AUTHORIZATION_CODE":
        if not request.get("authCode"):
            raise illegal("authCode", "it is required when grantType is AUTHORIZATION_CODE")
        return _token_answer(context, authorizations.redeem(context, merchant, request["authCode"], wallet=wallet))
    if not request.get("refreshToken"):
        raise illegal("refreshToken", "it is required when grantType is REFRESH_TOKEN")
    return _token_answer(context, authorizations.refresh(context, merchant, request["refreshToken"], wallet=wallet))


def _token_answer(context: Context, token: sqlite3.Row) -> dict[str, object]:
    account = wallets.account_of(context, token["user_id"], token["wallet"])
    login = wallets.masked_login(account["login_id"])
    answer: dict[str, object] = {
        "result": result("SUCCESS"),
        "accessToken": token["access_token"],
        "accessTokenExpiryTime": on_the_wire(token["expires_at"]),
    }
    if token["refresh_token"]:
        answer |= {
            "refreshToken": token["refresh_token"],
            "refreshTokenExpiryTime": on_the_wire(token["refresh_expires_at"]),
        }
    return answer | {
        "userLoginId": login,
        "extendInfo": json.dumps({"userId": account["customer_id"], "userLoginId": login}),
    }


def revoke(context: Context, merchant: Merchant, request: dict[str, Any]) -> dict[str, object]:
    """The merchant ends an authorization."""
    token = authorizations.find_token(context, merchant, request["accessToken"])
    trouble = authorizations.trouble_with(context, token, token["wallet"] if token is not None else "")
    if token is None or trouble:
        raise Refusal(trouble)
    authorizations.end_by_merchant(context, token)
    return {"result": result("SUCCESS")}


def pay(context: Context, merchant: Merchant, request: dict[str, Any]) -> dict[str, object]:
    """Debit the user."""
    order, method = request["order"], request["paymentMethod"]
    terminal = (order.get("env") or {}).get("terminalType")
    if terminal in _NEEDS_OS and not order["env"].get("osType"):
        raise illegal("order.env.osType", f"it is required when terminalType is {terminal}")
    if terminal == "MINI_APP" and not request.get("appId"):
        raise illegal("appId", "it is required when terminalType is MINI_APP")
    amount, seller, expiry = from_wire(request["paymentAmount"]), order.get("merchant") or {}, request.get(_EXPIRY)
    debit = Debit(
        request_id=request["paymentRequestId"],
        amount=amount,
        wallet=method["paymentMethodType"],
        access_token=method["paymentMethodId"],
        order_id=order.get("referenceOrderId") or "",
        description=order.get("orderDescription") or "",
        reference_merchant_id=seller.get("referenceMerchantId") or "",
        reference_store_id=(seller.get("store") or {}).get("referenceStoreId") or "",
        settlement_currency=request["settlementStrategy"].get("settlementCurrency") or "",
        notify_url=request.get("paymentNotifyUrl") or merchant.notify_urls.get("payment", ""),
        closes_at=parse_time(expiry) if expiry else None,
        compared=_digest(amount.currency, str(amount.value), method["paymentMethodId"]),
    )
    payment = payments.pay(context, merchant, debit)
    code = said("pay", payment["result_code"])
    answer: dict[str, object] = {"result": result(code)}
    if status_of(code) == "F":
        return answer
    facts = _facts_when_paid(context, payment)
    facts.pop("customsDeclarationAmount", None)
    return answer | _identity(payment) | facts


_EXPIRY = "paymentExpiryTime"


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _identity(payment: sqlite3.Row) -> dict[str, object]:
    return {
        "paymentRequestId": payment["payment_request_id"],
        "paymentId": payment["payment_id"],
        "paymentAmount": Money(payment["value"], payment["currency"]).to_wire(),
        "paymentCreateTime": on_the_wire(payment["created_at"]),
    }


def _facts_when_paid(context: Context, payment: sqlite3.Row) -> dict[str, object]:
    if payment["paid_at"] is None:
        return {}
    account = wallets.account_of(context, payment["user_id"], payment["wallet"])
    facts: dict[str, object] = {
        "paymentTime": on_the_wire(payment["paid_at"]),
        "pspCustomerInfo": {
            "pspName": wallets.WALLETS[payment["wallet"]].title,
            "pspCustomerId": account["customer_id"],
            "displayCustomerId": wallets.masked_login(account["login_id"]),
        },
    }
    if payment["wallet"] == "ALIPAY_CN" and payment["status"] == "SUCCESS":
        facts["customsDeclarationAmount"] = customs.declarable(context, payment).to_wire()
    return facts | _settlement(context, payment["payment_id"], payment["payment_request_id"], "PAYMENT")


def _settlement(context: Context, payment_id: str, request_id: str, kind: str) -> dict[str, object]:
    """``grossSettlementAmount`` and ``settlementQuote`` of a movement; nothing within one currency."""
    rate = movements.rate_of(context, payment_id, request_id, kind)
    if rate is None:
        return {}
    return {"grossSettlementAmount": rate[0].to_wire(), "settlementQuote": rate[1].on_the_wire()}


def _payment_in(context: Context, merchant: Merchant, request: dict[str, Any]) -> sqlite3.Row:
    ids = {"payment_id": request.get("paymentId"), "request_id": request.get("paymentRequestId")}
    return payments.asked_for(context, merchant, **ids)


def inquire_payment(context: Context, merchant: Merchant, request: dict[str, Any]) -> dict[str, object]:
    """Answer what became of a payment. ``result`` is about this call only."""
    payment = _payment_in(context, merchant, request)
    code = said("pay", payment["result_code"])
    answer: dict[str, object] = {
        "result": result("SUCCESS"),
        "paymentStatus": payment["status"],
        "paymentResultCode": code,
        "paymentResultMessage": result(code)["resultMessage"],
    }
    answer |= _identity(payment) | _facts_when_paid(context, payment)
    refunded = payments.refunds_of(context, payment)
    if refunded:
        # The page's sample says null where there are none. We choose to leave the field out, because the acquirer's
        # published Python client cannot read null, and whoever reads null reads nothing, too.
        answer["transactions"] = [_refund_line(context, one) for one in refunded]
    return answer


def _refund_line(context: Context, refund: sqlite3.Row) -> dict[str, object]:
    line: dict[str, object] = {
        "transactionResult": result(
            "PAYMENT_IN_PROCESS" if refund["status"] == "PROCESSING" else _as_transaction_code(refund["result_code"])
        ),
        "transactionId": refund["refund_id"],
        "transactionType": "REFUND",
        "transactionStatus": refund["status"],
        "transactionAmount": Money(refund["value"], refund["currency"]).to_wire(),
        "transactionRequestId": refund["refund_request_id"],
        "transactionTime": on_the_wire(refund["finished_at"] or refund["created_at"]),
    }
    return line | _settlement(context, refund["payment_id"], refund["refund_request_id"], "REFUND")


def _as_transaction_code(code: str) -> str:
    """A refund's code in the shorter table of ``transactions[].transactionResult``."""
    return code if code in ("SUCCESS", "SYSTEM_ERROR") else "PROCESS_FAIL"


def cancel(context: Context, merchant: Merchant, request: dict[str, Any]) -> dict[str, object]:
    """End a payment as a whole."""
    payment = payments.cancel(context, merchant, _payment_in(context, merchant, request))
    return {
        "result": result("SUCCESS"),
        "paymentId": payment["payment_id"],
        "paymentRequestId": payment["payment_request_id"],
        "cancelTime": on_the_wire(payment["cancelled_at"]),
    }


def refund(context: Context, merchant: Merchant, request: dict[str, Any]) -> dict[str, object]:
    """Give money back."""
    wish = GiveBack(
        payment=payments.find(context, merchant.client_id, payment_id=request["paymentId"]),
        request_id=request["refundRequestId"],
        amount=from_wire(request["refundAmount"]),
        reason=request.get("refundReason") or "",
        notify_url=request.get("refundNotifyUrl") or merchant.notify_urls.get("refund", ""),
    )
    row = refunds.refund(context, merchant, wish)
    answer: dict[str, object] = {"result": result(said("refund", row["result_code"]))}
    if status_of(row["result_code"]) == "F":
        return answer
    answer |= {**_refund_identity(row), "paymentId": row["payment_id"]}
    if row["finished_at"] is not None:
        answer["refundTime"] = on_the_wire(row["finished_at"])
    return answer | _settlement(context, row["payment_id"], row["refund_request_id"], "REFUND")


def _refund_identity(row: sqlite3.Row) -> dict[str, object]:
    return {
        "refundRequestId": row["refund_request_id"],
        "refundId": row["refund_id"],
        "refundAmount": Money(row["value"], row["currency"]).to_wire(),
    }


def inquire_refund(context: Context, merchant: Merchant, request: dict[str, Any]) -> dict[str, object]:
    """Answer what became of a refund. ``result`` is about this call only."""
    refund_id, request_id = request.get("refundId"), request.get("refundRequestId")
    if not refund_id and not request_id:
        raise illegal("refundRequestId", "one of refundRequestId and refundId is required")
    row = refunds.find(context, merchant.client_id, refund_id=refund_id, request_id=request_id)
    if row is None:
        raise Refusal("ORDER_NOT_EXIST")
    answer: dict[str, object] = {"result": result("SUCCESS"), **_refund_identity(row), "refundStatus": row["status"]}
    if row["status"] == "SUCCESS":
        answer["refundTime"] = on_the_wire(row["finished_at"])
    return answer | _settlement(context, row["payment_id"], row["refund_request_id"], "REFUND")


def said(api: str, code: str) -> str:
    """A code of the rules as Antom says it for an API."""
    return code if is_documented(api, code) else _INSTEAD.get(code, code)


_CALLS = {
    "authorizations/consult": Call("consult", "consult", consult),
    "authorizations/applyToken": Call("applyToken", "applyToken", apply_token),
    "authorizations/revoke": Call("revoke", "revoke", revoke),
    "payments/pay": Call("pay", "pay", pay),
    "payments/inquiryPayment": Call("inquiryPayment", "inquiryPayment", inquire_payment),
    "payments/cancel": Call("cancel", "cancel", cancel),
    "payments/refund": Call("refund", "refund", refund),
    "payments/inquiryRefund": Call("inquiryRefund", "inquiryRefund", inquire_refund),
    "customs/declare": Call("declare", "declare", customs.declare),
    "customs/inquiryDeclarationRequests": Call(
        "inquiryDeclarationRequests", "inquiryDeclarationRequests", customs.inquire
    ),
}


class AntomDoor:
    """The protocol of https://docs.antom.com/ac/ams/."""

    protocol = ANTOM
    calls: Mapping[str, Call] = {
        f"{prefix}/v1/{path}": call for prefix in ("/ams/api", "/ams/sandbox/api") for path, call in _CALLS.items()
    } | {LOGIN_PATH: Call("login", "login", logins.apply_token, of_the_wallet=True)}

    def is_time(self, text: str) -> bool:
        """Unix milliseconds, or ISO 8601 with offset: both are in use."""
        if text.isascii() and text.isdigit():
            return len(text) <= 15
        return is_iso_time(text)

    def time(self, now: int) -> str:
        """Milliseconds as in requests: the pages are of two minds about notifications, and it is signed verbatim."""
        return str(now)

    def check(self, _context: Context, api: str, request: dict[str, Any]) -> None:
        """Walk the request along its table; "" counts as absent. Raises Refusal."""
        fields.check_request(fields.TABLES[api], request)

    def result(self, api: str, code: str, message: str = "") -> dict[str, str]:
        """The Result object."""
        return result(said(api, code), message)

    def answer_failed(self, context: Context, merchant: Merchant, api: str, answer: Mapping[str, object]) -> None:
        """Nothing follows: what was lost is asked about."""

    def is_acknowledgement(self, _merchant: Merchant, _uri: str, _headers: Mapping[str, str], body: bytes) -> bool:
        """The fixed acknowledgement, which nobody signs."""
        return notifications.is_acknowledgement(body)

    def unbinding_question(self, _context: Context, _token: sqlite3.Row) -> None:
        """None: the wallets do not ask."""

    def return_url(self, redirect_url: str, auth_state: str, code: str | None) -> str:
        """A missing code is the only sign of a refusal. The URL may have a query already."""
        values = {"authState": auth_state} if code is None else {"authCode": code, "authState": auth_state}
        base, hash_mark, fragment = redirect_url.partition("#")
        joiner = "" if base.endswith(("?", "&")) else "&" if "?" in base else "?"
        return f"{base}{joiner}{urlencode(values, quote_via=quote)}{hash_mark}{fragment}"

    def code_created(self, context: Context, authorization: sqlite3.Row, code: str, account: sqlite3.Row) -> None:
        """notifyAuthorization AUTHCODE_CREATED."""
        body: dict[str, object] = {"authorizationNotifyType": "AUTHCODE_CREATED"}
        if authorization["auth_client_id"]:
            body["authClientId"] = authorization["auth_client_id"]
        body |= {
            "authState": authorization["auth_state"],
            "authCode": code,
            "result": result("SUCCESS"),
            "userLoginId": wallets.masked_login(account["login_id"]),
            "userId": account["customer_id"],
        }
        notifications.enqueue(
            context,
            authorization["client_id"],
            "notifyAuthorization",
            authorization["auth_state"],
            authorization["notify_url"],
            body,
            wallet=authorization["wallet"],
        )

    def token_ended(self, context: Context, token: sqlite3.Row, reason: str, *, by_merchant: bool) -> None:
        """notifyAuthorization TOKEN_CANCELED, where the wallet tells it."""
        tells = wallets.WALLETS[token["wallet"]].tells_revocation
        if not (context.settings.tell_merchant_revocation if by_merchant else tells):
            return
        body: dict[str, object] = {"authorizationNotifyType": "TOKEN_CANCELED"}
        if token["auth_client_id"]:
            body["authClientId"] = token["auth_client_id"]
        body |= {"accessToken": token["access_token"], "reason": reason, "result": result("SUCCESS")}
        notifications.enqueue(
            context,
            token["client_id"],
            "notifyAuthorization",
            f"token {token['number']}",
            token["notify_url"] or notifications.dashboard_url(context, token["client_id"], "authorization"),
            body,
            wallet=token["wallet"],
        )

    def payment_finished(self, context: Context, payment: sqlite3.Row) -> None:
        """notifyPayment PAYMENT_RESULT."""
        body: dict[str, object] = {
            "notifyType": "PAYMENT_RESULT",
            "result": result(said("pay", payment["result_code"])),
            **_identity(payment),
            **_facts_when_paid(context, payment),
        }
        self._tell_of(context, payment, body, not_before=payments.told_not_before(payment))

    def payment_pending(self, context: Context, payment: sqlite3.Row) -> None:
        """notifyPayment PAYMENT_PENDING, whose result says S all the same
        (https://docs.antom.com/ac/ams/paymentrn_online)."""
        body = {"notifyType": "PAYMENT_PENDING", "result": result("SUCCESS"), **_identity(payment)}
        self._tell_of(context, payment, body)

    def _tell_of(
        self, context: Context, payment: sqlite3.Row, body: Mapping[str, object], *, not_before: int = 0
    ) -> None:
        notifications.enqueue(
            context,
            payment["client_id"],
            "notifyPayment",
            payment["payment_request_id"],
            payment["notify_url"],
            body,
            wallet=payment["wallet"],
            not_before=not_before,
        )

    def refund_finished(self, context: Context, refund: sqlite3.Row, payment: sqlite3.Row) -> None:
        """notifyRefund."""
        body: dict[str, object] = {
            "notifyType": "REFUND_RESULT",
            "result": result(said("refund", refund["result_code"])),
            "refundStatus": refund["status"],
            **_refund_identity(refund),
        }
        if refund["status"] == "SUCCESS":
            body["refundTime"] = on_the_wire(refund["finished_at"])
        body |= _settlement(context, refund["payment_id"], refund["refund_request_id"], "REFUND")
        notifications.enqueue(
            context,
            refund["client_id"],
            "notifyRefund",
            refund["refund_request_id"],
            refund["notify_url"],
            body,
            wallet=payment["wallet"],
        )
