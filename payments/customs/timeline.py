"""What happened to a declaration, as plain sentences; and on a payment's page, what was declared of it."""

from dataclasses import replace
from typing import Any

from payments.customs.states import DeclarationEvent, DeclarationStatus
from payments.models import CERTIFICATE, Declaration, DeclarationChange, Order, Payment
from portal.actor import ActorKind
from portal.admin.display import joined, page_of
from portal.registry import TimelineEntry
from portal.words import say

_SHOWN_AT_MOST = 40


def timeline(declaration: Declaration) -> list[TimelineEntry]:
    """The story of a declaration, oldest first."""
    by = declaration.actor_name
    promised = (
        say("To be declared by the account’s rule")
        if declaration.actor_kind == ActorKind.CLOCK
        else say("To be declared by {by}", by=by)
    )
    entries = [TimelineEntry(declaration.created_at, promised, str(declaration.amount))]
    entries += [_moved(change) for change in declaration.changes.all()]
    if declaration.finished_at is not None and declaration.status != DeclarationStatus.FAILED:
        said = joined((entries[-1].detail, declaration.customs_result))  # its own words, of its last word alone
        entries[-1] = replace(entries[-1], detail=said)
    return entries


def about_payment(thing: Any) -> list[TimelineEntry]:
    """For the pages of a payment and an order: each declaration of it, and where it stands."""
    if isinstance(thing, Payment):
        rows = Declaration.objects.filter(payment=thing)
    elif isinstance(thing, Order):
        rows = Declaration.objects.filter(payment__order=thing)
    else:
        return []
    if (thing if isinstance(thing, Order) else thing.order).currency != "CNY":
        return []
    return [
        TimelineEntry(
            row.created_at,
            say("Declared to customs: {status}", status=row.get_status_display()),
            str(row.amount),
            links=((say("Declaration"), page_of(row)),),
        )
        for row in rows.defer(*CERTIFICATE).order_by("pk")[:_SHOWN_AT_MOST]
    ]


def _moved(change: DeclarationChange) -> TimelineEntry:
    words = {
        DeclarationEvent.SENT: (say("Sent to the acquirer"), ""),
        DeclarationEvent.TAKEN: (say("The acquirer has passed it on to customs"), ""),
        DeclarationEvent.TURNED_DOWN: (say("The acquirer did not take it; customs never heard of it"), "bad"),
        DeclarationEvent.AMENDED: (say("To be transmitted again"), ""),
        DeclarationEvent.AMENDMENT_REFUSED: (say("The amendment was refused: what was declared before stands"), "bad"),
        DeclarationEvent.CUSTOMS_ACCEPTED: (say("Customs has accepted it"), "good"),
        DeclarationEvent.CUSTOMS_REFUSED: (say("Customs has refused it"), "bad"),
    }
    sentence, tone = words[DeclarationEvent(change.event)]
    return TimelineEntry(change.at, sentence, change.note, tone)
