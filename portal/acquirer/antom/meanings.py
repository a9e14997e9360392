"""What each result code means and what to do about it, in words for the desk.

The wire's own ``resultMessage`` is not stable and speaks to programmers; these sentences are ours. Where a code stands
for different things in different APIs, the sentence is true in all of them, or has another one there (``ELSEWHERE``);
which act is allowed is said by ``codes.advice_for``.
"""

from portal.acquirer.meanings import (
    AGREE_AGAIN,
    ASK,
    BUYER,
    FAMILY,
    NEVER_SEEN,
    NO_RETRY,
    NOTHING_SAID,
    OUR_BUG,
    SETUP,
    SUPPORT,
    Meaning,
)

# fmt: off
MEANINGS: dict[str, Meaning] = FAMILY | {
    # The call itself.
    "API_INVALID": Meaning("The acquirer does not know this kind of call.", OUR_BUG),
    "ARRAY_SIZE_EXCEEDED": Meaning("More ids in one question than the acquirer takes.", OUR_BUG),
    "CLIENT_FORBIDDEN_ACCESS_API": Meaning("Our client id has no permission for this call.", SUPPORT),
    "CLIENT_INVALID": Meaning("The client id is wrong or restricted.", SETUP),
    "UNKNOWN_CLIENT": Meaning("The acquirer does not know the client id, at least not in this environment.", SETUP),
    "INVALID_CLIENT_STATUS": Meaning("Our client id is not in a usable state.", SUPPORT),
    "OAUTH_FAILED": Meaning("The acquirer could not authenticate the call.", SUPPORT),
    "SYSTEM_ERROR": Meaning("The acquirer's system failed. This counts as a refusal.", NO_RETRY),
    # We, the merchant.
    "INVALID_MERCHANT_STATUS": Meaning("The merchant is restricted at the acquirer.", SUPPORT),
    "MERCHANT_KYB_NOT_QUALIFIED": Meaning("The acquirer still needs papers about our business.", SUPPORT),
    "MERCHANT_BALANCE_NOT_ENOUGH": Meaning(
        "Our balance at the acquirer is too low.", "Fund it or wait for settlement, then try again as a new request."),
    "SETTLE_CONTRACT_NOT_MATCH": Meaning(
        "We have no settlement contract for this currency.", "Check the settlement currency of the acquirer account."),
    "PAYMENT_NOT_QUALIFIED": Meaning("We have no valid Auto Debit contract for this.", SUPPORT),
    "NO_PAY_OPTIONS": Meaning("This wallet is not available to us.", "Check the contracted wallets, else ask support."),
    "PAYMENT_PROHIBITED": Meaning("The goods may not be paid for this way.", "Do not try again."),
    # The buyer and the agreement.
    "VERIFY_TIMES_EXCEED_LIMIT": Meaning("Too many verification attempts.", BUYER),
    "VERIFY_UNMATCHED": Meaning("The verification code was wrong.", BUYER),
    "INVALID_ACCESS_TOKEN": Meaning("The agreement has ended: the token is expired, revoked or unknown.", AGREE_AGAIN),
    "INVALID_AUTHCODE": Meaning("The authorization code is wrong, used or expired.", AGREE_AGAIN),
    "AUTH_IN_PROCESS": Meaning("The wallet has not finished the authorization.", "Wait; the portal asks again."),
    # The payment.
    "EXPIRED_CODE": Meaning("The payment code has expired.", BUYER),
    "INVALID_PAYMENT_CODE": Meaning("The payment code was refused.", BUYER),
    "INVALID_PAYMENT_METHOD_META_DATA": Meaning("The details of the payment method are wrong.", OUR_BUG),
    "ORDER_IS_CANCELED": Meaning("The payment under this id has been cancelled.", ASK),
    "ORDER_STATUS_INVALID": Meaning("The payment is in a state that does not allow this.", ASK),
    "FRAUD_REJECT": Meaning(
        "Refused as fraud; money already taken is given back.", "Ask support if it is not back within two weeks."),
    "SUSPECTED_RISK": Meaning("Refused as risky for now.", "May be tried again, as a new payment, in a working day."),
    # Cancel and refund.
    "PAYMENT_METHOD_NOT_SUPPORTED": Meaning(
        "This payment method cannot do that once the payment is made.", "Do not try again; cancel and refund differ."),
    "REFUND_IN_PROCESS": Meaning("The refund is being processed.", "Wait; do not refund again."),
    "REFUND_NOT_SUPPORTED": Meaning("This payment cannot be refunded.", "Settle it with the buyer in another way."),
    "MULTIPLE_REFUNDS_NOT_SUPPORTED": Meaning("The contract allows one refund a payment.", "Do not try again."),
    "PARTIAL_REFUND_NOT_SUPPORTED": Meaning("Only the whole amount can be refunded.", "Refund all of it."),
    # Customs.
    "DUPLICATED_DECLARATIONS": Meaning("The order was declared to this customs before.", "Do not declare it again."),
    "CONTEXT_INCONSISTENT": Meaning(
        "The declaration under this id has other contents.", "Ask for its state; declare anew under a new id."),
    "TOTAL_DECLARATION_AMOUNT_EXCEED": Meaning("More would be declared than was paid.", "Check the declared amounts."),
    # Cards, which share the payment's codes.
    "AUTHENTICATION_REQUIRED": Meaning("The card's issuer wants the buyer to authenticate.", BUYER),
    "CARD_NOT_SUPPORTED": Meaning("The card is not supported.", BUYER),
    "DO_NOT_HONOR": Meaning("The card's issuer refused without a reason.", BUYER),
    "INVALID_AMOUNT": Meaning("The issuer does not accept the amount.", OUR_BUG),
    "INVALID_CARD": Meaning("The card is not valid.", BUYER),
    "ISSUER_REJECTS_TRANSACTION": Meaning("The card's issuer refused.", BUYER),
}

