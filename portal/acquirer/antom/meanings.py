"""What each result code means and what to do about it, in words for the desk.

The wire's own ``resultMessage`` is not stable and speaks to programmers; these sentences are ours. Where a code stands
for different things in different APIs, the sentence is true in all of them, or has another one there (``ELSEWHERE``);
which act is allowed is said by ``codes.advice_for``.
"""

from portal.acquirer.meanings import NEVER_SEEN, NOTHING_SAID, Meaning

# Sentences that recur.
_NO_RETRY = "Do not send it again; let a person look at it, with support if need be."
_SUPPORT = "Ask the acquirer's support."
_OUR_BUG = "Our request is at fault: report it to whoever runs the portal."
_BUYER = "Tell the buyer; a new try is a new payment."
_ASK = "Ask the acquirer what became of it before doing anything else."
_AGREE_AGAIN = "The buyer has to agree again in the wallet."
_SETUP = "Check the acquirer account's page and run its test call."

# fmt: off
MEANINGS: dict[str, Meaning] = {
    "SUCCESS": Meaning("Done.", "Nothing."),
    # The call itself.
    "ACCESS_DENIED": Meaning("The acquirer refuses us access.", _SUPPORT),
    "API_INVALID": Meaning("The acquirer does not know this kind of call.", _OUR_BUG),
    "ARRAY_SIZE_EXCEEDED": Meaning("More ids in one question than the acquirer takes.", _OUR_BUG),
    "CLIENT_FORBIDDEN_ACCESS_API": Meaning("Our client id has no permission for this call.", _SUPPORT),
    "CLIENT_INVALID": Meaning("The client id is wrong or restricted.", _SETUP),
    "UNKNOWN_CLIENT": Meaning("The acquirer does not know the client id, at least not in this environment.", _SETUP),
    "INVALID_CLIENT_STATUS": Meaning("Our client id is not in a usable state.", _SUPPORT),
    "INVALID_API": Meaning("The call is not activated for us.", _SUPPORT),
    "INVALID_SIGNATURE": Meaning(
        "Our signature was refused: our public key at the acquirer does not belong to our private key.", _SETUP),
    "KEY_NOT_FOUND": Meaning("A public key is missing at the acquirer.", "Upload our public key in its dashboard."),
    "NO_INTERFACE_DEF": Meaning("There is nothing at the address we called.", _SETUP),
    "METHOD_NOT_SUPPORTED": Meaning("The call was not a POST.", _OUR_BUG),
    "MEDIA_TYPE_NOT_ACCEPTABLE": Meaning("The acquirer wants JSON and believes it got something else.", _OUR_BUG),
    "OAUTH_FAILED": Meaning("The acquirer could not authenticate the call.", _SUPPORT),
    "PARAM_ILLEGAL": Meaning("A field is missing, too long or of the wrong form.", _OUR_BUG),
    "REQUEST_TRAFFIC_EXCEED_LIMIT": Meaning("Too many calls at once.", "Wait a little; the portal asks again."),
    "UNKNOWN_EXCEPTION": Meaning("The acquirer cannot say what happened.", _ASK),
    "PROCESS_FAIL": Meaning("The acquirer failed to process it and gives no reason.", _NO_RETRY),
    "SYSTEM_ERROR": Meaning("The acquirer's system failed. This counts as a refusal.", _NO_RETRY),
    # We, the merchant.
    "MERCHANT_NOT_REGISTERED": Meaning("The merchant is not registered.", "Register it at the acquirer first."),
    "INVALID_MERCHANT_STATUS": Meaning("The merchant is restricted at the acquirer.", _SUPPORT),
    "INVALID_CONTRACT": Meaning("The request does not fit our contract.", "Compare the two, else ask support."),
    "MERCHANT_KYB_NOT_QUALIFIED": Meaning("The acquirer still needs papers about our business.", _SUPPORT),
    "MERCHANT_BALANCE_NOT_ENOUGH": Meaning(
        "Our balance at the acquirer is too low.", "Fund it or wait for settlement, then try again as a new request."),
    "SETTLE_CONTRACT_NOT_MATCH": Meaning(
        "We have no settlement contract for this currency.", "Check the settlement currency of the acquirer account."),
    "PAYMENT_NOT_QUALIFIED": Meaning("We have no valid Auto Debit contract for this.", _SUPPORT),
    "CURRENCY_NOT_SUPPORT": Meaning("The currency is not supported.", _SUPPORT),
    "NO_PAY_OPTIONS": Meaning("This wallet is not available to us.", "Check the contracted wallets, else ask support."),
    "RISK_REJECT": Meaning("Risk control refused it.", "Tell the buyer; trying again will not help."),
    "PAYMENT_PROHIBITED": Meaning("The goods may not be paid for this way.", "Do not try again."),
    # The buyer and the agreement.
    "USER_NOT_EXIST": Meaning("The wallet does not know this buyer.", _AGREE_AGAIN),
    "USER_STATUS_ABNORMAL": Meaning("The buyer's wallet account is blocked or irregular.", _BUYER),
    "USER_BALANCE_NOT_ENOUGH": Meaning("There is not enough money in the wallet.", "The buyer tops up; then try anew."),
    "USER_AMOUNT_EXCEED_LIMIT": Meaning("The amount is over the buyer's own limit.", _BUYER),
    "USER_KYC_NOT_QUALIFIED": Meaning("The wallet wants the buyer to identify first.", _BUYER),
    "USER_PAYMENT_VERIFICATION_FAILED": Meaning("The buyer's verification failed, or the buyer is restricted.", _BUYER),
    "VERIFY_TIMES_EXCEED_LIMIT": Meaning("Too many verification attempts.", _BUYER),
    "VERIFY_UNMATCHED": Meaning("The verification code was wrong.", _BUYER),
    "INVALID_ACCESS_TOKEN": Meaning("The agreement has ended: the token is expired, revoked or unknown.", _AGREE_AGAIN),
    "INVALID_REFRESH_TOKEN": Meaning("The agreement can no longer be renewed.", _AGREE_AGAIN),
    "INVALID_AUTHCODE": Meaning("The authorization code is wrong, used or expired.", _AGREE_AGAIN),
    "AUTH_IN_PROCESS": Meaning("The wallet has not finished the authorization.", "Wait; the portal asks again."),
    # The payment.
    "PAYMENT_IN_PROCESS": Meaning("The payment is being processed.", "Wait; the portal asks until it is decided."),
    "PAYMENT_AMOUNT_EXCEED_LIMIT": Meaning("The amount is over the wallet's or the contract's maximum.", _BUYER),
    "PAYMENT_COUNT_EXCEED_LIMIT": Meaning("The wallet takes no more payments for now.", "Try later, as a new payment."),
    "EXPIRED_CODE": Meaning("The payment code has expired.", _BUYER),
    "INVALID_PAYMENT_CODE": Meaning("The payment code was refused.", _BUYER),
    "INVALID_PAYMENT_METHOD_META_DATA": Meaning("The details of the payment method are wrong.", _OUR_BUG),
    "ORDER_IS_CLOSED": Meaning("The transaction under this id is closed.", _ASK),
    "ORDER_IS_CANCELED": Meaning("The payment under this id has been cancelled.", _ASK),
    "ORDER_NOT_EXIST": Meaning("The acquirer knows nothing under this id.", "It may still be on its way: ask again."),
    "ORDER_STATUS_INVALID": Meaning("The payment is in a state that does not allow this.", _ASK),
    "REPEAT_REQ_INCONSISTENT": Meaning("This id was used before, with other values.", _ASK),
    "FRAUD_REJECT": Meaning(
        "Refused as fraud; money already taken is given back.", "Ask support if it is not back within two weeks."),
    "SUSPECTED_RISK": Meaning("Refused as risky for now.", "May be tried again, as a new payment, in a working day."),
    # Cancel and refund.
    "CANCEL_WINDOW_EXCEED": Meaning("Too late to cancel.", "Give the money back by refund."),
    "PAYMENT_METHOD_NOT_SUPPORTED": Meaning(
        "This payment method cannot do that once the payment is made.", "Do not try again; cancel and refund differ."),
    "REFUND_IN_PROCESS": Meaning("The refund is being processed.", "Wait; do not refund again."),
    "REFUND_AMOUNT_EXCEED": Meaning("The refunds would exceed what was paid.", "Check what was already given back."),
    "REFUND_NOT_SUPPORTED": Meaning("This payment cannot be refunded.", "Settle it with the buyer in another way."),
    "REFUND_WINDOW_EXCEED": Meaning("Too late to refund.", "Settle it with the buyer in another way."),
    "MULTIPLE_REFUNDS_NOT_SUPPORTED": Meaning("The contract allows one refund a payment.", "Do not try again."),
    "PARTIAL_REFUND_NOT_SUPPORTED": Meaning("Only the whole amount can be refunded.", "Refund all of it."),
    # Customs.
    "DUPLICATED_DECLARATIONS": Meaning("The order was declared to this customs before.", "Do not declare it again."),
    "CONTEXT_INCONSISTENT": Meaning(
        "The declaration under this id has other contents.", "Ask for its state; declare anew under a new id."),
    "TOTAL_DECLARATION_AMOUNT_EXCEED": Meaning("More would be declared than was paid.", "Check the declared amounts."),
    # Cards, which share the payment's codes.
    "AUTHENTICATION_REQUIRED": Meaning("The card's issuer wants the buyer to authenticate.", _BUYER),
    "CARD_NOT_SUPPORTED": Meaning("The card is not supported.", _BUYER),
    "DO_NOT_HONOR": Meaning("The card's issuer refused without a reason.", _BUYER),
    "INVALID_AMOUNT": Meaning("The issuer does not accept the amount.", _OUR_BUG),
    "INVALID_CARD": Meaning("The card is not valid.", _BUYER),
    "ISSUER_REJECTS_TRANSACTION": Meaning("The card's issuer refused.", _BUYER),
}

