"""What a failed charge means for the next try: every result code sorted into one kind of trouble.

One table; a code that is not in it is sorted by the advice the gateway's own tables give it. Sources: the result codes
of https://docs.antom.com/ac/ams/payment_agreement. Which of them pass by waiting is not documented; we choose so that
nothing is tried again that the acquirer calls final (risk, contract, a dead token), because each such try is a refusal
that the buyer sees in the wallet and that risk control counts.
"""

from payments.models import Payment
from payments.states import PaymentStatus
from payments.subscriptions.states import Trouble
from portal.acquirer.results import Advice
from portal.actor import ActorKind

# fmt: off
_BY_CODE: dict[str, Trouble] = {
    "USER_BALANCE_NOT_ENOUGH":          Trouble.BALANCE,
    "USER_AMOUNT_EXCEED_LIMIT":         Trouble.LIMIT,      # the buyer's own limit, mostly of a day
    "PAYMENT_COUNT_EXCEED_LIMIT":       Trouble.LIMIT,
    "MERCHANT_BALANCE_NOT_ENOUGH":      Trouble.OURS,
    "PAYMENT_AMOUNT_EXCEED_LIMIT":      Trouble.BUYER,      # of the wallet or the contract: tomorrow it is the same
    "USER_KYC_NOT_QUALIFIED":           Trouble.BUYER,
    "USER_PAYMENT_VERIFICATION_FAILED": Trouble.BUYER,
    "USER_STATUS_ABNORMAL":             Trouble.BUYER,
    "RISK_REJECT":                      Trouble.REFUSED,
    "FRAUD_REJECT":                     Trouble.REFUSED,
    "PAYMENT_PROHIBITED":               Trouble.REFUSED,
    "INVALID_ACCESS_TOKEN":             Trouble.CONSENT,
    "EXPIRED_ACCESS_TOKEN":             Trouble.CONSENT,
    "USER_NOT_EXIST":                   Trouble.CONSENT,
    "PROCESS_FAIL":                     Trouble.OURS,       # both: "do not retry", a person looks at it
    "SYSTEM_ERROR":                     Trouble.OURS,
    "NEVER_SENT":                       Trouble.TEMPORARY,
    "ORDER_NOT_EXIST":                  Trouble.TEMPORARY,  # it never arrived
}
_BY_ADVICE: dict[str, Trouble] = {
    Advice.REAUTHORIZE:  Trouble.CONSENT,
    Advice.ASK_BUYER:    Trouble.BUYER,
    Advice.GIVE_UP:      Trouble.REFUSED,
    Advice.NEW_ID:       Trouble.TEMPORARY,
    Advice.WAIT:         Trouble.LIMIT,
    Advice.FIX_REQUEST:  Trouble.OURS,
    Advice.CALL_SUPPORT: Trouble.OURS,
}
# fmt: on


def trouble_of(payment: Payment) -> Trouble:
    """What kind of trouble a payment met that ended without money.

    One that was called off because nobody answered in time may simply be tried again; one that a person called off, so
    that the buyer pays nothing, waits for a person.
    """
    if any(cancel.actor_kind != ActorKind.CLOCK for cancel in payment.cancels.all()):
        return Trouble.OURS
    if payment.status != PaymentStatus.FAILED:
        return Trouble.TEMPORARY
    return trouble(payment.result_code, payment.advice)


def trouble(code: str, advice: str) -> Trouble:
    """The kind of trouble of a result code; of an unknown one by its advice, and OURS where that says nothing."""
    return _BY_CODE.get(code) or _BY_ADVICE.get(advice, Trouble.OURS)
