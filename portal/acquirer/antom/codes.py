"""What every documented result code means for us: one table per (API, first or repeated).

The rules by which they are made are those of ``portal.acquirer.codes``: in the repeated tables of ``pay``, ``refund``
and ``declare`` every F is UNKNOWN.

``CONSULT`` to ``DECLARATION_INQUIRY`` hold the codes of an API's own page; codes with one meaning everywhere that
concern the call (client, signature, path, method, media type) hold for every API.
Sources: the result code tables of https://docs.antom.com/ac/ams/api_fund and of each API's page below it.
"""

from collections.abc import Mapping
from enum import StrEnum

from portal.acquirer.codes import USED_BEFORE, Row, Tables, closing_nothing
from portal.acquirer.codes import failure as _f
from portal.acquirer.codes import success as _s
from portal.acquirer.codes import unknown as _u
from portal.acquirer.results import Advice, Outcome


class Api(StrEnum):
    """Where a code may stand: the ten APIs, and four places inside answers and notifications."""

    CONSULT = "consult"
    APPLY_TOKEN = "applyToken"  # noqa: S105 - a word of the protocol
    REVOKE = "revoke"
    PAY = "pay"
    INQUIRY_PAYMENT = "inquiryPayment"
    CANCEL = "cancel"
    REFUND = "refund"
    INQUIRY_REFUND = "inquiryRefund"
    DECLARE = "declare"
    INQUIRY_DECLARATIONS = "inquiryDeclarationRequests"
    PAYMENT_RESULT = "paymentResultCode"
    """``inquiryPayment.paymentResultCode``, beside ``paymentStatus``."""
    TRANSACTION_RESULT = "transactionResult"
    """``inquiryPayment.transactions[].transactionResult``, beside ``transactionStatus``."""
    NOTIFY_PAYMENT = "notifyPayment"
    NOTIFY_REFUND = "notifyRefund"


# fmt: off
_CALL_REFUSED: dict[str, Row] = {
    # Codes with one meaning everywhere: the call was refused before the business saw it.
    "ACCESS_DENIED":               _f(Advice.CALL_SUPPORT),
    "CLIENT_FORBIDDEN_ACCESS_API": _f(Advice.CALL_SUPPORT),
    "CLIENT_INVALID":              _f(Advice.FIX_REQUEST),
    "UNKNOWN_CLIENT":              _f(Advice.FIX_REQUEST),
    "INVALID_CLIENT_STATUS":       _f(Advice.CALL_SUPPORT),
    "INVALID_API":                 _f(Advice.CALL_SUPPORT),
    "INVALID_SIGNATURE":           _f(Advice.FIX_REQUEST),
    "KEY_NOT_FOUND":               _f(Advice.FIX_REQUEST),
    "NO_INTERFACE_DEF":            _f(Advice.FIX_REQUEST),
    "METHOD_NOT_SUPPORTED":        _f(Advice.FIX_REQUEST),
    "MEDIA_TYPE_NOT_ACCEPTABLE":   _f(Advice.FIX_REQUEST),
    "OAUTH_FAILED":                _f(Advice.CALL_SUPPORT),
    "PARAM_ILLEGAL":               _f(Advice.FIX_REQUEST),
}

_COMMON: dict[str, Row] = _CALL_REFUSED | {
    "SUCCESS":                     _s(),
    "MERCHANT_NOT_REGISTERED":     _f(Advice.CALL_SUPPORT),
    "INVALID_MERCHANT_STATUS":     _f(Advice.CALL_SUPPORT),
    "INVALID_CONTRACT":            _f(Advice.CALL_SUPPORT),
    "RISK_REJECT":                 _f(Advice.GIVE_UP),
    "PROCESS_FAIL":                _f(Advice.CALL_SUPPORT),
    "SYSTEM_ERROR":                _f(Advice.CALL_SUPPORT),
    "USER_NOT_EXIST":              _f(Advice.REAUTHORIZE),
    "USER_STATUS_ABNORMAL":        _f(Advice.ASK_BUYER),
}


def _api(*common: str, unsure: Advice, **own: Row) -> dict[str, Row]:
    """An API's table: SUCCESS, refusals of the call, the common codes of its page, the two general U, its own codes."""
    return {
        "SUCCESS": _COMMON["SUCCESS"],
        **_CALL_REFUSED,
        **{code: _COMMON[code] for code in common},
        "REQUEST_TRAFFIC_EXCEED_LIMIT": _u(unsure),
        "UNKNOWN_EXCEPTION": _u(unsure),
        **own,
    }


