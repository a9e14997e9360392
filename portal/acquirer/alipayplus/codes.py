"""What every documented result code means for us: one table per (API, first or repeated).

The rules by which they are made are those of ``portal.acquirer.codes``. The refund differs from other protocols: there
is no inquiry of it, and the identical request is repeated until its S or F, which is the documented way to ask. So
the F of a repeated refund speaks of the refund, unless it speaks of the call alone or of other contents under its id.

Sources: https://docs.alipayplus.com/alipayplus/alipayplus/api_acq_older_edition/error_codes for the common codes, the
page named at each table, and the wallets' edition of the same API where the partner's page shows no list. A code in no
table is UNKNOWN whatever its status: the payment is asked about, and cancelled in the end.
"""

from collections.abc import Mapping
from enum import StrEnum

from portal.acquirer.codes import USED_BEFORE, Row, Tables, closing_nothing
from portal.acquirer.codes import failure as _f
from portal.acquirer.codes import success as _s
from portal.acquirer.codes import unknown as _u
from portal.acquirer.results import Advice, Outcome


class Api(StrEnum):
    """Where a code may stand: the seven APIs, and two places inside answers and notifications."""

    PREPARE = "prepare"
    APPLY_TOKEN = "applyToken"  # noqa: S105 - a word of the protocol
    CANCEL_TOKEN = "cancelToken"  # noqa: S105
    PAY = "pay"
    INQUIRY_PAYMENT = "inquiryPayment"
    CANCEL_PAYMENT = "cancelPayment"
    REFUND = "refund"
    PAYMENT_RESULT = "paymentResult"
    """``paymentResult`` of inquiryPayment and of notifyPayment: what became of the payment."""
    TRANSACTION_RESULT = "transactionResult"
    """``transactions[].transactionResult`` of inquiryPayment, beside ``transactionStatus``."""


# fmt: off
_CALL_REFUSED: dict[str, Row] = {
    # The call was refused before the business saw it.
    "ACCESS_DENIED":             _f(Advice.CALL_SUPPORT),
    "INVALID_API":               _f(Advice.CALL_SUPPORT),
    "INVALID_CLIENT":            _f(Advice.FIX_REQUEST),
    "INVALID_SIGNATURE":         _f(Advice.FIX_REQUEST),
    "KEY_NOT_FOUND":             _f(Advice.FIX_REQUEST),
    "MEDIA_TYPE_NOT_ACCEPTABLE": _f(Advice.FIX_REQUEST),
    "METHOD_NOT_SUPPORTED":      _f(Advice.FIX_REQUEST),
    "NO_INTERFACE_DEF":          _f(Advice.FIX_REQUEST),
    "PARAM_ILLEGAL":             _f(Advice.FIX_REQUEST),
}

_CONTRACT: dict[str, Row] = {
    # We, the merchant and its contract: of every API that begins something.
    "BUSINESS_NOT_SUPPORT":      _f(Advice.CALL_SUPPORT),
    "INVALID_CONTRACT":          _f(Advice.CALL_SUPPORT),
    "MERCHANT_NOT_REGISTERED":   _f(Advice.CALL_SUPPORT),
    "REGULATION_RESTRICTION":    _f(Advice.GIVE_UP),
    "RISK_REJECT":               _f(Advice.GIVE_UP),
}


def _api(*groups: Mapping[str, Row], unsure: Advice, **own: Row) -> dict[str, Row]:
    """An API's table: SUCCESS, refusals of the call, the two general U, groups of common codes, its own codes."""
    table = {
        "SUCCESS": _s(),
        **_CALL_REFUSED,
        "PROCESS_FAIL": _f(Advice.CALL_SUPPORT),
        "REQUEST_TRAFFIC_EXCEED_LIMIT": _u(unsure),
        "UNKNOWN_EXCEPTION": _u(unsure),
    }
    for group in groups:
        table |= group
    return table | own


