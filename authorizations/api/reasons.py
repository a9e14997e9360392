"""Why an attempt to bind came to nothing, for the buyer. Kept in English; a mini program says it in their language."""

from authorizations.models import Authorization
from authorizations.states import AuthorizationStatus

NO_ANSWER = "NO_ANSWER"
EXPIRED = "EXPIRED"

REFUSED = "You did not agree. Nothing was bound."
LAPSED = "The authorization has run out. Authorize again."
OTHERWISE = "The wallet could not be bound. Authorize again, or use another one."
TEXTS: dict[str, str] = {
    # my.signContract
    "6001": REFUSED,
    "6002": "The network failed. Try again.",
    "7002": "The wallet could not authorize. Try again.",
    # consult and applyToken: https://docs.antom.com/ac/ams/authconsult, …/accesstokenapp
    "INVALID_AUTHCODE": LAPSED,
    "NO_PAY_OPTIONS": "This wallet is not available at the moment.",
    "PAYMENT_NOT_QUALIFIED": "This wallet is not available at the moment.",
    "RISK_REJECT": "The wallet declined. Please use another one.",
    "USER_NOT_EXIST": "The wallet does not know this user.",
    "USER_STATUS_ABNORMAL": "There is a problem with your wallet account. Please ask your wallet.",
    NO_ANSWER: "The wallet gave no answer. Authorize again; nothing was charged.",
    EXPIRED: LAPSED,
}


def reason_of(authorization: Authorization) -> dict[str, str] | None:
    """Why the attempt came to nothing, for the buyer; None while it has not."""
    if authorization.status == AuthorizationStatus.CANCELLED:
        return {"code": authorization.result_code or "6001", "text": REFUSED}
    if authorization.status == AuthorizationStatus.EXPIRED:
        return {"code": EXPIRED, "text": LAPSED}
    if authorization.status == AuthorizationStatus.FAILED:
        code = authorization.result_code or NO_ANSWER
        return {"code": code, "text": text_of(code)}
    return None


def text_of(code: str) -> str:
    """What a buyer is told of an attempt that failed with this code."""
    return TEXTS.get(code, OTHERWISE)
