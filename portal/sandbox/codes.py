"""Every documented result code, by API, and the status it carries: Antom's here, Alipay+'s beside its door.

The rules speak Antom's words, and two or three finer ones; a door says them as its own protocol does.
Sources: the API pages under https://docs.antom.com/ac/ams/ . A code's status is the same wherever it is documented,
so one rule serves every table: SUCCESS is S, the five codes in ``UNDECIDED`` are U, everything else is F.
"""

from typing import Literal

Status = Literal["S", "F", "U"]

UNDECIDED = frozenset(
    {
        "AUTH_IN_PROCESS",
        "PAYMENT_IN_PROCESS",
        "REFUND_IN_PROCESS",
        "REQUEST_TRAFFIC_EXCEED_LIMIT",
        "UNKNOWN_EXCEPTION",
    }
)

COMMON: dict[str, str] = {
    "SUCCESS": "success.",
    "ACCESS_DENIED": "Access is denied.",
    "CLIENT_FORBIDDEN_ACCESS_API": "The client is not permitted to use this API.",
    "CLIENT_INVALID": "The client is invalid.",
    "UNKNOWN_CLIENT": "The client is unknown.",
    "INVALID_CLIENT_STATUS": "The client is not in a usable state.",
    "INVALID_API": "The API is invalid or not active.",
    "INVALID_SIGNATURE": "The signature is invalid.",
    "KEY_NOT_FOUND": "A key of the client was not found.",
    "NO_INTERFACE_DEF": "There is no such API.",
    "METHOD_NOT_SUPPORTED": "Only POST is supported.",
    "MEDIA_TYPE_NOT_ACCEPTABLE": "The media type is not acceptable.",
    "OAUTH_FAILED": "The authorization process failed.",
    "PARAM_ILLEGAL": "Illegal parameters.",
    "MERCHANT_NOT_REGISTERED": "The merchant is not registered.",
    "INVALID_MERCHANT_STATUS": "The merchant's status is abnormal.",
    "INVALID_CONTRACT": "The request does not match the contract.",
    "RISK_REJECT": "Rejected by risk control.",
    "PROCESS_FAIL": "A general business failure occurred.",
    "SYSTEM_ERROR": "A system error occurred.",
    "USER_NOT_EXIST": "The user does not exist.",
    "USER_STATUS_ABNORMAL": "The user's status is abnormal.",
    "REQUEST_TRAFFIC_EXCEED_LIMIT": "Too many requests.",
    "UNKNOWN_EXCEPTION": "The call failed for an unknown reason.",
}

