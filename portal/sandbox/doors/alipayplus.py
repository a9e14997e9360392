"""Alipay+'s door: prepare, applyToken, cancelToken, pay, inquiryPayment, cancelPayment, refund; two notifications
and one question.

Sources: the pages under https://docs.alipayplus.com/alipayplus/alipayplus/api_acq/ (prepare, apply_token, cancel_token,
pay_auto_debit, inquiry_payment, cancel_payment, refund, auth_notify, consult_unbinding, notify_payment).
"""

import hashlib
import json
import sqlite3
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

from portal.acquirer.signing import KeyUnreadable, content_to_sign, load_public_key, parse_header, verify
from portal.money import Money, from_wire
from portal.sandbox import authorizations, codes, merchants, notifications, payments, refunds, wallets
from portal.sandbox import transactions as movements
from portal.sandbox.alipayplus_codes import WORDS, said
from portal.sandbox.authorizations import Attempt
from portal.sandbox.codes import Refusal, status_of
from portal.sandbox.context import Context, NotSaid
from portal.sandbox.doors import Call, Rule, alipayplus_fields
from portal.sandbox.fields import illegal
from portal.sandbox.merchants import Merchant
from portal.sandbox.moments import is_iso_time, on_the_wire, parse_time
from portal.sandbox.payments import Debit
from portal.sandbox.refunds import GiveBack
from portal.sandbox.terms import ALIPAYPLUS

_ASKS_NOTHING = ("ALIPAY_CN",)
"""Wallets that unbind without consultUnbinding
(https://docs.alipayplus.com/alipayplus/alipayplus/integration_auto_debit_acq/account_unbinding)."""


def result(api: str, code: str, message: str = "") -> dict[str, str]:
    """The Result object of an API for a code of the rules."""
    return codes.result(said(api, code), message)


def _sides(merchant: Merchant, wallet: str) -> dict[str, object]:
    """Who is on both ends. A wallet's pspId is told under contract; we choose its name, so that a reader can tell."""
    return {"acquirerId": merchant.customer_id, "pspId": wallet}


def prepare(context: Context, merchant: Merchant, request: dict[str, Any]) -> dict[str, object]:
    """Prepare one authorization and answer its URL: of the wallet named, or of the page to pick one."""
    if not merchant.active:
        raise Refusal("INVALID_MERCHANT_STATUS")
    if merchant.secondary_merchants and request["authClientId"] not in merchant.secondary_merchants:
        raise Refusal("MERCHANT_NOT_REGISTERED")
    reference = request.get("referenceMerchantId")
    if reference and reference != request["authClientId"]:
        raise illegal("referenceMerchantId", "it must equal authClientId")
    named = request.get(context.settings.wallet_selector)
    url = authorizations.begin(
        context,
        merchant,
        Attempt(
            wallet=authorizations.contracted_wallet(merchant, named).name if named else "",
            auth_state=request["authState"],
            redirect_url=request["authRedirectUrl"],
            notify_url=merchant.notify_urls.get("authorization", ""),
            auth_client_id=request["authClientId"],
            shop_name=request.get("authClientDisplayName") or request["authClientName"],
            request=json.dumps(request, sort_keys=True),
        ),
    )
    return {"result": result("prepare", "SUCCESS"), "authUrl": url}


def apply_token(context: Context, merchant: Merchant, request: dict[str, Any]) -> dict[str, object]:
    """Exchange a code, or a refresh token, for a pair of tokens."""
    if not merchant.active:
        raise Refusal("INVALID_MERCHANT_STATUS")
    shop = request["authClientId"]
    if request["grantType"] == "AUTHORIZATION_CODE":
        if not request.get("authCode"):
            raise illegal("authCode", "it is required when grantType is AUTHORIZATION_CODE")
        token = authorizations.redeem(context, merchant, request["authCode"], auth_client_id=shop)
    else:
        if not request.get("refreshToken"):
            raise illegal("refreshToken", "it is required when grantType is REFRESH_TOKEN")
        token = authorizations.refresh(context, merchant, request["refreshToken"], auth_client_id=shop)
    return {
        "result": result("applyToken", "SUCCESS"),
        **_pair(context, token),
        **_sides(merchant, token["wallet"]),
    }


