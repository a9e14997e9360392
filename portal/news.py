"""News for people: what waits for them, by e-mail, for whoever asked for it.

The worker looks through what is open (the registry of news says it, for each person), and tells each thing once: that
somebody was told is written and committed before the mail leaves, so that a killed worker or two of them never send
twice; the price is that a mail may be lost, which the desk's first page makes good. Urgent things go out at once to
those who want it so, the rest in one mail a day at the hour they chose.

A mail says what kind of thing waits and since when, with a link: no name, account, amount or id stands in it, since a
mailbox is not the desk.
"""

import logging
from collections.abc import Sequence
from datetime import datetime, time, timedelta
from smtplib import SMTPException
from typing import Any

from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone, translation

from portal import approvals, clock, due, incidents, journal, languages, registry, words
from portal.actor import Actor
from portal.models import Approval, ApprovalStatus, NewsTold, NewsWish, Wish
from portal.registry import NewsItem

NOT_SENT = "NEWS_NOT_SENT"
INCIDENTS, APPROVALS = "incidents", "approvals"
"""The kinds a person may wish to hear of: columns of ``NewsWish``."""
URGENT = frozenset(
    {
        "PAYMENT_CONTRADICTION",
        "PAYMENT_UNKNOWN",
        "CANCEL_REFUSED",
        "ANSWERS_NOT_BELIEVED",
        "WORK_FAILED",
        "JOURNAL_BROKEN",
    }
)
"""Incidents by name: money may be lost, or is asked about in vain, or nothing is done at all any more."""
_LOOK = timedelta(minutes=1)
"""How soon "at once" is."""
_ITEMS_AT_MOST = 100

logger = logging.getLogger("portal.news")


def wish_of(person: Any) -> NewsWish:
    """What somebody wants to be told; a row that is not kept yet where they never said."""
    return NewsWish.objects.filter(person=person).first() or NewsWish(person=person)


def change(person: Any, *, by: Actor, hour: int, **ways: str) -> NewsWish:
    """Keep what somebody wants to be told from now on, by kind. What is open already is told, too, once."""
    wanted = {INCIDENTS: ways[INCIDENTS], APPROVALS: ways[APPROVALS], "hour": hour}
    with transaction.atomic():
        wish, _ = NewsWish.objects.select_for_update().get_or_create(person=person)
        before = {name: getattr(wish, name) for name in wanted}
        for name, value in wanted.items():
            setattr(wish, name, value)
        wish.due_at = clock.now() if _wants(wish) else None
        wish.lease_until = None
        wish.save()
        if before != wanted:
            journal.write("change news", by=by, subject=person, **journal.differing(before, wanted))
    return wish


def _wants(wish: NewsWish) -> list[str]:
    """The ways in which somebody wants to hear of anything at all."""
    return [way for way in (wish.incidents, wish.approvals) if way != Wish.NEVER]


def waiting() -> QuerySet[NewsWish]:
    """Whoever wants to be told something."""
    return NewsWish.objects.filter(due_at__isnull=False)


def tell(pk: int) -> str:
    """Tell one person what is new and wanted now; a line for the worker's output."""
    wish = NewsWish.objects.select_related("person").filter(pk=pk).first()
    if wish is None or not _wants(wish):
        return ""
    now = clock.now()
    local = timezone.localtime(now)
    is_digest = wish.digest_on != local.date() and local.hour >= wish.hour
    items = _new(wish, is_digest=is_digest) if _may_be_told(wish.person) else []
    told = _promise(wish, items, digest_on=local.date() if is_digest else None)
    if told:
        _send(wish, told, is_digest=is_digest)
    due.hold(wish, due_at=_next_look(wish, now))
    return f"news for {wish.person.get_username()}: {len(told)} told" if told else ""


def _may_be_told(person: Any) -> bool:
    return bool(person.is_active and person.is_staff and person.email)


