"""Every result code of Alipay+ that is known, by API, and what it says where the rules have a word it does not.

Sources: https://docs.alipayplus.com/alipayplus/alipayplus/api_acq_older_edition/error_codes (common), the API pages
under https://docs.alipayplus.com/alipayplus/alipayplus/api_acq/, and what wallets are told to answer
(https://docs.alipayplus.com/alipayplus/alipayplus/integration_auto_debit_mpp/make_payment). No table is complete.
"""

_COMMON = (
    "SUCCESS UNKNOWN_EXCEPTION REQUEST_TRAFFIC_EXCEED_LIMIT PROCESS_FAIL PARAM_ILLEGAL METHOD_NOT_SUPPORTED "
    "MEDIA_TYPE_NOT_ACCEPTABLE INVALID_API INVALID_CLIENT INVALID_SIGNATURE KEY_NOT_FOUND ACCESS_DENIED "
    "INVALID_CONTRACT BUSINESS_NOT_SUPPORT MERCHANT_NOT_REGISTERED"
)
_USER = (
    " USER_NOT_EXIST USER_STATUS_ABNORMAL USER_KYC_NOT_QUALIFIED USER_BALANCE_NOT_ENOUGH USER_AMOUNT_EXCEED_LIMIT "
    "PAYMENT_AMOUNT_EXCEED_LIMIT PAYMENT_COUNT_EXCEED_LIMIT USER_PAYMENT_VERIFICATION_FAILED RISK_REJECT "
    "REGULATION_RESTRICTION UNAVAILABLE_PAYMENT_METHOD"
)
BY_API: dict[str, frozenset[str]] = {
    api: frozenset((_COMMON + more).split())
    for api, more in {
        "": "",
        "prepare": "",
        "applyToken": " INVALID_CODE USED_CODE EXPIRED_CODE INVALID_REFRESH_TOKEN EXPIRED_REFRESH_TOKEN "
        "USED_REFRESH_TOKEN INVALID_AUTH_CLIENT AUTH_CLIENT_UNSUPPORTED_GRANT_TYPE",
        "cancelToken": " INVALID_TOKEN EXPIRED_ACCESS_TOKEN",
        "pay": " PAYMENT_IN_PROCESS CURRENCY_NOT_SUPPORT REPEAT_REQ_INCONSISTENT INVALID_TOKEN EXPIRED_ACCESS_TOKEN "
        "ORDER_IS_CLOSED" + _USER,
        "inquiryPayment": " ORDER_NOT_EXIST",
        "cancelPayment": " ORDER_NOT_EXIST CANCEL_WINDOW_EXCEED",
        "refund": " ORDER_NOT_EXIST ORDER_IS_CLOSED REPEAT_REQ_INCONSISTENT REFUND_AMOUNT_EXCEED REFUND_WINDOW_EXCEED "
        "CURRENCY_NOT_SUPPORT",
    }.items()
}
"""The empty name: what is answered before the API is known."""

WORDS = {"prepare": "consult", "cancelToken": "revoke", "cancelPayment": "cancel"}
"""The plain word of an API whose own name is another."""

_OF_THE_CALL = (
    "METHOD_NOT_SUPPORTED MEDIA_TYPE_NOT_ACCEPTABLE INVALID_API INVALID_CLIENT INVALID_SIGNATURE "
    "REPEAT_REQ_INCONSISTENT"
)
PAYMENT_RESULTS = BY_API["pay"].difference(_OF_THE_CALL.split())
"""What ``paymentResult`` may say."""

_INSTEAD = {
    "CLIENT_FORBIDDEN_ACCESS_API": "ACCESS_DENIED",
    "EXPIRED_CODE": "INVALID_CODE",
    "INVALID_ACCESS_TOKEN": "INVALID_TOKEN",
    "INVALID_AUTHCODE": "INVALID_CODE",
    "INVALID_MERCHANT_STATUS": "INVALID_CONTRACT",
    "NO_INTERFACE_DEF": "INVALID_API",
    "NO_PAY_OPTIONS": "UNAVAILABLE_PAYMENT_METHOD",
    "NO_SUCH_TOKEN": "INVALID_TOKEN",
    "ORDER_IS_CANCELED": "ORDER_IS_CLOSED",
    "PAYMENT_METHOD_NOT_SUPPORTED": "BUSINESS_NOT_SUPPORT",
    "PAYMENT_NOT_QUALIFIED": "BUSINESS_NOT_SUPPORT",
    "FRAUD_REJECT": "RISK_REJECT",
    # A refund in process has no code of its own; we choose the U whose documented action is to call again.
    "REFUND_IN_PROCESS": "UNKNOWN_EXCEPTION",
    "AUTH_IN_PROCESS": "UNKNOWN_EXCEPTION",
    "SETTLE_CONTRACT_NOT_MATCH": "INVALID_CONTRACT",
    "SUSPECTED_RISK": "RISK_REJECT",
    "UNKNOWN_CLIENT": "INVALID_CLIENT",
}


def said(api: str, code: str) -> str:
    """A code of the rules as Alipay+ says it for an API; PROCESS_FAIL where it has no word at all."""
    if code in BY_API[api]:
        return code
    instead = _INSTEAD.get(code, "PROCESS_FAIL")
    return instead if instead in BY_API[api] else "PROCESS_FAIL"