def _pair(context: Context, token: sqlite3.Row) -> dict[str, object]:
    account = wallets.account_of(context, token["user_id"], token["wallet"])
    pair: dict[str, object] = {
        "accessToken": token["access_token"],
        "accessTokenExpiryTime": on_the_wire(token["expires_at"]),
    }
    if token["refresh_token"]:
        pair["refreshToken"] = token["refresh_token"]
        pair["refreshTokenExpiryTime"] = on_the_wire(token["refresh_expires_at"])
    return pair | {"customerId": account["customer_id"], "userLoginId": wallets.masked_login(account["login_id"])}


def cancel_token(context: Context, merchant: Merchant, request: dict[str, Any]) -> dict[str, object]:
    """The merchant ends an authorization; the same token is answered the same again."""
    token = authorizations.find_token(context, merchant, request["accessToken"])
    if token is None or token["auth_client_id"] != request["authClientId"]:
        raise Refusal("INVALID_ACCESS_TOKEN")
    # What a token that the wallet had ended is answered with is not published; we choose success, because it is ended.
    if token["status"] != "REVOKED":
        if trouble := authorizations.trouble_with(context, token, token["wallet"]):
            raise Refusal(trouble)
        authorizations.end_by_merchant(context, token)
    return {"result": result("cancelToken", "SUCCESS"), **_sides(merchant, token["wallet"])}


def pay(context: Context, merchant: Merchant, request: dict[str, Any]) -> dict[str, object]:
    """Debit the user; or, as an evaluation, only say whether they could pay."""
    order, method, factor = request["order"], request["paymentMethod"], request["paymentFactor"]
    amount, expiry, seller = from_wire(request["paymentAmount"]), request.get("paymentExpiryTime"), order["merchant"]
    strategy = request.get("settlementStrategy") or {}
    token = authorizations.find_token(context, merchant, method["paymentMethodId"])
    if token is not None and seller["referenceMerchantId"] != token["auth_client_id"]:
        raise illegal("order.merchant.referenceMerchantId", "it must equal the authClientId that was authorized")
    debit = Debit(
        request_id=request["paymentRequestId"],
        amount=amount,
        wallet=token["wallet"] if token is not None else "",
        access_token=method["paymentMethodId"],
        order_id=order["referenceOrderId"],
        description=order["orderDescription"],
        reference_merchant_id=seller["referenceMerchantId"],
        reference_store_id=(seller.get("store") or {}).get("referenceStoreId") or "",
        settlement_currency=strategy.get("settlementCurrency") or "",
        notify_url=request.get("paymentNotifyUrl") or merchant.notify_urls.get("payment", ""),
        closes_at=parse_time(expiry) if expiry else None,
        compared=_digest(amount, factor, strategy, method["paymentMethodType"]),
    )
    if factor.get("isPaymentEvaluation") == "true":
        return {"result": result("pay", payments.evaluate(context, merchant, debit))}
    payment = payments.pay(context, merchant, debit)
    answer: dict[str, object] = {"result": result("pay", payment["result_code"])}
    if status_of(payment["result_code"]) == "F":
        return answer
    told = _told(context, merchant, payment)
    del told["paymentRequestId"]
    return answer | told


def _digest(amount: Money, factor: Mapping[str, object], strategy: Mapping[str, object], kind: str) -> str:
    """The compared fields of a request (https://docs.alipayplus.com/alipayplus/alipayplus/api_acq/pay_auto_debit)."""
    compared = [amount.currency, amount.value, dict(factor), dict(strategy), kind]
    return hashlib.sha256(json.dumps(compared, sort_keys=True).encode()).hexdigest()


