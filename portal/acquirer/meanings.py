"""What a result code is to a person: two short sentences, whichever acquirer says it.

The sentences are kept in English and told in the reader's language. Each adapter has tables of its own: one code may
stand for different things with two acquirers, and then two accounts explain it differently.
"""

from typing import NamedTuple


class Meaning(NamedTuple):
    """Two short sentences."""

    meaning: str
    what_to_do: str


NOTHING_SAID = Meaning("", "")
"""Of no code."""
NEVER_SEEN = Meaning(
    "A code the portal has never seen; it counts as 'unknown'.",
    "Ask the acquirer what became of it before doing anything else.",
)
"""Of a code that is in no table."""

# Sentences that recur.
NO_RETRY = "Do not send it again; let a person look at it, with support if need be."
SUPPORT = "Ask the acquirer's support."
OUR_BUG = "Our request is at fault: report it to whoever runs the portal."
BUYER = "Tell the buyer; a new try is a new payment."
ASK = "Ask the acquirer what became of it before doing anything else."
AGREE_AGAIN = "The buyer has to agree again in the wallet."
SETUP = "Check the acquirer account's page and run its test call."

# fmt: off
FAMILY: dict[str, Meaning] = {
    "SUCCESS": Meaning("Done.", "Nothing."),
    # The call itself.
    "ACCESS_DENIED": Meaning("The acquirer refuses us access.", SUPPORT),
    "INVALID_API": Meaning("The call is not activated for us.", SUPPORT),
    "INVALID_SIGNATURE": Meaning(
        "Our signature was refused: our public key at the acquirer does not belong to our private key.", SETUP),
    "KEY_NOT_FOUND": Meaning("A public key is missing at the acquirer.", "Upload our public key in its dashboard."),
    "NO_INTERFACE_DEF": Meaning("There is nothing at the address we called.", SETUP),
    "METHOD_NOT_SUPPORTED": Meaning("The call was not a POST.", OUR_BUG),
    "MEDIA_TYPE_NOT_ACCEPTABLE": Meaning("The acquirer wants JSON and believes it got something else.", OUR_BUG),
    "PARAM_ILLEGAL": Meaning("A field is missing, too long or of the wrong form.", OUR_BUG),
    "REQUEST_TRAFFIC_EXCEED_LIMIT": Meaning("Too many calls at once.", "Wait a little; the portal asks again."),
    "UNKNOWN_EXCEPTION": Meaning("The acquirer cannot say what happened.", ASK),
    "PROCESS_FAIL": Meaning("The acquirer failed to process it and gives no reason.", NO_RETRY),
    # We, the merchant.
    "MERCHANT_NOT_REGISTERED": Meaning("The merchant is not registered.", "Register it at the acquirer first."),
    "INVALID_CONTRACT": Meaning("The request does not fit our contract.", "Compare the two, else ask support."),
    "CURRENCY_NOT_SUPPORT": Meaning("The currency is not supported.", SUPPORT),
    "RISK_REJECT": Meaning("Risk control refused it.", "Tell the buyer; trying again will not help."),
    # The buyer and the agreement.
    "USER_NOT_EXIST": Meaning("The wallet does not know this buyer.", AGREE_AGAIN),
    "USER_STATUS_ABNORMAL": Meaning("The buyer's wallet account is blocked or irregular.", BUYER),
    "USER_BALANCE_NOT_ENOUGH": Meaning("There is not enough money in the wallet.", "The buyer tops up; then try anew."),
    "USER_AMOUNT_EXCEED_LIMIT": Meaning("The amount is over the buyer's own limit.", BUYER),
    "USER_KYC_NOT_QUALIFIED": Meaning("The wallet wants the buyer to identify first.", BUYER),
    "USER_PAYMENT_VERIFICATION_FAILED": Meaning("The buyer's verification failed, or the buyer is restricted.", BUYER),
    "INVALID_REFRESH_TOKEN": Meaning("The agreement can no longer be renewed.", AGREE_AGAIN),
    # The payment.
    "PAYMENT_IN_PROCESS": Meaning("The payment is being processed.", "Wait; the portal asks until it is decided."),
    "PAYMENT_AMOUNT_EXCEED_LIMIT": Meaning("The amount is over the wallet's or the contract's maximum.", BUYER),
    "PAYMENT_COUNT_EXCEED_LIMIT": Meaning("The wallet takes no more payments for now.", "Try later, as a new payment."),
    "ORDER_IS_CLOSED": Meaning("The transaction under this id is closed.", ASK),
    "ORDER_NOT_EXIST": Meaning("The acquirer knows nothing under this id.", "It may still be on its way: ask again."),
    "REPEAT_REQ_INCONSISTENT": Meaning("This id was used before, with other values.", ASK),
    # Cancel and refund.
    "CANCEL_WINDOW_EXCEED": Meaning("Too late to cancel.", "Give the money back by refund."),
    "REFUND_AMOUNT_EXCEED": Meaning("The refunds would exceed what was paid.", "Check what was already given back."),
    "REFUND_WINDOW_EXCEED": Meaning("Too late to refund.", "Settle it with the buyer in another way."),
}
"""Codes that mean the same in every protocol of one family; each adapter adds its own."""
# fmt: on