# https://docs.antom.com/ac/ams/authconsult
CONSULT = _api(
    "MERCHANT_NOT_REGISTERED", "PROCESS_FAIL", "RISK_REJECT", "SYSTEM_ERROR", unsure=Advice.SEND_AGAIN,
    INVALID_ACCESS_TOKEN=_f(Advice.FIX_REQUEST),
    NO_PAY_OPTIONS=_f(Advice.FIX_REQUEST),
    PAYMENT_NOT_QUALIFIED=_f(Advice.CALL_SUPPORT),
)

# https://docs.antom.com/ac/ams/accesstokenapp
APPLY_TOKEN = _api(
    "PROCESS_FAIL", "SYSTEM_ERROR", "USER_NOT_EXIST", "USER_STATUS_ABNORMAL", unsure=Advice.SEND_AGAIN,
    INVALID_AUTHCODE=_f(Advice.REAUTHORIZE),
    INVALID_REFRESH_TOKEN=_f(Advice.REAUTHORIZE),
    INVALID_ACCESS_TOKEN=_f(Advice.REAUTHORIZE),
    NO_PAY_OPTIONS=_f(Advice.FIX_REQUEST),
    AUTH_IN_PROCESS=_u(Advice.SEND_AGAIN),
)

# https://docs.antom.com/ac/ams/authrevocation
REVOKE = _api(
    "PROCESS_FAIL", "SYSTEM_ERROR", unsure=Advice.SEND_AGAIN,
    # F on the wire; but the token is dead, which is all that was asked for.
    INVALID_ACCESS_TOKEN=Row("F", Outcome.SUCCESS, Advice.NOTHING),
)

# https://docs.antom.com/ac/ams/payment_agreement
PAY = _api(
    "INVALID_CONTRACT", "INVALID_MERCHANT_STATUS", "MERCHANT_NOT_REGISTERED", "PROCESS_FAIL", "RISK_REJECT",
    "SYSTEM_ERROR", "USER_NOT_EXIST", "USER_STATUS_ABNORMAL", unsure=Advice.ASK,
    CURRENCY_NOT_SUPPORT=_f(Advice.CALL_SUPPORT),
    EXPIRED_CODE=_f(Advice.ASK_BUYER),
    INVALID_ACCESS_TOKEN=_f(Advice.REAUTHORIZE),
    INVALID_PAYMENT_CODE=_f(Advice.ASK_BUYER),
    INVALID_PAYMENT_METHOD_META_DATA=_f(Advice.FIX_REQUEST),
    MERCHANT_KYB_NOT_QUALIFIED=_f(Advice.CALL_SUPPORT),
    NO_PAY_OPTIONS=_f(Advice.CALL_SUPPORT),
    ORDER_IS_CANCELED=USED_BEFORE,
    ORDER_IS_CLOSED=USED_BEFORE,
    ORDER_NOT_EXIST=_f(Advice.FIX_REQUEST),
    PAYMENT_AMOUNT_EXCEED_LIMIT=_f(Advice.ASK_BUYER),
    PAYMENT_COUNT_EXCEED_LIMIT=_f(Advice.WAIT),
    PAYMENT_NOT_QUALIFIED=_f(Advice.CALL_SUPPORT),
    REPEAT_REQ_INCONSISTENT=USED_BEFORE,
    SETTLE_CONTRACT_NOT_MATCH=_f(Advice.FIX_REQUEST),
    USER_AMOUNT_EXCEED_LIMIT=_f(Advice.ASK_BUYER),
    USER_BALANCE_NOT_ENOUGH=_f(Advice.ASK_BUYER),
    USER_KYC_NOT_QUALIFIED=_f(Advice.ASK_BUYER),
    USER_PAYMENT_VERIFICATION_FAILED=_f(Advice.ASK_BUYER),
    VERIFY_TIMES_EXCEED_LIMIT=_f(Advice.ASK_BUYER),
    VERIFY_UNMATCHED=_f(Advice.ASK_BUYER),
    PAYMENT_IN_PROCESS=_u(Advice.ASK),
)

# https://docs.antom.com/ac/ams/paymentri_online
INQUIRY_PAYMENT = _api(
    "PROCESS_FAIL", "SYSTEM_ERROR", unsure=Advice.SEND_AGAIN,
    ORDER_NOT_EXIST=_f(Advice.CANCEL),
    PAYMENT_IN_PROCESS=_u(Advice.ASK),
)

