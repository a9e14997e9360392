"""The states of a subscription and of one cycle, as tables. README's diagrams are drawn from them."""

from enum import StrEnum

from django.db.models import TextChoices

from portal.machine import Machine


class SubscriptionStatus(TextChoices):
    """Where a buyer's agreement stands."""

    ACTIVE = "ACTIVE", "Active"
    PAUSED = "PAUSED", "Paused"
    IN_GRACE = "IN_GRACE", "In grace"
    """A charge failed and is being retried or waited for; the service goes on."""
    PAST_DUE = "PAST_DUE", "Past due"
    """Grace is over; no further cycle opens until the open one is paid."""
    CANCELLED = "CANCELLED", "Cancelled"
    ENDED = "ENDED", "Ended"
    """Every cycle that was agreed to is done."""


class SubscriptionEvent(StrEnum):
    """What happens to an agreement."""

    PAUSED = "paused"
    RESUMED = "resumed"
    CHARGE_FAILED = "charge failed"
    RECOVERED = "recovered"
    GRACE_OVER = "grace over"
    CANCELLED = "cancelled"
    CONSENT_ENDED = "consent ended"
    GIVEN_UP = "given up"
    LAST_CYCLE_DONE = "last cycle done"


S, E = SubscriptionStatus, SubscriptionEvent
# fmt: off
SUBSCRIPTION: Machine[SubscriptionStatus, SubscriptionEvent] = Machine(
    # from         on                   to
    (S.ACTIVE,     E.PAUSED,            S.PAUSED),
    (S.PAUSED,     E.RESUMED,           S.ACTIVE),
    (S.ACTIVE,     E.CHARGE_FAILED,     S.IN_GRACE),
    (S.IN_GRACE,   E.RECOVERED,         S.ACTIVE),
    (S.IN_GRACE,   E.GRACE_OVER,        S.PAST_DUE),
    (S.PAST_DUE,   E.RECOVERED,         S.ACTIVE),
    (S.PAST_DUE,   E.GIVEN_UP,          S.CANCELLED),   # its time is over, too
    (S.ACTIVE,     E.CANCELLED,         S.CANCELLED),
    (S.PAUSED,     E.CANCELLED,         S.CANCELLED),
    (S.IN_GRACE,   E.CANCELLED,         S.CANCELLED),
    (S.PAST_DUE,   E.CANCELLED,         S.CANCELLED),
    (S.ACTIVE,     E.CONSENT_ENDED,     S.CANCELLED),   # the wallet was revoked, from either side
    (S.PAUSED,     E.CONSENT_ENDED,     S.CANCELLED),
    (S.IN_GRACE,   E.CONSENT_ENDED,     S.CANCELLED),
    (S.PAST_DUE,   E.CONSENT_ENDED,     S.CANCELLED),
    (S.ACTIVE,     E.LAST_CYCLE_DONE,   S.ENDED),
)
# fmt: on

RUNNING = (S.ACTIVE, S.PAUSED, S.IN_GRACE, S.PAST_DUE)
"""Not over yet."""
OPENING = (S.ACTIVE, S.IN_GRACE)
"""New cycles open in these alone."""
UNPAID = (S.IN_GRACE, S.PAST_DUE)
"""A cycle of it is open that was not paid when it was due."""


class EndCode(TextChoices):
    """Why it is over, for the merchant's systems."""

    CANCELLED = "CANCELLED", "Cancelled"
    CONSENT_ENDED = "CONSENT_ENDED", "The consent of its wallet ended"
    UNPAID = "UNPAID", "Not paid in time"
    COMPLETED = "COMPLETED", "Every charge that was agreed to is made"


END_CODES = {
    SubscriptionEvent.CANCELLED: EndCode.CANCELLED,
    SubscriptionEvent.CONSENT_ENDED: EndCode.CONSENT_ENDED,
    SubscriptionEvent.GIVEN_UP: EndCode.UNPAID,
    SubscriptionEvent.LAST_CYCLE_DONE: EndCode.COMPLETED,
}