_BEFORE_DELIVERING = "Deliver nothing that customs must know of; ask the acquirer's support."
ELSEWHERE: dict[tuple[str, str], Meaning] = {
    ("applyToken", "USER_STATUS_ABNORMAL"): Meaning(
        "The buyer's wallet account is blocked or irregular.", "Tell the buyer, who may try again later."),
    ("cancel", "USER_NOT_EXIST"): Meaning("The wallet does not know this buyer.", _SUPPORT),
    ("cancel", "USER_STATUS_ABNORMAL"): Meaning("The buyer's wallet account is blocked or irregular.", _SUPPORT),
    ("inquiryRefund", "RISK_REJECT"): Meaning("Risk control refused the refund.", _SUPPORT),
    ("notifyRefund", "RISK_REJECT"): Meaning("Risk control refused the refund.", _SUPPORT),
    ("declare", "RISK_REJECT"): Meaning("Risk control refused the declaration.", _BEFORE_DELIVERING),
    ("declare", "USER_STATUS_ABNORMAL"): Meaning(
        "The buyer's wallet account is blocked or irregular.", _BEFORE_DELIVERING),
    ("declare", "ORDER_NOT_EXIST"): Meaning(
        "The acquirer does not know the payment that is declared.", "Ask the acquirer about the payment first."),
    ("declare", "ORDER_STATUS_INVALID"): Meaning(
        "The payment is in a state in which it cannot be declared.", "Declare it again once it is paid."),
    ("inquiryDeclarationRequests", "RISK_REJECT"): Meaning("Risk control refused the question.", _SUPPORT),
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