SPECIFIC: dict[str, str] = {
    "ARRAY_SIZE_EXCEEDED": "The list is too long.",
    "AUTH_IN_PROCESS": "The authorization is in process.",
    "CANCEL_WINDOW_EXCEED": "The cancellable period has ended.",
    "CONTEXT_INCONSISTENT": "The declaration differs and may not be sent again yet.",
    "CURRENCY_NOT_SUPPORT": "The currency is not supported.",
    "DUPLICATED_DECLARATIONS": "The order was already declared to this customs.",
    "BUSINESS_NOT_SUPPORT": "The contract does not include this.",
    "EXPIRED_ACCESS_TOKEN": "The access token has expired.",
    "EXPIRED_AGENT_TOKEN": "The agent token has expired.",
    "EXPIRED_CODE": "The code has expired.",
    "EXPIRED_REFRESH_TOKEN": "The refresh token has expired.",
    "FRAUD_REJECT": "Rejected as fraud.",
    "AUTH_CLIENT_UNSUPPORTED_GRANT_TYPE": "The grant type is not supported for this client.",
    "INVALID_CLIENT": "The client is unknown.",
    "INVALID_TOKEN": "The access token is revoked, of another scope or unknown.",
    "INVALID_ACCESS_TOKEN": "The access token is expired, revoked or unknown.",
    "INVALID_AGENT_TOKEN": "The agent token is invalid.",
    "INVALID_AUTHCODE": "The authorization code is wrong, used or expired.",
    "INVALID_AUTH_CLIENT": "The authorized client is invalid.",
    "INVALID_AUTH_CLIENT_STATUS": "The authorized client's status is abnormal.",
    "INVALID_CODE": "The code is invalid.",
    "INVALID_PAYMENT_CODE": "The payment code is invalid.",
    "INVALID_PAYMENT_METHOD_META_DATA": "The payment method's metadata is invalid.",
    "INVALID_REFRESH_TOKEN": "The refresh token is wrong or expired.",
    "MERCHANT_BALANCE_NOT_ENOUGH": "The merchant's balance is not enough.",
    "MERCHANT_KYB_NOT_QUALIFIED": "The merchant's registration is not qualified.",
    "MULTIPLE_REFUNDS_NOT_SUPPORTED": "Only one refund is allowed.",
    "NO_PAY_OPTIONS": "No payment option is available.",
    "ORDER_IS_CANCELED": "The order is canceled.",
    "ORDER_IS_CLOSED": "The order is closed.",
    "ORDER_NOT_EXIST": "The order does not exist.",
    "ORDER_STATUS_INVALID": "The order's status does not allow this.",
    "PARTIAL_REFUND_NOT_SUPPORTED": "Partial refunds are not supported.",
    "PAYMENT_AMOUNT_EXCEED_LIMIT": "The payment amount exceeds the limit.",
    "PAYMENT_COUNT_EXCEED_LIMIT": "Too many payments.",
    "PAYMENT_IN_PROCESS": "The payment is in process.",
    "PAYMENT_METHOD_NOT_SUPPORTED": "The payment method does not support this.",
    "PAYMENT_NOT_QUALIFIED": "The merchant is not qualified to receive this payment.",
    "PAYMENT_PROHIBITED": "The goods are prohibited.",
    "REGULATION_RESTRICTION": "The law forbids it.",
    "REFERENCE_CLIENT_ID_NOT_MATCH": "The reference client id does not match.",
    "REFUND_AMOUNT_EXCEED": "The refunds exceed the paid amount.",
    "REFUND_IN_PROCESS": "The refund is in process.",
    "REFUND_NOT_SUPPORTED": "The transaction cannot be refunded.",
    "REFUND_WINDOW_EXCEED": "The refundable period has ended.",
    "REPEAT_REQ_INCONSISTENT": "The request id was used with other values.",
    "SETTLE_CONTRACT_NOT_MATCH": "There is no settlement contract for this currency.",
    "SUSPECTED_RISK": "Suspected risk.",
    "UNAVAILABLE_PAYMENT_METHOD": "The user has no source of funds.",
    "TOTAL_DECLARATION_AMOUNT_EXCEED": "The declarations exceed the payment.",
    "USED_CODE": "The code was already used.",
    "USED_REFRESH_TOKEN": "The refresh token was already used.",
    "USER_AMOUNT_EXCEED_LIMIT": "The user's limit is exceeded.",
    "USER_BALANCE_NOT_ENOUGH": "The user's balance is not enough.",
    "USER_KYC_NOT_QUALIFIED": "The user has not completed identification.",
    "USER_PAYMENT_VERIFICATION_FAILED": "The user failed the payment verification.",
    "VERIFY_TIMES_EXCEED_LIMIT": "Too many verifications.",
    "VERIFY_UNMATCHED": "The verification does not match.",
}

_AUTHORIZATION = (
    "SUCCESS ACCESS_DENIED CLIENT_FORBIDDEN_ACCESS_API INVALID_API INVALID_CLIENT_STATUS INVALID_SIGNATURE "
    "KEY_NOT_FOUND NO_INTERFACE_DEF OAUTH_FAILED PARAM_ILLEGAL PROCESS_FAIL SYSTEM_ERROR UNKNOWN_CLIENT "
    "REQUEST_TRAFFIC_EXCEED_LIMIT UNKNOWN_EXCEPTION INVALID_ACCESS_TOKEN "
)
_CUSTOMS = (
    "SUCCESS ACCESS_DENIED INVALID_API CLIENT_INVALID INVALID_CONTRACT INVALID_SIGNATURE KEY_NOT_FOUND "
    "MEDIA_TYPE_NOT_ACCEPTABLE MERCHANT_NOT_REGISTERED METHOD_NOT_SUPPORTED NO_INTERFACE_DEF PARAM_ILLEGAL "
    "PROCESS_FAIL RISK_REJECT SYSTEM_ERROR REQUEST_TRAFFIC_EXCEED_LIMIT UNKNOWN_EXCEPTION "
)
_PAYMENTS = (
    "SUCCESS ACCESS_DENIED INVALID_API KEY_NOT_FOUND NO_INTERFACE_DEF PARAM_ILLEGAL PROCESS_FAIL SYSTEM_ERROR "
    "REQUEST_TRAFFIC_EXCEED_LIMIT UNKNOWN_EXCEPTION "
)

