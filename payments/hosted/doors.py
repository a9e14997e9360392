"""Who is at a hosted page: the link that the merchant's server hands out, and the cookie it becomes.

A link holds no token. It names a session whose token nobody was told; whoever takes it gives the session a new one, so
that it is taken once, and not after ten minutes. To look at it takes nothing. Both link and cookie are signed, so that
what they say is what we said.
"""

from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.core import signing
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse

from authorizations.operations import is_renewable, open_session, renew_session
from portal import clock
from portal.models import AcquirerAccount

COOKIE = "hosted"
OPENS_FOR = timedelta(minutes=10)
_LINK, _VISIT = "hosted.link", "hosted.visit"
_ENOUGH_OF_DIGEST = 32


@dataclass(frozen=True)
class Visit:
    """A buyer's browser, at our pages."""

    token: str
    shop: str
    order: str = ""
    """The number of the order the buyer came to pay; empty: they came for their wallets."""
    back: str = ""
    """Where the shop wants them back."""

    @property
    def begins_at(self) -> str:
        """The page they came for."""
        return reverse("hosted-order", args=[self.order]) if self.order else reverse("hosted-methods")


def root() -> str:
    """Below which all hosted pages stand."""
    return reverse("hosted-methods").rpartition("wallets")[0]


def link_for(
    account: AcquirerAccount, customer: str, *, opened_by: str, order: str = "", back: str = ""
) -> tuple[str, datetime]:
    """A URL for this customer's browser, and until when it opens. The customer is made on first sight."""
    session, _ = open_session(account, customer, opened_by=opened_by)
    until = clock.now() + OPENS_FOR
    said = {
        "session": session.pk,
        "digest": session.digest[:_ENOUGH_OF_DIGEST],
        "until": int(until.timestamp()),
        "shop": settings.PORTAL_MERCHANT_NAME or account.name,
        "order": order,
        "back": back,
    }
    path = reverse("hosted-enter", args=[signing.dumps(said, salt=_LINK, compress=True)])
    return f"{settings.PORTAL_BASE_URL}{path}", until


def knock(code: str) -> str | None:
    """The name of the shop a link leads from; None where it is none of ours, was taken before, or is too old.

    Nothing is used up by it: mail programs, messengers and scanners open links before people do.
    """
    said = _read(code)
    return said["shop"] if said is not None and is_renewable(said["session"], said["digest"]) else None


def entered_before(code: str, request: HttpRequest) -> Visit | None:
    """The visit of this browser, where this link or one to the same page began it: whoever opens it again is inside."""
    said, visit = _read(code, is_old=True), visit_of(request)
    is_there = said is not None and visit is not None and (said["shop"], said["order"]) == (visit.shop, visit.order)
    return visit if is_there else None


def enter(code: str, key: str) -> Visit | None:
    """The visit a link begins; None where it is none of ours, was taken by another browser, or is too old.

    ``key`` is what the page behind the link told this browser alone: whoever presses twice enters once.
    """
    said = _read(code)
    token = renew_session(said["session"], said["digest"], seed=key.encode()) if said is not None and key else None
    return Visit(token, said["shop"], said["order"], said["back"]) if said is not None and token else None


def _read(code: str, *, is_old: bool = False) -> dict[str, Any] | None:
    try:
        said: dict[str, Any] = signing.loads(code, salt=_LINK)
    except signing.BadSignature:
        return None
    is_over = clock.now() > datetime.fromtimestamp(said["until"], UTC)
    return None if is_over and not is_old else said


def visit_of(request: HttpRequest) -> Visit | None:
    """The visit of this browser, by its cookie; whether its session is still open, the API says."""
    try:
        said: dict[str, str] = signing.loads(request.COOKIES.get(COOKIE, ""), salt=_VISIT)
    except signing.BadSignature:
        return None
    return Visit(**said)


def keep(response: HttpResponseBase, visit: Visit) -> None:
    """Let the browser hold the visit, out of reach of any script and of other sites' forms."""
    response.set_cookie(
        COOKIE,
        signing.dumps(asdict(visit), salt=_VISIT, compress=True),
        max_age=timedelta(hours=settings.PORTAL_SESSION_HOURS),
        path=root(),
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def forget(response: HttpResponseBase) -> None:
    """Take the visit from the browser."""
    response.delete_cookie(COOKIE, path=root(), samesite="Lax")