def _told(context: Context, merchant: Merchant, payment: sqlite3.Row) -> dict[str, object]:
    """What is said of a payment wherever it is spoken of."""
    told: dict[str, object] = {
        **_sides(merchant, payment["wallet"]),
        "paymentRequestId": payment["payment_request_id"],
        "paymentId": payment["payment_id"],
        "paymentAmount": Money(payment["value"], payment["currency"]).to_wire(),
    }
    if payment["paid_at"] is None:
        return told
    account = wallets.account_of(context, payment["user_id"], payment["wallet"])
    told |= {
        "paymentTime": on_the_wire(payment["paid_at"]),
        "customerId": account["customer_id"],
        "walletBrandName": wallets.WALLETS[payment["wallet"]].title,
        "mppPaymentId": f"MPP{payment['payment_id']}",
    }
    if payment["wallet"] == "ALIPAY_CN" and payment["status"] == "SUCCESS":
        told["customsDeclarationAmount"] = told["paymentAmount"]
    return told | _settlement(context, payment["payment_id"], payment["payment_request_id"], "PAYMENT")


def _settlement(context: Context, payment_id: str, request_id: str, kind: str) -> dict[str, object]:
    """``settlementAmount`` and ``settlementQuote`` of a movement; nothing within one currency."""
    rate = movements.rate_of(context, payment_id, request_id, kind)
    if rate is None:
        return {}
    priced = {name: value for name, value in rate[1].on_the_wire().items() if name != "guaranteed"}
    return {"settlementAmount": rate[0].to_wire(), "settlementQuote": priced}


def _payment_in(context: Context, merchant: Merchant, request: dict[str, Any]) -> sqlite3.Row:
    ids = {"payment_id": request.get("paymentId"), "request_id": request.get("paymentRequestId")}
    return payments.asked_for(context, merchant, **ids)


def inquire_payment(context: Context, merchant: Merchant, request: dict[str, Any]) -> dict[str, object]:
    """Answer what became of a payment: ``result`` is about this call, ``paymentResult`` about the payment."""
    payment = _payment_in(context, merchant, request)
    answer: dict[str, object] = {
        "result": result("inquiryPayment", "SUCCESS"),
        "paymentResult": result("pay", payment["result_code"]),
        **_told(context, merchant, payment),
    }
    lines = [_refund_line(one) for one in payments.refunds_of(context, payment)]
    if payment["status"] == "CANCELLED":
        lines.append(_cancel_line(payment))
    return answer | ({"transactions": lines} if lines else {})


def _refund_line(refund: sqlite3.Row) -> dict[str, object]:
    return {
        "transactionResult": result("refund", refund["result_code"]),
        "transactionId": refund["refund_id"],
        "transactionRequestId": refund["refund_request_id"],
        "transactionAmount": Money(refund["value"], refund["currency"]).to_wire(),
        "transactionTime": on_the_wire(refund["finished_at"] or refund["created_at"]),
        "transactionType": "REFUND",
        "transactionStatus": refund["status"],
    }


def _cancel_line(payment: sqlite3.Row) -> dict[str, object]:
    # A cancel has no id of its own in this API; we choose the payment's, because that is what it ends.
    return {
        "transactionResult": result("cancelPayment", "SUCCESS"),
        "transactionId": payment["payment_id"],
        "transactionRequestId": payment["payment_request_id"],
        "transactionAmount": Money(payment["value"], payment["currency"]).to_wire(),
        "transactionTime": on_the_wire(payment["cancelled_at"]),
        "transactionType": "CANCEL",
        "transactionStatus": "SUCCESS",
    }


def cancel_payment(context: Context, merchant: Merchant, request: dict[str, Any]) -> dict[str, object]:
    """End a payment as a whole, whatever its status, until 00:15 of the day after."""
    payment = payments.cancel(context, merchant, _payment_in(context, merchant, request))
    return {"result": result("cancelPayment", "SUCCESS"), **_sides(merchant, payment["wallet"])}