_BEFORE_DELIVERING = "Deliver nothing that customs must know of; ask the acquirer's support."
ELSEWHERE: dict[tuple[str, str], Meaning] = {
    ("applyToken", "USER_STATUS_ABNORMAL"): Meaning(
        "The buyer's wallet account is blocked or irregular.", "Tell the buyer, who may try again later."),
    ("cancel", "USER_NOT_EXIST"): Meaning("The wallet does not know this buyer.", SUPPORT),
    ("cancel", "USER_STATUS_ABNORMAL"): Meaning("The buyer's wallet account is blocked or irregular.", SUPPORT),
    ("inquiryRefund", "RISK_REJECT"): Meaning("Risk control refused the refund.", SUPPORT),
    ("notifyRefund", "RISK_REJECT"): Meaning("Risk control refused the refund.", SUPPORT),
    ("declare", "RISK_REJECT"): Meaning("Risk control refused the declaration.", _BEFORE_DELIVERING),
    ("declare", "USER_STATUS_ABNORMAL"): Meaning(
        "The buyer's wallet account is blocked or irregular.", _BEFORE_DELIVERING),
    ("declare", "ORDER_NOT_EXIST"): Meaning(
        "The acquirer does not know the payment that is declared.", "Ask the acquirer about the payment first."),
    ("declare", "ORDER_STATUS_INVALID"): Meaning(
        "The payment is in a state in which it cannot be declared.", "Declare it again once it is paid."),
    ("inquiryDeclarationRequests", "RISK_REJECT"): Meaning("Risk control refused the question.", SUPPORT),
}
"""By (API, code): where the sentence that is true in all of them would send somebody the wrong way."""
# fmt: on


def meaning_of(code: str, api: str = "") -> Meaning:
    """The sentences for a code, of this API where they differ; an honest pair for one that is in no table.

    An empty pair for no code.
    """
    if not code:
        return NOTHING_SAID
    return ELSEWHERE.get((api, code)) or MEANINGS.get(code, NEVER_SEEN)
