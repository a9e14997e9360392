"""Receiving what the acquirer tells us: verify over the raw bytes, store and commit, try to apply, answer.

The same verified message twice is one row and one effect. A message about something unknown is kept, acknowledged,
and tried again by the worker. One that does not verify is refused with 401, kept up to a cap, and changes nothing.
No inquiry happens inside a notification: the two are independent messengers.
"""

import hashlib
from datetime import timedelta

from django.db import models, transaction
from django.db.models import F, QuerySet
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.views.decorators.csrf import csrf_exempt

from portal import clock, due, incidents, registry, statements
from portal.acquirer.errors import BadSignature
from portal.acquirer.results import Acknowledgement, InboundMessage, SignatureVerdict, UnreadableMessage
from portal.errors import PortalError
from portal.gateways import AccountNotReady, acquirer_for
from portal.models import AcquirerAccount, Notification, NotificationStatus
from portal.statements import Changed, Found, Given

LARGEST_BODY = 256 * 1024
"""Far above any documented message; what is larger is not read."""
UNVERIFIED_KEPT = 1000
"""Per account. Forged messages must not fill the disk; the newest are the telling ones."""
APPLY_GRACE = timedelta(seconds=30)
LADDER = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 360, 1440))
"""When a message about something unknown is tried again; then a person looks at it."""
UNAPPLIED = "NOTIFICATION_UNAPPLIED"

_LENGTH_DIGITS = 9
_TOLD_HEADERS = ("client-id", "request-time", "signature", "content-type")


_ACCOUNT = Found(lambda: AcquirerAccount.objects.filter(slug=Given("slug"), is_enabled=True).order_by())


@csrf_exempt
def notify(request: HttpRequest, slug: str, kind: str) -> HttpResponse:
    """The door: ``/notify/<account>/<kind>``. The kind in the path is for people; the message says what it is."""
    account = _ACCOUNT.first(slug=slug)
    if account is None:
        return HttpResponse(status=404, content_type="text/plain", content="No such account.")
    if request.method != "POST":
        return HttpResponse(status=405, content_type="text/plain", headers={"Allow": "POST"}, content="POST only.")
    length = request.META.get("CONTENT_LENGTH") or ""
    if not (length.isascii() and length.isdigit()) or "transfer-encoding" in request.headers:
        # A body without a length (chunked) is not read: no acquirer sends one, and its size is unknown beforehand. One
        # with both says two lengths, and servers on its way may have believed the other one (RFC 9112, section 6.1).
        return HttpResponse(status=411, content_type="text/plain", content="Say the length of the message.")
    if len(length) > _LENGTH_DIGITS or int(length) > LARGEST_BODY:
        return HttpResponse(status=413, content_type="text/plain", content="Too large.")
    try:
        body = request.body
    except UnreadablePostError:
        return HttpResponse(status=400, content_type="text/plain", content="The message broke off.")
    path = request.get_full_path()
    try:
        acquirer = acquirer_for(account)
    except AccountNotReady:
        return HttpResponse(status=503, content_type="text/plain", content="Not ready.")
    try:
        inbound = acquirer.read(path=path, headers=request.headers, body=body)
    except BadSignature as reason:
        _keep_refused(account, request, body, reason)
        return _answer(acquirer.acknowledge(path=path, now=clock.now(), accepted=False))
    notification = _keep(account, request, body, inbound)
    if notification.status == NotificationStatus.RECEIVED:
        apply(notification, inbound)
    answer = registry.questions.get(type(inbound.message).__name__)
    allows = answer(account, inbound.message) if answer is not None else None
    return _answer(acquirer.acknowledge(path=path, now=clock.now(), allows=allows))


def _answer(acknowledgement: Acknowledgement) -> HttpResponse:
    return HttpResponse(acknowledgement.body, status=acknowledgement.status, headers=acknowledgement.headers)


def _told(request: HttpRequest) -> dict[str, str]:
    """The headers that belong to the message; the signature is no secret."""
    return {name: request.headers[name][:1024] for name in _TOLD_HEADERS if name in request.headers}


def _keep(account: AcquirerAccount, request: HttpRequest, body: bytes, inbound: InboundMessage) -> Notification:
    digest = hashlib.sha256(body).hexdigest()
    at = clock.now()
    notification = Notification(
        account=account,
        kind=inbound.kind[:40],
        subject=inbound.subject[:64],
        received_at=at,
        last_received_at=at,
        path=request.get_full_path()[:300],
        headers=_told(request),
        body=body,
        sha256=digest,
        masked_body=inbound.masked_body,
        verdict=SignatureVerdict.VERIFIED,
        is_verified=True,
        status=NotificationStatus.RECEIVED,
        due_at=at + APPLY_GRACE,
    )
    if statements.insert(notification, unless_there=True):
        return notification
    _COME_AGAIN.run(account=account.pk, digest=digest, at=at)
    return _KNOWN.get(account=account.pk, digest=digest)