def _new(wish: NewsWish, *, is_digest: bool) -> list[NewsItem]:
    """What is open, wanted, due to be told now, and was not told before; oldest first."""
    items = []
    for contributor in registry.news:
        for item in contributor(wish.person):
            way = getattr(wish, item.kind)
            if way != Wish.NEVER and (is_digest or (way == Wish.AT_ONCE and item.is_urgent)):
                items.append(item)
    told = set(wish.told.filter(item__in=[item.key for item in items]).values_list("item", flat=True))
    fresh = [item for item in items if item.key not in told]
    return sorted(fresh, key=lambda item: (item.since, item.key))[:_ITEMS_AT_MOST]


def _promise(wish: NewsWish, items: Sequence[NewsItem], *, digest_on: Any) -> list[NewsItem]:
    """Write down that these are told, before any mail leaves; what somebody else wrote down meanwhile is not told."""
    with transaction.atomic(durable=True):
        held = NewsWish.objects.select_for_update().get(pk=wish.pk)
        before = set(held.told.filter(item__in=[item.key for item in items]).values_list("item", flat=True))
        told = [item for item in items if item.key not in before]
        NewsTold.objects.bulk_create([NewsTold(wish=held, item=item.key) for item in told])
        if digest_on is not None:
            NewsWish.objects.filter(pk=wish.pk).update(digest_on=digest_on)
            wish.digest_on = digest_on
    return told


def _next_look(wish: NewsWish, now: datetime) -> datetime:
    local = timezone.localtime(now)
    day = local.date() if wish.digest_on != local.date() else local.date() + timedelta(days=1)
    digest = max(timezone.make_aware(datetime.combine(day, time(wish.hour))), now + _LOOK)
    return min(digest, now + _LOOK) if Wish.AT_ONCE in _wants(wish) else digest


def _send(wish: NewsWish, items: Sequence[NewsItem], *, is_digest: bool) -> None:
    count = len(items)
    subject = f"{'1 thing needs' if count == 1 else f'{count} things need'} you at the desk"
    home = settings.PORTAL_BASE_URL
    lines = [f"{item.sentence}, since {timezone.localtime(item.since):%d %b %H:%M}\n{home}{item.url}" for item in items]
    why = "the daily mail" if is_digest else "told at once"
    foot = f"You asked for this ({why}). What you are told, and when: {home}{reverse('admin:news')}"
    with translation.override(languages.language_of(wish.person)):
        subject, text = words.told(subject), "\n\n".join(map(words.told, [*lines, foot]))
    try:
        send_mail(subject, f"{text}\n", settings.DEFAULT_FROM_EMAIL, [wish.person.email])
    except (SMTPException, OSError) as reason:
        logger.warning("the news for person %s could not be sent: %s", wish.person_id, type(reason).__name__)
        incidents.raise_incident(
            NOT_SENT,
            "News could not be sent by e-mail.",
            detail=f"{type(reason).__name__} from the mail server (EMAIL_URL). What it told is on Today; it is not "
            "sent again.",
        )


def open_incidents(person: Any) -> list[NewsItem]:
    """The incidents that are open, for whoever may see them."""
    if not person.has_perm("portal.view_incident"):
        return []
    return [
        NewsItem(
            key=f"incident {incident.pk}",
            kind=INCIDENTS,
            sentence=f"Incident: {incident.kind.replace('_', ' ').lower()}",
            url=reverse("admin:portal_incident_change", args=(incident.pk,)),
            since=incident.opened_at,
            is_urgent=incident.kind in URGENT,
        )
        for incident in incidents.open_incidents().exclude(kind=NOT_SENT)[:_ITEMS_AT_MOST]
    ]


def waiting_approvals(person: Any) -> list[NewsItem]:
    """The requests that this person may decide on: never those of their own."""
    open_ones = Approval.objects.filter(status=ApprovalStatus.WAITING, expires_at__gt=clock.now())
    return [
        NewsItem(
            key=f"approval {request.pk}",
            kind=APPROVALS,
            sentence=f"Approval asked for: {request.kind}",
            url=reverse("admin:portal_approval_change", args=(request.pk,)),
            since=request.created_at,
            is_urgent=True,
        )
        for request in open_ones.order_by("created_at")[:_ITEMS_AT_MOST]
        if not approvals.objection_to_deciding(request, person)
    ]


news_due = due.work_on(waiting, tell)