BY_API: dict[str, frozenset[str]] = {
    api: frozenset(words.split())
    for api, words in {
        "consult": _AUTHORIZATION + "MERCHANT_NOT_REGISTERED RISK_REJECT NO_PAY_OPTIONS PAYMENT_NOT_QUALIFIED",
        "applyToken": _AUTHORIZATION
        + "USER_NOT_EXIST USER_STATUS_ABNORMAL INVALID_AUTHCODE INVALID_REFRESH_TOKEN NO_PAY_OPTIONS AUTH_IN_PROCESS",
        "revoke": _AUTHORIZATION,
        "pay": "SUCCESS ACCESS_DENIED INVALID_CONTRACT INVALID_MERCHANT_STATUS KEY_NOT_FOUND MERCHANT_NOT_REGISTERED "
        "NO_INTERFACE_DEF PARAM_ILLEGAL PROCESS_FAIL RISK_REJECT SYSTEM_ERROR USER_NOT_EXIST USER_STATUS_ABNORMAL "
        "REQUEST_TRAFFIC_EXCEED_LIMIT CURRENCY_NOT_SUPPORT EXPIRED_CODE INVALID_ACCESS_TOKEN INVALID_PAYMENT_CODE "
        "INVALID_PAYMENT_METHOD_META_DATA MERCHANT_KYB_NOT_QUALIFIED NO_PAY_OPTIONS ORDER_IS_CANCELED ORDER_IS_CLOSED "
        "ORDER_NOT_EXIST PAYMENT_AMOUNT_EXCEED_LIMIT PAYMENT_COUNT_EXCEED_LIMIT PAYMENT_NOT_QUALIFIED "
        "REPEAT_REQ_INCONSISTENT SETTLE_CONTRACT_NOT_MATCH USER_AMOUNT_EXCEED_LIMIT USER_BALANCE_NOT_ENOUGH "
        "USER_KYC_NOT_QUALIFIED USER_PAYMENT_VERIFICATION_FAILED VERIFY_TIMES_EXCEED_LIMIT VERIFY_UNMATCHED "
        "PAYMENT_IN_PROCESS UNKNOWN_EXCEPTION",
        "inquiryPayment": _PAYMENTS + "ORDER_NOT_EXIST PAYMENT_IN_PROCESS",
        "cancel": _PAYMENTS + "USER_NOT_EXIST USER_STATUS_ABNORMAL CANCEL_WINDOW_EXCEED MERCHANT_BALANCE_NOT_ENOUGH "
        "ORDER_NOT_EXIST ORDER_STATUS_INVALID PAYMENT_METHOD_NOT_SUPPORTED",
        "refund": _PAYMENTS + "INVALID_MERCHANT_STATUS CURRENCY_NOT_SUPPORT MERCHANT_BALANCE_NOT_ENOUGH "
        "MULTIPLE_REFUNDS_NOT_SUPPORTED ORDER_IS_CLOSED ORDER_IS_CANCELED ORDER_NOT_EXIST ORDER_STATUS_INVALID "
        "PARTIAL_REFUND_NOT_SUPPORTED PAYMENT_METHOD_NOT_SUPPORTED REFUND_AMOUNT_EXCEED REFUND_NOT_SUPPORTED "
        "REFUND_WINDOW_EXCEED REPEAT_REQ_INCONSISTENT REFUND_IN_PROCESS",
        "inquiryRefund": _PAYMENTS + "ORDER_NOT_EXIST",
        "declare": _CUSTOMS + "USER_STATUS_ABNORMAL DUPLICATED_DECLARATIONS ORDER_NOT_EXIST ORDER_STATUS_INVALID "
        "REPEAT_REQ_INCONSISTENT CONTEXT_INCONSISTENT TOTAL_DECLARATION_AMOUNT_EXCEED",
        "inquiryDeclarationRequests": _CUSTOMS + "ARRAY_SIZE_EXCEEDED",
        "login": "SUCCESS INVALID_CODE USED_CODE EXPIRED_CODE INVALID_REFRESH_TOKEN EXPIRED_REFRESH_TOKEN "
        "USED_REFRESH_TOKEN INVALID_AUTH_CLIENT INVALID_AUTH_CLIENT_STATUS AUTH_CLIENT_UNSUPPORTED_GRANT_TYPE "
        "REFERENCE_CLIENT_ID_NOT_MATCH EXPIRED_AGENT_TOKEN INVALID_AGENT_TOKEN UNKNOWN_EXCEPTION PARAM_ILLEGAL",
    }.items()
}
"""The ten APIs, and the wallet's own login endpoint."""