# https://docs.antom.com/ac/ams/paymentc_online
CANCEL = _api(
    "PROCESS_FAIL", "SYSTEM_ERROR", "USER_NOT_EXIST", "USER_STATUS_ABNORMAL", unsure=Advice.SEND_AGAIN,
    CANCEL_WINDOW_EXCEED=_f(Advice.REFUND),
    MERCHANT_BALANCE_NOT_ENOUGH=_f(Advice.WAIT),
    ORDER_NOT_EXIST=_f(Advice.ASK),
    ORDER_STATUS_INVALID=_f(Advice.ASK),
    PAYMENT_METHOD_NOT_SUPPORTED=_f(Advice.REFUND),
)

# https://docs.antom.com/ac/ams/refund_online
REFUND = _api(
    "INVALID_MERCHANT_STATUS", "PROCESS_FAIL", "SYSTEM_ERROR", unsure=Advice.ASK,
    CURRENCY_NOT_SUPPORT=_f(Advice.CALL_SUPPORT),
    MERCHANT_BALANCE_NOT_ENOUGH=_f(Advice.WAIT),
    MULTIPLE_REFUNDS_NOT_SUPPORTED=_f(Advice.GIVE_UP),
    # The page says "use a new id", so it may speak of an earlier refund under this one. Asking finds out.
    ORDER_IS_CLOSED=USED_BEFORE,
    ORDER_IS_CANCELED=_f(Advice.GIVE_UP),
    ORDER_NOT_EXIST=_f(Advice.FIX_REQUEST),
    ORDER_STATUS_INVALID=_f(Advice.WAIT),
    PARTIAL_REFUND_NOT_SUPPORTED=_f(Advice.NEW_ID),
    PAYMENT_METHOD_NOT_SUPPORTED=_f(Advice.GIVE_UP),
    REFUND_AMOUNT_EXCEED=_f(Advice.FIX_REQUEST),
    REFUND_NOT_SUPPORTED=_f(Advice.GIVE_UP),
    REFUND_WINDOW_EXCEED=_f(Advice.GIVE_UP),
    REPEAT_REQ_INCONSISTENT=USED_BEFORE,
    REFUND_IN_PROCESS=_u(Advice.ASK),
)

# https://docs.antom.com/ac/ams/ir_online
INQUIRY_REFUND = _api(
    "PROCESS_FAIL", "SYSTEM_ERROR", unsure=Advice.SEND_AGAIN,
    ORDER_NOT_EXIST=_f(Advice.ASK),
    # Listed on the page beside the refund codes, without a field that would carry it.
    API_INVALID=_f(Advice.FIX_REQUEST),
    RISK_REJECT=_f(Advice.CALL_SUPPORT),
)

# https://docs.antom.com/ac/ams/declare
DECLARE = _api(
    "INVALID_CONTRACT", "MERCHANT_NOT_REGISTERED", "PROCESS_FAIL", "RISK_REJECT", "SYSTEM_ERROR",
    "USER_STATUS_ABNORMAL", unsure=Advice.ASK,
    DUPLICATED_DECLARATIONS=_f(Advice.GIVE_UP),
    ORDER_NOT_EXIST=_f(Advice.FIX_REQUEST),
    ORDER_STATUS_INVALID=_f(Advice.WAIT),
    REPEAT_REQ_INCONSISTENT=USED_BEFORE,
    CONTEXT_INCONSISTENT=USED_BEFORE,
    TOTAL_DECLARATION_AMOUNT_EXCEED=_f(Advice.FIX_REQUEST),
)

# https://docs.antom.com/ac/ams/inquirydeclare
INQUIRY_DECLARATIONS = _api(
    "INVALID_CONTRACT", "MERCHANT_NOT_REGISTERED", "PROCESS_FAIL", "RISK_REJECT", "SYSTEM_ERROR",
    unsure=Advice.SEND_AGAIN,
    ARRAY_SIZE_EXCEEDED=_f(Advice.FIX_REQUEST),
)

_CARD: dict[str, Row] = {
    # Cards share these places with wallets. The page shows the list cut; a code beyond it is one we never saw.
    "AUTHENTICATION_REQUIRED":   _f(Advice.ASK_BUYER),
    "CARD_NOT_SUPPORTED":        _f(Advice.ASK_BUYER),
    "DO_NOT_HONOR":              _f(Advice.ASK_BUYER),
    "INVALID_AMOUNT":            _f(Advice.FIX_REQUEST),
    "INVALID_CARD":              _f(Advice.ASK_BUYER),
    "ISSUER_REJECTS_TRANSACTION": _f(Advice.ASK_BUYER),
}

