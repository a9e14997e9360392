"""Why a payment did not happen, for the buyer: short, polite, and with something to do.

Nobody is told more about a wallet's user than the user may know, and nobody is told "failed" while it is unknown: a
reason exists for final payments only. Codes: https://docs.antom.com/ac/ams/payment_agreement. The sentences are kept in
English; a mini program says them in the buyer's language.
"""

from payments.models import Payment
from payments.states import PaymentStatus
from payments.subscriptions.states import Trouble
from portal.acquirer.results import Advice

RETRY = "retry"
ANOTHER_WALLET = "choose_another_wallet"
AUTHORIZE_AGAIN = "authorize_again"
ASK_MERCHANT = "ask_merchant"
ACTIONS = (RETRY, ANOTHER_WALLET, AUTHORIZE_AGAIN, ASK_MERCHANT)

_MERCHANT_CANNOT = ("This wallet cannot be used here at the moment. Use another one.", ANOTHER_WALLET)
_NEVER_ARRIVED = ("The wallet could not be reached. Nothing was charged; try again.", RETRY)
TEXTS: dict[str, tuple[str, str]] = {
    "USER_BALANCE_NOT_ENOUGH": (
        "There is not enough money in the wallet. Top it up, or use another one.",
        ANOTHER_WALLET,
    ),
    "USER_AMOUNT_EXCEED_LIMIT": ("This is above your wallet's limit. Use another wallet.", ANOTHER_WALLET),
    "PAYMENT_AMOUNT_EXCEED_LIMIT": (
        "This amount is above what the wallet pays at once. Use another wallet.",
        ANOTHER_WALLET,
    ),
    "PAYMENT_COUNT_EXCEED_LIMIT": (
        "Your wallet has paid too often for now. Use another wallet, or try tomorrow.",
        ANOTHER_WALLET,
    ),
    "USER_KYC_NOT_QUALIFIED": (
        "Your wallet wants to know you better first. Complete your profile there.",
        ANOTHER_WALLET,
    ),
    "USER_PAYMENT_VERIFICATION_FAILED": ("The wallet could not verify you. Use another wallet.", ANOTHER_WALLET),
    "USER_STATUS_ABNORMAL": (
        "There is a problem with your wallet account. Please ask your wallet.",
        ANOTHER_WALLET,
    ),
    "USER_NOT_EXIST": ("The wallet does not know this account any more. Authorize it again.", AUTHORIZE_AGAIN),
    "INVALID_ACCESS_TOKEN": ("The wallet has ended the authorization. Authorize it again.", AUTHORIZE_AGAIN),
    "RISK_REJECT": ("The wallet declined. Use another one.", ANOTHER_WALLET),
    "PAYMENT_NOT_QUALIFIED": _MERCHANT_CANNOT,
    "NO_PAY_OPTIONS": _MERCHANT_CANNOT,
    "CURRENCY_NOT_SUPPORT": ("The wallet does not pay in this currency. Use another one.", ANOTHER_WALLET),
    "PROCESS_FAIL": ("The wallet could not carry out the payment. Use another one.", ANOTHER_WALLET),
    "SYSTEM_ERROR": ("The wallet could not carry out the payment. Try again later.", RETRY),
    "NEVER_SENT": _NEVER_ARRIVED,
    "ORDER_NOT_EXIST": _NEVER_ARRIVED,
}
_BY_ADVICE: dict[str, tuple[str, str]] = {
    Advice.REAUTHORIZE: ("The wallet wants a new authorization.", AUTHORIZE_AGAIN),
    Advice.ASK_BUYER: ("The wallet declined. Use another one.", ANOTHER_WALLET),
    Advice.NEW_ID: ("The payment did not happen. Nothing was charged; try again.", RETRY),
    Advice.WAIT: ("The wallet is busy. Nothing was charged; try again later.", RETRY),
}
OTHERWISE = ("The payment was not accepted. Use another wallet, or ask the merchant.", ASK_MERCHANT)
CANCELLED_UNPAID = ("The wallet gave no answer in time, so the payment was called off. Nothing is owed for it.", RETRY)
CANCELLED_PAID = ("The payment was cancelled; the money goes back to the wallet.", ASK_MERCHANT)
REVERSED = ("The wallet charged this after all. Please ask the merchant.", ASK_MERCHANT)

TROUBLES: dict[str, tuple[str, str]] = {
    Trouble.BALANCE: ("There is not enough money in the wallet. Top it up, or use another one.", ANOTHER_WALLET),
    Trouble.LIMIT: ("The wallet does not allow it for now. It is tried again later.", ANOTHER_WALLET),
    Trouble.TEMPORARY: ("The wallet could not be reached. It is tried again.", RETRY),
    Trouble.CONSENT: ("The wallet has ended the authorization. Authorize it again.", AUTHORIZE_AGAIN),
    Trouble.BUYER: ("The wallet needs something of you first. Look there, or use another one.", ANOTHER_WALLET),
    Trouble.REFUSED: ("The wallet declined. Use another one.", ANOTHER_WALLET),
    Trouble.OURS: ("The charge could not be made. Nothing is wrong with your wallet.", ASK_MERCHANT),
}
"""Why a cycle of a subscription is not paid."""


def reason_of(payment: Payment) -> dict[str, str] | None:
    """Why the payment did not happen, or did not stay; None while it is unknown and when it is paid."""
    if payment.status == PaymentStatus.FAILED:
        code = payment.result_code or "FAILED"
        text, action = said_of(code, payment.advice)
        return {"code": code, "text": text, "action": action}
    if payment.status == PaymentStatus.CANCELLED:
        text, action = CANCELLED_UNPAID if payment.paid_at is None else CANCELLED_PAID
        return {"code": "CANCELLED", "text": text, "action": action}
    if payment.status == PaymentStatus.REVERSED:
        return {"code": "REVERSED", "text": REVERSED[0], "action": REVERSED[1]}
    return None


def said_of(code: str, advice: str) -> tuple[str, str]:
    """What a buyer is told of a payment that failed with this code, and what to offer them."""
    return TEXTS.get(code) or _BY_ADVICE.get(advice) or OTHERWISE
