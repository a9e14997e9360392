"""Where a payment or refund stands with its settlement, in words: for its page, its order's, and the three truths.

Reads only; ``reconciliation.expecting`` says what is expected.
"""

from typing import Any

from django.db.models import Q
from django.urls import reverse

from payments.models import Cancel, Order, Payment, Refund
from payments.queries import live_payment
from portal.admin import display
from portal.registry import TimelineEntry
from portal.words import say
from reconciliation import queries
from reconciliation.expecting import Standing, State, standing
from reconciliation.models import Discrepancy, Resolution

_HELD = "_stands_with_its_settlement"


def of(thing: Payment | Refund) -> Standing | None:
    """Where it stands. A page says it in several places, and asks once."""
    if _HELD not in thing.__dict__:
        payment = thing if isinstance(thing, Payment) else thing.payment
        thing.__dict__[_HELD] = standing(thing, payment.account)
    found: Standing | None = thing.__dict__[_HELD]
    return found


def marks(thing: Any) -> list[tuple[str, str]]:
    """Whether the acquirer has settled it, beside the state of an order, payment, refund or cancel.

    What is not paid is not awaited in a settlement, and nothing is said then.
    """
    if isinstance(thing, Order):
        thing = live_payment(thing)
    if isinstance(thing, Cancel):
        return [(say("Settled"), "good")] if queries.settled(thing) is not None else []
    stands = of(thing) if isinstance(thing, Payment | Refund) else None
    if stands is None:
        return []
    match stands.state:
        case State.SETTLED:
            return [(say("Settled"), "good")]
        case State.EXPECTED:
            return [(say("Not settled yet"), "wait")]
        case State.AWAITING:
            return [(say("Its report is awaited"), "wait")]
        case State.LATE:
            return [(say("Late in settlement"), "wait")]
        case State.MISSING:
            return [(say("Missing in settlement"), "bad")]
        case State.EXPLAINED:
            return [(say("Not settled, explained"), "")]


def said(stands: Standing) -> Any:
    """The same as a sentence's part, with its day: ``expected on 3 Mar (UTC+8)``."""
    day = display.day_name(stands.day)
    match stands.state:
        case State.SETTLED:
            return say("settled on {day}", day=day)
        case State.EXPECTED:
            return say("expected on {day} (UTC+8)", day=day)
        case State.AWAITING:
            return say("expected on {day} (UTC+8), and the report is not here", day=day)
        case State.LATE:
            missing_on = display.day_name(stands.missing_on)
            return say(
                "expected on {day} (UTC+8), and in no report; missing from {missing_on} on",
                day=day,
                missing_on=missing_on,
            )
        case State.MISSING | State.EXPLAINED:
            one = stands.discrepancy
            assert one is not None  # noqa: S101 - what is missing is a discrepancy
            if one.is_open:
                since = display.short(one.opened_at, seconds=False)
                words = say("missing since {since}, expected on {day} (UTC+8)", since=since, day=day)
            else:
                resolution = one.get_resolution_display()
                words = say("expected on {day} (UTC+8), never came: {resolution}", day=day, resolution=resolution)
            return display.link(display.page_of(one), words)


def facts(thing: Any) -> list[tuple[str, Any]]:
    """A fact for the page of a payment or refund."""
    stands = of(thing) if isinstance(thing, Payment | Refund) else None
    return [(say("Settlement"), said(stands))] if stands is not None else []


def timeline(thing: Any) -> list[TimelineEntry]:
    """That it was missed, and how that ended."""
    match thing:
        case Order():
            condition = Q(payment__order=thing) | Q(refund__payment__order=thing)
        case Payment():
            condition = Q(payment=thing) | Q(refund__payment=thing)
        case Refund():
            condition = Q(refund=thing)
        case _:
            return []
    entries = []
    for one in Discrepancy.objects.filter(condition).order_by("pk"):
        link = (say("discrepancy"), reverse("admin:reconciliation_discrepancy_change", args=[one.pk]))
        entries.append(TimelineEntry(one.opened_at, one.sentence, tone="" if one.closed_at else "bad", links=(link,)))
        if one.closed_at is not None and one.resolution == Resolution.HEALED:
            entries.append(TimelineEntry(one.closed_at, say("It is missing no longer."), one.note, "good", (link,)))
        elif one.closed_at is not None:
            words = say("What is missing was explained: {resolution}.", resolution=one.get_resolution_display())
            entries.append(TimelineEntry(one.closed_at, words, one.note, "", (link,)))
    return entries