# https://docs.antom.com/ac/ams/paymentri_online: what became of the payment, said by its own fields.
PAYMENT_RESULT: dict[str, Row] = {
    "SUCCESS":                          _s(),
    "PAYMENT_IN_PROCESS":               _u(Advice.ASK),
    "UNKNOWN_EXCEPTION":                _u(Advice.ASK),
    "ACCESS_DENIED":                    _f(Advice.CALL_SUPPORT),
    "CURRENCY_NOT_SUPPORT":             _f(Advice.CALL_SUPPORT),
    "FRAUD_REJECT":                     _f(Advice.CALL_SUPPORT),
    "INVALID_API":                      _f(Advice.CALL_SUPPORT),
    "INVALID_ACCESS_TOKEN":             _f(Advice.REAUTHORIZE),
    "INVALID_MERCHANT_STATUS":          _f(Advice.CALL_SUPPORT),
    "KEY_NOT_FOUND":                    _f(Advice.FIX_REQUEST),
    "MERCHANT_KYB_NOT_QUALIFIED":       _f(Advice.CALL_SUPPORT),
    "NO_INTERFACE_DEF":                 _f(Advice.FIX_REQUEST),
    "NO_PAY_OPTIONS":                   _f(Advice.CALL_SUPPORT),
    "ORDER_IS_CLOSED":                  _f(Advice.NEW_ID),
    "PARAM_ILLEGAL":                    _f(Advice.FIX_REQUEST),
    "PAYMENT_AMOUNT_EXCEED_LIMIT":      _f(Advice.ASK_BUYER),
    "PAYMENT_COUNT_EXCEED_LIMIT":       _f(Advice.WAIT),
    "PAYMENT_NOT_QUALIFIED":            _f(Advice.CALL_SUPPORT),
    "PROCESS_FAIL":                     _f(Advice.CALL_SUPPORT),
    "RISK_REJECT":                      _f(Advice.GIVE_UP),
    "SUSPECTED_RISK":                   _f(Advice.WAIT),
    "SYSTEM_ERROR":                     _f(Advice.CALL_SUPPORT),
    "USER_AMOUNT_EXCEED_LIMIT":         _f(Advice.ASK_BUYER),
    "USER_BALANCE_NOT_ENOUGH":          _f(Advice.ASK_BUYER),
    "USER_KYC_NOT_QUALIFIED":           _f(Advice.ASK_BUYER),
    "USER_PAYMENT_VERIFICATION_FAILED": _f(Advice.ASK_BUYER),
    "USER_STATUS_ABNORMAL":             _f(Advice.ASK_BUYER),
    **_CARD,
}

# https://docs.antom.com/ac/ams/paymentrn_online: the same, brought by notification.
NOTIFY_PAYMENT: dict[str, Row] = {
    code: row
    for code, row in PAYMENT_RESULT.items()
    if code not in {"MERCHANT_KYB_NOT_QUALIFIED"}
} | {
    "EXPIRED_CODE":                _f(Advice.ASK_BUYER),
    "INVALID_CONTRACT":            _f(Advice.CALL_SUPPORT),
    "MERCHANT_BALANCE_NOT_ENOUGH": _f(Advice.WAIT),
    "ORDER_NOT_EXIST":             _f(Advice.NEW_ID),
    "PAYMENT_PROHIBITED":          _f(Advice.GIVE_UP),
    "USER_NOT_EXIST":              _f(Advice.REAUTHORIZE),
    "VERIFY_TIMES_EXCEED_LIMIT":   _f(Advice.ASK_BUYER),
    "VERIFY_UNMATCHED":            _f(Advice.ASK_BUYER),
}

# https://docs.antom.com/ac/ams/paymentri_online: refunds listed under a payment.
TRANSACTION_RESULT: dict[str, Row] = {
    "SUCCESS":                      _s(),
    "PAYMENT_IN_PROCESS":           _u(Advice.ASK),
    "REQUEST_TRAFFIC_EXCEED_LIMIT": _u(Advice.ASK),
    "UNKNOWN_EXCEPTION":            _u(Advice.ASK),
    "ACCESS_DENIED":                _f(Advice.CALL_SUPPORT),
    "INVALID_API":                  _f(Advice.CALL_SUPPORT),
    "CLIENT_INVALID":               _f(Advice.FIX_REQUEST),
    "KEY_NOT_FOUND":                _f(Advice.FIX_REQUEST),
    "NO_INTERFACE_DEF":             _f(Advice.FIX_REQUEST),
    # "Ask again after 15 s": not yet a word about the refund, so inquiryRefund has the last one.
    "ORDER_NOT_EXIST":              Row("F", Outcome.UNKNOWN, Advice.ASK),
    "PARAM_ILLEGAL":                _f(Advice.FIX_REQUEST),
    "PROCESS_FAIL":                 _f(Advice.CALL_SUPPORT),
    "SYSTEM_ERROR":                 _f(Advice.CALL_SUPPORT),
}