_PAYMENT_RESULTS = (
    "SUCCESS PAYMENT_IN_PROCESS UNKNOWN_EXCEPTION ACCESS_DENIED CURRENCY_NOT_SUPPORT FRAUD_REJECT INVALID_API "
    "INVALID_ACCESS_TOKEN INVALID_MERCHANT_STATUS KEY_NOT_FOUND MERCHANT_KYB_NOT_QUALIFIED NO_INTERFACE_DEF "
    "NO_PAY_OPTIONS ORDER_IS_CLOSED PARAM_ILLEGAL PAYMENT_AMOUNT_EXCEED_LIMIT PAYMENT_COUNT_EXCEED_LIMIT "
    "PAYMENT_NOT_QUALIFIED PROCESS_FAIL RISK_REJECT SUSPECTED_RISK SYSTEM_ERROR USER_AMOUNT_EXCEED_LIMIT "
    "USER_BALANCE_NOT_ENOUGH USER_KYC_NOT_QUALIFIED USER_PAYMENT_VERIFICATION_FAILED USER_STATUS_ABNORMAL"
)
PAYMENT_RESULTS = frozenset(_PAYMENT_RESULTS.split())
"""``paymentResultCode`` of inquiryPayment: what may be wrong with a payment, as opposed to a call."""

LEAVE_A_PAYMENT = PAYMENT_RESULTS - {"PARAM_ILLEGAL"} | {"EXPIRED_ACCESS_TOKEN"}
"""Which failures of pay leave a payment behind is not published; we choose those that inquiryPayment can name as a
payment's own result, because the others say that there was no payment to begin with."""

_REFUND_FAILURES = (
    "MERCHANT_BALANCE_NOT_ENOUGH MULTIPLE_REFUNDS_NOT_SUPPORTED ORDER_IS_CLOSED ORDER_STATUS_INVALID PROCESS_FAIL "
    "REFUND_AMOUNT_EXCEED REFUND_WINDOW_EXCEED RISK_REJECT SYSTEM_ERROR CURRENCY_NOT_SUPPORT"
)
REFUND_FAILURES = frozenset(_REFUND_FAILURES.split())
"""What notifyRefund may say of a refund that failed."""


class Refusal(Exception):
    """An answer other than success, with nothing done."""

    def __init__(self, code: str, message: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.message = message


def status_of(code: str) -> Status:
    """S, F or U."""
    if code == "SUCCESS":
        return "S"
    return "U" if code in UNDECIDED else "F"


def result(code: str, message: str = "") -> dict[str, str]:
    """The Result object, the same in both protocols."""
    text = message or COMMON.get(code) or SPECIFIC[code]
    return {"resultCode": code, "resultStatus": status_of(code), "resultMessage": text[:256]}


def is_documented(api: str, code: str) -> bool:
    """Whether the API's page lists the code, or it is one of those the gateway itself may give to any call."""
    return code in BY_API.get(api, ()) or code in COMMON