# https://docs.alipayplus.com/alipayplus/alipayplus/api_acq_ns/prepare
PREPARE = _api(
    _CONTRACT, unsure=Advice.SEND_AGAIN,
    # authClientId is the idempotency field, and authState makes each attempt another one.
    REPEAT_REQ_INCONSISTENT=_f(Advice.NEW_ID),
)

# https://docs.alipayplus.com/alipayplus/alipayplus/api_acq/apply_token and, for the code, wallets' own names of it.
APPLY_TOKEN = _api(
    _CONTRACT, unsure=Advice.SEND_AGAIN,
    AUTH_CLIENT_UNSUPPORTED_GRANT_TYPE=_f(Advice.CALL_SUPPORT),
    EXPIRED_CODE=_f(Advice.REAUTHORIZE),
    EXPIRED_REFRESH_TOKEN=_f(Advice.REAUTHORIZE),
    INVALID_AUTH_CLIENT=_f(Advice.FIX_REQUEST),
    INVALID_CODE=_f(Advice.REAUTHORIZE),
    INVALID_REFRESH_TOKEN=_f(Advice.REAUTHORIZE),
    USED_CODE=_f(Advice.REAUTHORIZE),
    USED_REFRESH_TOKEN=_f(Advice.REAUTHORIZE),
    USER_NOT_EXIST=_f(Advice.REAUTHORIZE),
    USER_STATUS_ABNORMAL=_f(Advice.ASK_BUYER),
)

_TOKEN_IS_DEAD = Row("F", Outcome.SUCCESS, Advice.NOTHING)
"""F on the wire; but the token is dead, which is all that was asked for."""
# https://docs.alipayplus.com/alipayplus/alipayplus/api_acq/cancel_token
CANCEL_TOKEN = _api(
    unsure=Advice.SEND_AGAIN,
    EXPIRED_ACCESS_TOKEN=_TOKEN_IS_DEAD,
    INVALID_AUTH_CLIENT=_f(Advice.FIX_REQUEST),
    INVALID_TOKEN=_TOKEN_IS_DEAD,
)

_PAYMENT: dict[str, Row] = {
    # Why a wallet does not pay:
    # https://docs.alipayplus.com/alipayplus/alipayplus/integration_auto_debit_mpp/make_payment
    "CURRENCY_NOT_SUPPORT":             _f(Advice.CALL_SUPPORT),
    "EXPIRED_ACCESS_TOKEN":             _f(Advice.REAUTHORIZE),
    "INVALID_TOKEN":                    _f(Advice.REAUTHORIZE),
    "PAYMENT_AMOUNT_EXCEED_LIMIT":      _f(Advice.ASK_BUYER),
    "PAYMENT_COUNT_EXCEED_LIMIT":       _f(Advice.WAIT),
    "UNAVAILABLE_PAYMENT_METHOD":       _f(Advice.ASK_BUYER),
    "USER_AMOUNT_EXCEED_LIMIT":         _f(Advice.ASK_BUYER),
    "USER_BALANCE_NOT_ENOUGH":          _f(Advice.ASK_BUYER),
    "USER_KYC_NOT_QUALIFIED":           _f(Advice.ASK_BUYER),
    "USER_NOT_EXIST":                   _f(Advice.REAUTHORIZE),
    "USER_PAYMENT_VERIFICATION_FAILED": _f(Advice.ASK_BUYER),
    "USER_STATUS_ABNORMAL":             _f(Advice.ASK_BUYER),
}

# https://docs.alipayplus.com/alipayplus/alipayplus/api_acq/pay_auto_debit
PAY = _api(
    _CONTRACT, _PAYMENT, unsure=Advice.ASK,
    # Expired or cancelled: what came before under this id, so inquiryPayment has the last word.
    ORDER_IS_CLOSED=USED_BEFORE,
    REPEAT_REQ_INCONSISTENT=USED_BEFORE,
    PAYMENT_IN_PROCESS=_u(Advice.ASK),
)

# https://docs.alipayplus.com/alipayplus/alipayplus/api_acq_tile/inquiry_payment: of the inquiry alone.
INQUIRY_PAYMENT = _api(
    unsure=Advice.SEND_AGAIN,
    ORDER_NOT_EXIST=_f(Advice.CANCEL),
    PAYMENT_IN_PROCESS=_u(Advice.ASK),
)