# https://docs.antom.com/ac/ams/notify_refund: the codes of refund, without four, with seven.
NOTIFY_REFUND: dict[str, Row] = {
    "SUCCESS":                        _s(),
    "REQUEST_TRAFFIC_EXCEED_LIMIT":   _u(Advice.ASK),
    "UNKNOWN_EXCEPTION":              _u(Advice.ASK),
    "REFUND_IN_PROCESS":              _u(Advice.ASK),
    "ACCESS_DENIED":                  _f(Advice.CALL_SUPPORT),
    "INVALID_API":                    _f(Advice.CALL_SUPPORT),
    "INVALID_MERCHANT_STATUS":        _f(Advice.CALL_SUPPORT),
    "KEY_NOT_FOUND":                  _f(Advice.FIX_REQUEST),
    "NO_INTERFACE_DEF":               _f(Advice.FIX_REQUEST),
    "PARAM_ILLEGAL":                  _f(Advice.FIX_REQUEST),
    "PROCESS_FAIL":                   _f(Advice.CALL_SUPPORT),
    "SYSTEM_ERROR":                   _f(Advice.CALL_SUPPORT),
    "CURRENCY_NOT_SUPPORT":           _f(Advice.CALL_SUPPORT),
    "MERCHANT_BALANCE_NOT_ENOUGH":    _f(Advice.WAIT),
    "MULTIPLE_REFUNDS_NOT_SUPPORTED": _f(Advice.GIVE_UP),
    "ORDER_IS_CLOSED":                _f(Advice.NEW_ID),
    "ORDER_NOT_EXIST":                _f(Advice.FIX_REQUEST),
    "ORDER_STATUS_INVALID":           _f(Advice.WAIT),
    "REFUND_AMOUNT_EXCEED":           _f(Advice.FIX_REQUEST),
    "REFUND_WINDOW_EXCEED":           _f(Advice.GIVE_UP),
    # Speaks of a second request under this id; the first may have been paid out.
    "REPEAT_REQ_INCONSISTENT":        USED_BEFORE,
    "CLIENT_INVALID":                 _f(Advice.FIX_REQUEST),
    "INVALID_CONTRACT":               _f(Advice.CALL_SUPPORT),
    "INVALID_SIGNATURE":              _f(Advice.FIX_REQUEST),
    "MEDIA_TYPE_NOT_ACCEPTABLE":      _f(Advice.FIX_REQUEST),
    "MERCHANT_NOT_REGISTERED":        _f(Advice.CALL_SUPPORT),
    "METHOD_NOT_SUPPORTED":           _f(Advice.FIX_REQUEST),
    "RISK_REJECT":                    _f(Advice.GIVE_UP),
}
# fmt: on


FIRST: Mapping[Api, Mapping[str, Row]] = {
    Api.CONSULT: CONSULT,
    Api.APPLY_TOKEN: APPLY_TOKEN,
    Api.REVOKE: REVOKE,
    Api.PAY: PAY,
    Api.INQUIRY_PAYMENT: INQUIRY_PAYMENT,
    Api.CANCEL: CANCEL,
    Api.REFUND: REFUND,
    Api.INQUIRY_REFUND: INQUIRY_REFUND,
    Api.DECLARE: DECLARE,
    Api.INQUIRY_DECLARATIONS: INQUIRY_DECLARATIONS,
    Api.PAYMENT_RESULT: PAYMENT_RESULT,
    Api.TRANSACTION_RESULT: TRANSACTION_RESULT,
    Api.NOTIFY_PAYMENT: NOTIFY_PAYMENT,
    Api.NOTIFY_REFUND: NOTIFY_REFUND,
}
REPEATED: Mapping[Api, Mapping[str, Row]] = {
    **FIRST,
    Api.PAY: closing_nothing(PAY),
    Api.REFUND: closing_nothing(REFUND),
    Api.DECLARE: closing_nothing(DECLARE),
}
"""Where a repetition differs. Questions, cancels and revokes are repeated by design: their answers read the same."""

TABLES = Tables(FIRST, REPEATED)
read, unsure, advice_for = TABLES.read, TABLES.unsure, TABLES.advice_for
AUTHORIZATION_REFUSALS = TABLES.refusals(Api.CONSULT, Api.APPLY_TOKEN)
PAYMENT_REFUSALS = TABLES.refusals(Api.PAY, Api.PAYMENT_RESULT, Api.NOTIFY_PAYMENT)
"""What an attempt to bind, and a payment, may end with."""