def refund(context: Context, merchant: Merchant, request: dict[str, Any]) -> dict[str, object]:
    """Give money back. While it is in process the answer is U, and the same request asks again."""
    payment_id, request_id = request.get("paymentId"), request.get("paymentRequestId")
    if not payment_id and not request_id:
        raise illegal("paymentRequestId", "one of paymentRequestId and paymentId is required")
    wish = GiveBack(
        payment=payments.find(context, merchant.client_id, payment_id=payment_id, request_id=request_id),
        request_id=request["refundRequestId"],
        amount=from_wire(request["refundAmount"]),
        reason=request.get("refundReason") or "",
        notify_url="",
    )
    row = refunds.refund(context, merchant, wish)
    answer: dict[str, object] = {"result": result("refund", row["result_code"])}
    if status_of(row["result_code"]) == "F" or wish.payment is None:
        return answer
    answer |= {
        **_sides(merchant, wish.payment["wallet"]),
        "refundId": row["refund_id"],
        "refundAmount": Money(row["value"], row["currency"]).to_wire(),
    }
    if row["finished_at"] is not None:
        answer["refundTime"] = on_the_wire(row["finished_at"])
    return answer | _settlement(context, row["payment_id"], row["refund_request_id"], "REFUND")


_RULES: dict[str, Rule] = {
    "authorizations/prepare": prepare,
    "authorizations/applyToken": apply_token,
    "authorizations/cancelToken": cancel_token,
    "payments/pay": pay,
    "payments/inquiryPayment": inquire_payment,
    "payments/cancelPayment": cancel_payment,
    "payments/refund": refund,
}


def _call(api: str, rule: Rule) -> Call:
    return Call(api, WORDS.get(api, api), rule)


class AlipayPlusDoor:
    """The protocol of https://docs.alipayplus.com/alipayplus/alipayplus/api_acq/."""

    protocol = ALIPAYPLUS
    calls: Mapping[str, Call] = {
        f"/aps/api/v1/{path}": _call(path.split("/")[1], rule) for path, rule in _RULES.items()
    }

    def is_time(self, text: str) -> bool:
        """ISO 8601 with offset."""
        return is_iso_time(text)

    def time(self, now: int) -> str:
        """ISO 8601 with offset."""
        return on_the_wire(now)

    def check(self, _context: Context, api: str, request: dict[str, Any]) -> None:
        """Walk the request along its table, in which every scalar is a string. Raises Refusal."""
        alipayplus_fields.check(api, request)

    def result(self, api: str, code: str, message: str = "") -> dict[str, str]:
        """The Result object."""
        return result(api, code, message)

    def answer_failed(self, context: Context, merchant: Merchant, api: str, answer: Mapping[str, object]) -> None:
        """A token whose answer is not heard arrives by authNotify TOKEN_CREATED."""
        token = authorizations.find_token(context, merchant, str(answer.get("accessToken", "")))
        if api != "applyToken" or token is None:
            return
        attempt = authorizations.attempt_behind(context, token)
        if attempt is None:
            # The pages speak of new authorizations. We choose that a lost refresh is asked for again, unless a fault
            # says that it is told too, because a portal should understand either.
            where = {"wallet": token["wallet"], "protocol": self.protocol}
            if context.faults.take(("refresh_told",), context.now(), **where) is None:
                return
            attempt = authorizations.attempt_behind(context, authorizations.first_of(context, token))
        if attempt is None:
            return
        body = {
            "authorizationNotifyType": "TOKEN_CREATED",
            **_shop(token),
            **_agreement(attempt),
            **_pair(context, token),
            **_sides(merchant, token["wallet"]),
        }
        _notify_of_authorization(context, token, body, f"token {token['number']}")

    def is_acknowledgement(self, merchant: Merchant, uri: str, headers: Mapping[str, str], body: bytes) -> bool:
        """A result S, signed with the merchant's key over the path that was called."""
        return notifications.says_success(body) and _signed_by(merchant, uri, headers, body)

    def return_url(self, redirect_url: str, auth_state: str, code: str | None) -> str:
        """Placeholders are filled; else the values are appended, each unless its name is there. A fragment is dropped.

        Source: https://docs.alipayplus.com/alipayplus/alipayplus/best_practice_mpp
        """
        values = {"authState": auth_state} if code is None else {"authCode": code, "authState": auth_state}
        base = redirect_url.partition("#")[0]
        if "${authCode}" in base or "${authState}" in base:
            for name in ("authCode", "authState"):
                base = base.replace(f"${{{name}}}", quote(values.get(name, ""), safe=""))
            return base
        present = {name for name, _ in parse_qsl(urlsplit(base).query, keep_blank_values=True)}
        more = [f"{name}={quote(value, safe='')}" for name, value in values.items() if name not in present]
        joiner = "" if base.endswith(("?", "&")) or not more else "&" if "?" in base else "?"
        return f"{base}{joiner}{'&'.join(more)}"

    def code_created(self, context: Context, authorization: sqlite3.Row, code: str, account: sqlite3.Row) -> None:
        """authNotify AUTHCODE_CREATED."""
        merchant = merchants.of(context, authorization["client_id"])
        body = {
            "authorizationNotifyType": "AUTHCODE_CREATED",
            **_shop(authorization),
            "authCode": code,
            "authState": authorization["auth_state"],
            **_agreement(authorization),
            **_sides(merchant, account["wallet"]),
        }
        _notify_of_authorization(context, authorization, body, authorization["auth_state"])

    def token_ended(self, context: Context, token: sqlite3.Row, reason: str, *, by_merchant: bool) -> None:
        """authNotify TOKEN_CANCELED, also after the merchant's own cancelToken."""
        body = {
            "authorizationNotifyType": "TOKEN_CANCELED",
            **_shop(token),
            "accessToken": token["access_token"],
            "reason": reason,
            **_sides(merchants.of(context, token["client_id"]), token["wallet"]),
        }
        _notify_of_authorization(context, token, body, f"token {token['number']}")

    def unbinding_question(self, context: Context, token: sqlite3.Row) -> tuple[str, dict[str, object]] | None:
        """consultUnbinding: where to ask, and what; None where the wallet ends it without asking."""
        merchant = merchants.of(context, token["client_id"])
        url = merchant.notify_urls.get("unbinding", "")
        if not url or token["wallet"] in _ASKS_NOTHING:
            return None
        body = {**_shop(token), "accessToken": token["access_token"], **_sides(merchant, token["wallet"])}
        return url, body

    def payment_finished(self, context: Context, payment: sqlite3.Row) -> None:
        """notifyPayment: S or F, never U."""
        merchant = merchants.of(context, payment["client_id"])
        body = {"paymentResult": result("pay", payment["result_code"]), **_told(context, merchant, payment)}
        notifications.enqueue(
            context,
            payment["client_id"],
            "notifyPayment",
            payment["payment_request_id"],
            payment["notify_url"],
            body,
            wallet=payment["wallet"],
            not_before=payments.told_not_before(payment),
        )

    def payment_pending(self, context: Context, payment: sqlite3.Row) -> None:
        """Raises NotSaid."""
        raise NotSaid("Alipay+ notifies results that are final, and no other.")

    def refund_finished(self, context: Context, refund: sqlite3.Row, payment: sqlite3.Row) -> None:
        """Nothing: there is no notification of refunds."""