class CycleStatus(TextChoices):
    """Where one date of a subscription stands."""

    PLANNED = "PLANNED", "Amount posted"
    """Metered: its amount is known before it is due."""
    AWAITING_AMOUNT = "AWAITING_AMOUNT", "Waits for its amount"
    """Metered: due, and the merchant's server has posted nothing."""
    CHARGING = "CHARGING", "Being charged"
    """It has its order; it is charged, or its payment has no final answer yet."""
    RETRYING = "RETRYING", "Will be tried again"
    NEEDS_CONSENT = "NEEDS_CONSENT", "Needs authorization"
    """The token died; charged as soon as the buyer has agreed again."""
    FAILED = "FAILED", "Not tried again"
    """Nothing the clock could do would help: another wallet, or a person."""
    PAID = "PAID", "Paid"
    SKIPPED = "SKIPPED", "Skipped"
    GIVEN_UP = "GIVEN_UP", "Given up"
    """Its order was withdrawn unpaid."""


class CycleEvent(StrEnum):
    """What happens to a cycle."""

    FELL_DUE = "fell due"
    AMOUNT_POSTED = "amount posted"
    PAID = "paid"
    WILL_RETRY = "will retry"
    CONSENT_DIED = "consent died"
    REFUSED = "refused"
    TRIED_AGAIN = "tried again"
    SKIPPED = "skipped"
    GIVEN_UP = "given up"


C, CE = CycleStatus, CycleEvent
# fmt: off
CYCLE: Machine[CycleStatus, CycleEvent] = Machine(
    # from                on                 to
    (C.PLANNED,           CE.FELL_DUE,       C.CHARGING),
    (C.PLANNED,           CE.SKIPPED,        C.SKIPPED),
    (C.AWAITING_AMOUNT,   CE.AMOUNT_POSTED,  C.CHARGING),
    (C.AWAITING_AMOUNT,   CE.SKIPPED,        C.SKIPPED),    # the next one fell due, or nothing is owed any more
    (C.CHARGING,          CE.PAID,           C.PAID),
    (C.CHARGING,          CE.WILL_RETRY,     C.RETRYING),
    (C.CHARGING,          CE.CONSENT_DIED,   C.NEEDS_CONSENT),
    (C.CHARGING,          CE.REFUSED,        C.FAILED),
    (C.CHARGING,          CE.GIVEN_UP,       C.GIVEN_UP),
    (C.RETRYING,          CE.TRIED_AGAIN,    C.CHARGING),
    (C.RETRYING,          CE.GIVEN_UP,       C.GIVEN_UP),
    (C.NEEDS_CONSENT,     CE.TRIED_AGAIN,    C.CHARGING),   # the buyer has agreed again
    (C.NEEDS_CONSENT,     CE.GIVEN_UP,       C.GIVEN_UP),
    (C.FAILED,            CE.TRIED_AGAIN,    C.CHARGING),   # another wallet, or a person
    (C.FAILED,            CE.GIVEN_UP,       C.GIVEN_UP),
)
# fmt: on

TO_BE_PAID = (C.CHARGING, C.RETRYING, C.NEEDS_CONSENT, C.FAILED)
"""It has an order that nobody has paid."""
IN_TROUBLE = (C.RETRYING, C.NEEDS_CONSENT, C.FAILED)
STUCK = (C.NEEDS_CONSENT, C.FAILED)
"""The clock does not try it again: the buyer has to agree once more, or somebody has to act."""


class Interval(TextChoices):
    """What a plan counts in."""

    DAY = "DAY", "Day"
    WEEK = "WEEK", "Week"
    MONTH = "MONTH", "Month"
    YEAR = "YEAR", "Year"


class Trouble(TextChoices):
    """Why a charge failed, as far as it decides what happens next; ``failures`` sorts result codes into these."""

    BALANCE = "BALANCE", "Not enough money"
    LIMIT = "LIMIT", "Over a limit for now"
    TEMPORARY = "TEMPORARY", "Something failed on the way"
    CONSENT = "CONSENT", "The token died"
    BUYER = "BUYER", "The buyer has to act in the wallet"
    REFUSED = "REFUSED", "Refused for good"
    OURS = "OURS", "Our request or contract"


RETRYABLE = (Trouble.BALANCE, Trouble.LIMIT, Trouble.TEMPORARY)
"""Only these may have a schedule of tries."""