# https://docs.alipayplus.com/alipayplus/alipayplus/api_acq/cancel_payment
CANCEL_PAYMENT = _api(
    unsure=Advice.SEND_AGAIN,
    CANCEL_WINDOW_EXCEED=_f(Advice.REFUND),
    ORDER_NOT_EXIST=_f(Advice.ASK),
)

_REFUND: dict[str, Row] = {
    "CURRENCY_NOT_SUPPORT": _f(Advice.CALL_SUPPORT),
    "ORDER_IS_CLOSED":      _f(Advice.GIVE_UP),
    "ORDER_NOT_EXIST":      _f(Advice.FIX_REQUEST),
    "REFUND_AMOUNT_EXCEED": _f(Advice.FIX_REQUEST),
    "REFUND_WINDOW_EXCEED": _f(Advice.GIVE_UP),
}

# https://docs.alipayplus.com/alipayplus/alipayplus/api_acq/refund
REFUND = _api(
    _CONTRACT, _REFUND, unsure=Advice.SEND_AGAIN,
    REPEAT_REQ_INCONSISTENT=USED_BEFORE,
)

# https://docs.alipayplus.com/alipayplus/alipayplus/integration_auto_debit_acq_ns/inquiry_payment
PAYMENT_RESULT: dict[str, Row] = {
    "SUCCESS":                      _s(),
    "PAYMENT_IN_PROCESS":           _u(Advice.ASK),
    "REQUEST_TRAFFIC_EXCEED_LIMIT": _u(Advice.ASK),
    "UNKNOWN_EXCEPTION":            _u(Advice.ASK),
    **_CALL_REFUSED,
    **_CONTRACT,
    **_PAYMENT,
    "PROCESS_FAIL":                 _f(Advice.CALL_SUPPORT),
    "ORDER_IS_CLOSED":              _f(Advice.NEW_ID),
    # The cashier's guide reads it here instead of from the call's result: it is no word about a payment.
    "ORDER_NOT_EXIST":              Row("F", Outcome.UNKNOWN, Advice.CANCEL),
    "REPEAT_REQ_INCONSISTENT":      USED_BEFORE,
}

TRANSACTION_RESULT: dict[str, Row] = {
    "SUCCESS":                      _s(),
    "REQUEST_TRAFFIC_EXCEED_LIMIT": _u(Advice.ASK),
    "UNKNOWN_EXCEPTION":            _u(Advice.ASK),
    **_REFUND,
    "PROCESS_FAIL":                 _f(Advice.CALL_SUPPORT),
}
# fmt: on

_OF_THE_CALL = Row("F", Outcome.UNKNOWN, Advice.SEND_AGAIN)
"""F of a repeat that was refused as a call: what the first one did is still to be heard, under the same id."""

TABLES: Tables[Api] = Tables(
    {
        Api.PREPARE: PREPARE,
        Api.APPLY_TOKEN: APPLY_TOKEN,
        Api.CANCEL_TOKEN: CANCEL_TOKEN,
        Api.PAY: PAY,
        Api.INQUIRY_PAYMENT: INQUIRY_PAYMENT,
        Api.CANCEL_PAYMENT: CANCEL_PAYMENT,
        Api.REFUND: REFUND,
        Api.PAYMENT_RESULT: PAYMENT_RESULT,
        Api.TRANSACTION_RESULT: TRANSACTION_RESULT,
    },
    repeated={
        Api.PAY: closing_nothing(PAY),
        Api.REFUND: REFUND | dict.fromkeys(_CALL_REFUSED, _OF_THE_CALL),
    },
)
read, unsure = TABLES.read, TABLES.unsure

AUTHORIZATION_REFUSALS = TABLES.refusals(Api.PREPARE, Api.APPLY_TOKEN)
PAYMENT_REFUSALS = TABLES.refusals(Api.PAY, Api.PAYMENT_RESULT)
"""What an attempt to bind, and a payment, may end with."""