def _shop(row: sqlite3.Row) -> dict[str, object]:
    return {"authClientId": row["auth_client_id"], "referenceMerchantId": row["auth_client_id"]}


def _agreement(authorization: sqlite3.Row) -> dict[str, object]:
    """The merchant's own id of the agreement, as it was given."""
    reference = json.loads(authorization["request"]).get("referenceAgreementId")
    return {"referenceAgreementId": reference} if reference else {}


def _notify_of_authorization(context: Context, row: sqlite3.Row, body: Mapping[str, object], reference: str) -> None:
    # The page's table for the tokens' notifications is not readable; we choose the fields of the wallet's own.
    url = row["notify_url"] or notifications.dashboard_url(context, row["client_id"], "authorization")
    notifications.enqueue(context, row["client_id"], "authNotify", reference, url, body, wallet=row["wallet"])


def _signed_by(merchant: Merchant, uri: str, headers: Mapping[str, str], body: bytes) -> bool:
    parts = parse_header(headers.get("signature", ""))
    client_id, time, key = headers.get("client-id", ""), headers.get("response-time", ""), parts.get("keyVersion")
    known = merchant.key_for(key)
    if client_id != merchant.client_id or not time or known is None or not parts.get("signature"):
        return False
    try:
        public_key = load_public_key(known)
    except KeyUnreadable:
        return False
    return verify(public_key, content_to_sign("POST", uri, client_id, time, body), parts["signature"])