def _known() -> QuerySet[Notification]:
    of_account = Notification.objects.filter(account_id=Given("account"), is_verified=True)
    return of_account.filter(sha256=Given("digest")).order_by()


_KNOWN = Found(_known)
_COME_AGAIN = Changed(_known, deliveries=F("deliveries") + 1, last_received_at=Given("at", models.DateTimeField()))


def _keep_refused(account: AcquirerAccount, request: HttpRequest, body: bytes, reason: BadSignature) -> None:
    with transaction.atomic():
        Notification.objects.create(
            account=account,
            path=request.get_full_path()[:300],
            headers=_told(request),
            body=body,
            sha256=hashlib.sha256(body).hexdigest(),
            verdict=SignatureVerdict.MISSING if "signature" not in request.headers else SignatureVerdict.WRONG,
            is_verified=False,
            status=NotificationStatus.REFUSED,
            note=str(reason)[:300],
        )
        refused = Notification.objects.filter(account=account, status=NotificationStatus.REFUSED)
        oldest_kept = (
            refused.order_by("-pk").values_list("pk", flat=True)[UNVERIFIED_KEPT - 1 : UNVERIFIED_KEPT].first()
        )
        if oldest_kept is not None:
            refused.filter(pk__lt=oldest_kept).delete()


def apply(notification: Notification, inbound: InboundMessage) -> Notification:
    """Try to apply a stored, verified message. Safe to repeat: what it would change is changed once.

    A message that cannot be applied waits on the ladder; at its end, and at once if it cannot be read, a person looks.
    """
    message = inbound.message
    if isinstance(message, UnreadableMessage):
        return _give_up(notification, f"Not understood: {message.reason}.")
    handler = registry.notification_handlers.get(type(message).__name__)
    if handler is None:
        return _give_up(notification, f"Nobody takes {inbound.kind} here.")
    try:
        is_applied = handler(notification.account, message, lambda: _applied(notification))
        note = "" if is_applied else "It speaks of something that is not known here (yet)."
    except PortalError as refusal:
        is_applied, note = False, refusal.message
    if is_applied:
        if notification.status != NotificationStatus.APPLIED:
            _applied(notification)
        return notification
    step = notification.attempts
    if step >= len(LADDER):
        return _give_up(notification, note)
    Notification.objects.filter(pk=notification.pk).update(
        status=NotificationStatus.WAITING,
        due_at=clock.now() + LADDER[step],
        lease_until=None,
        attempts=step + 1,
        note=note[:300],
    )
    notification.refresh_from_db()
    return notification


def _applied(notification: Notification) -> None:
    facts = {
        "status": NotificationStatus.APPLIED,
        "applied_at": clock.now(),
        "due_at": None,
        "lease_until": None,
        "note": "",
    }
    statements.update(Notification, facts, pk=notification.pk)
    for name, value in facts.items():
        setattr(notification, name, value)


def _give_up(notification: Notification, note: str) -> Notification:
    Notification.objects.filter(pk=notification.pk).update(
        status=NotificationStatus.UNAPPLIED, due_at=None, lease_until=None, note=note[:300]
    )
    notification.refresh_from_db()
    incidents.raise_incident(
        UNAPPLIED,
        f"{notification} could not be applied: {note}",
        subject=notification,
        detail="The message is kept. Find what it speaks of, then try it again.",
    )
    return notification


def try_again(notification: Notification) -> Notification:
    """Apply a stored message once more: by the worker, or by a person. Of an applied one nothing is left to do."""
    if not notification.is_verified or notification.status == NotificationStatus.APPLIED:
        return notification
    inbound = acquirer_for(notification.account).parse(notification.body)
    return apply(notification, inbound)


def work(pk: int) -> str:
    """Act on a due message."""
    notification = try_again(Notification.objects.select_related("account").get(pk=pk))
    return f"notification {notification.pk} ({notification}): {notification.get_status_display()}"


def _waiting() -> QuerySet[Notification]:
    return Notification.objects.filter(status__in=(NotificationStatus.RECEIVED, NotificationStatus.WAITING))


notifications_due = due.work_on(_waiting, work)
