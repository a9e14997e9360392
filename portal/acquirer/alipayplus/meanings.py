"""What each result code means and what to do about it, in words for the desk.

Most codes are the family's. The sentences that differ where a code stands for something else are in ``ELSEWHERE``.
"""

from portal.acquirer.meanings import AGREE_AGAIN, BUYER, FAMILY, NEVER_SEEN, NOTHING_SAID, SETUP, SUPPORT, Meaning

# fmt: off
MEANINGS: dict[str, Meaning] = FAMILY | {
    "INVALID_CLIENT": Meaning("The acquirer does not know our client id, at least not in this environment.", SETUP),
    "BUSINESS_NOT_SUPPORT": Meaning("Our contract does not have this product.", SUPPORT),
    "REGULATION_RESTRICTION": Meaning("The law of a country forbids it.", "Do not try again."),
    # The agreement.
    "AUTH_CLIENT_UNSUPPORTED_GRANT_TYPE": Meaning("This wallet's tokens cannot be had in this way.", SUPPORT),
    "INVALID_AUTH_CLIENT": Meaning(
        "The wallet does not know the merchant.", "Compare the merchant id of the account with the acquirer's."),
    "INVALID_CODE": Meaning("The authorization code is wrong.", AGREE_AGAIN),
    "EXPIRED_CODE": Meaning("The authorization code has expired.", AGREE_AGAIN),
    "USED_CODE": Meaning("The authorization code was used before.", AGREE_AGAIN),
    "INVALID_TOKEN": Meaning("The agreement has ended, or the token is for something else.", AGREE_AGAIN),
    "EXPIRED_ACCESS_TOKEN": Meaning("The token has expired.", AGREE_AGAIN),
    "EXPIRED_REFRESH_TOKEN": Meaning("The time in which the agreement could be renewed has passed.", AGREE_AGAIN),
    "USED_REFRESH_TOKEN": Meaning("The agreement was renewed with this token before.", AGREE_AGAIN),
    # The payment.
    "UNAVAILABLE_PAYMENT_METHOD": Meaning("The wallet has nothing to pay with.", BUYER),
}
ELSEWHERE: dict[tuple[str, str], Meaning] = {
    ("applyToken", "USER_STATUS_ABNORMAL"): Meaning(
        "The buyer's wallet account is blocked or irregular.", "Tell the buyer, who may try again later."),
    ("refund", "ORDER_IS_CLOSED"): Meaning("The payment was cancelled or never made.", "There is nothing to refund."),
    ("refund", "ORDER_NOT_EXIST"): Meaning(
        "The acquirer does not know the payment that is refunded.", "Ask the acquirer about the payment first."),
    ("prepare", "REPEAT_REQ_INCONSISTENT"): Meaning(
        "This attempt was begun before, with other values.", "Begin a new attempt."),
}
"""By (API, code): where the sentence that is true in all others would send somebody the wrong way."""
# fmt: on


def meaning_of(code: str, api: str = "") -> Meaning:
    """The sentences for a code, of this API where they differ; an honest pair for one that is in no table.

    An empty pair for no code.
    """
    if not code:
        return NOTHING_SAID
    return ELSEWHERE.get((api, code)) or MEANINGS.get(code, NEVER_SEEN)
