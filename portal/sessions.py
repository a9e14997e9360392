"""The sessions of the desk's people: opened by signing in, seen, listed, and ended from elsewhere.

A session is Django's; the row of the sign-in that opened it knows its key, so that it can be ended by deleting it.
Nothing in the session itself has to be asked for that, and a request that is under way cannot bring it back.
"""

import re
import time
from collections.abc import Mapping
from datetime import timedelta
from ipaddress import ip_address
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.contrib.sessions.serializers import JSONSerializer
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from portal import clock, encryption
from portal.models import SignIn, SignInEnd, SignInOutcome

SEEN_EVERY = timedelta(minutes=1)
"""How exact "last seen" is: a write for every page would cost more than it tells."""
_JSON = JSONSerializer()
_IP_IN_FOUR_PARTS = 4
_ROW, _SEEN, _PROVED, _FACTOR = "sign_in", "sign_in_seen", "sign_in_proved", "sign_in_factor"

_BROWSERS = (
    ("Edge", r"\bEdgA?/"),
    ("Opera", r"\bOPR/"),
    ("Samsung Internet", r"\bSamsungBrowser/"),
    ("Firefox", r"\b(?:Firefox|FxiOS)/"),
    ("Chrome", r"\b(?:Chrome|CriOS|HeadlessChrome)/"),
    ("Safari", r"\bVersion/\S+ (?:Mobile/\S+ )?Safari/"),
)
_SYSTEMS = (
    ("an iPhone", r"\biPhone\b"),
    ("an iPad", r"\biPad\b"),
    ("Android", r"\bAndroid\b"),
    ("Windows", r"\bWindows NT\b"),
    ("ChromeOS", r"\bCrOS\b"),
    ("a Mac", r"\bMacintosh\b"),
    ("Linux", r"\bLinux\b"),
)


def device_words(user_agent: str) -> str:
    """What a browser says of itself, in words: ``Firefox on Windows``."""
    browser = next((name for name, pattern in _BROWSERS if re.search(pattern, user_agent)), "")
    system = next((name for name, pattern in _SYSTEMS if re.search(pattern, user_agent)), "")
    if not browser:
        return f"Another program on {system}" if system else "Another program"
    return f"{browser} on {system}" if system else browser


def masked_address(address: str) -> str:
    """An address for the eyes of others: the network, not the machine."""
    try:
        found = ip_address(address)
    except ValueError:
        return ""
    if found.version == _IP_IN_FOUR_PARTS:
        return ".".join([*address.split(".")[:2], "•", "•"])
    return ":".join([*found.exploded.split(":")[:2], "…"])


# What a session knows.


def record(request: HttpRequest, person: User, outcome: SignInOutcome, *, address: str, **facts: Any) -> SignIn:
    """Write down an attempt to come in."""
    device = device_words(request.headers.get("User-Agent", ""))
    return SignIn.objects.create(person=person, outcome=outcome, address=address[:45], device=device, **facts)


def open_one(request: HttpRequest, person: User, *, address: str) -> SignIn:
    """Write down that this session was opened by signing in just now."""
    now = clock.now()
    if request.session.session_key is None:  # another person's session was left behind for this one
        request.session.create()
    row = record(
        request,
        person,
        SignInOutcome.OPENED,
        address=address,
        factor=second_factor(request, person),
        session_key=request.session.session_key or "",
        last_seen_at=now,
    )
    request.session[_ROW], request.session[_SEEN] = row.pk, now.timestamp()
    return row


def note_seen(request: HttpRequest) -> None:
    """Write down that the session is in use, once a minute at most. One that nobody signed in to knows nothing."""
    row, seen = request.session.get(_ROW), request.session.get(_SEEN, 0.0)
    now = clock.now()
    if row is None or 0 <= now.timestamp() - seen < SEEN_EVERY.total_seconds():
        return
    SignIn.objects.filter(pk=row).update(last_seen_at=now)
    request.session[_SEEN] = now.timestamp()


def key_changed(request: HttpRequest) -> None:
    """Follow the session to its new key, which it gets when the password changes."""
    SignIn.objects.filter(pk=_row(request)).update(session_key=request.session.session_key or "")


def prove(request: HttpRequest, person: Any) -> None:
    """Note that the person proved just now who they are. By the real clock, as the second factor's codes are."""
    request.session[_PROVED] = [person.pk, time.time()]


def is_fresh(request: HttpRequest) -> bool:
    """Whether the person proved in this session, within the last minutes, who they are."""
    who, at = request.session.get(_PROVED) or (None, 0.0)
    return who == request.user.pk and 0 <= time.time() - at < settings.ACCOUNT_REAUTHENTICATION_TIMEOUT


def use_factor(request: HttpRequest, person: Any, kind: str) -> None:
    """Note that a second factor was used in this session; empty: that there is none any more."""
    request.session[_FACTOR] = [person.pk, kind]


def second_factor(request: HttpRequest, person: Any) -> str:
    """The second factor the person has shown in this session; empty when none."""
    who, kind = request.session.get(_FACTOR) or (None, "")
    return str(kind) if who == person.pk else ""


def is_this(request: HttpRequest, row: SignIn) -> bool:
    """Whether a row is of the session the request came in."""
    return row.pk == _row(request)


def _row(request: HttpRequest) -> int:
    """The key of the session's row; of none, when nobody signed in to it."""
    return int(request.session.get(_ROW) or 0)


# All of them.


def open_sessions(person: User) -> QuerySet[SignIn]:
    """The open sessions of a person, the one used last first."""
    alive = Session.objects.filter(expire_date__gt=timezone.now()).values("session_key")
    return SignIn.objects.filter(person=person, ended_at__isnull=True, session_key__in=alive).order_by("-last_seen_at")


def end_one(row: SignIn, because: SignInEnd) -> None:
    """End the session of a row; one that has ended stays as it ended."""
    _end(SignIn.objects.filter(pk=row.pk), because)


def end_all(person: User, because: SignInEnd, *, but: HttpRequest | None = None) -> int:
    """End every session of a person, but the one of a request if one is given. How many there were."""
    rows = SignIn.objects.filter(person=person)
    if but is not None:
        rows = rows.exclude(pk=_row(but))
    return _end(rows, because)


def end_this(request: HttpRequest, because: SignInEnd) -> None:
    """Write down that the session of a request ends; whoever calls ends it."""
    rows = SignIn.objects.filter(pk=_row(request), ended_at__isnull=True)
    rows.update(ended_at=clock.now(), end=because, session_key="")


def _end(rows: QuerySet[SignIn], because: SignInEnd) -> int:
    found = list(rows.filter(outcome=SignInOutcome.OPENED, ended_at__isnull=True).exclude(session_key=""))
    Session.objects.filter(session_key__in=[row.session_key for row in found]).delete()
    SignIn.objects.filter(pk__in=[row.pk for row in found]).update(ended_at=clock.now(), end=because, session_key="")
    return len(found)


class EncryptedSerializer:
    """What a session holds, encrypted: a second factor that is being set up lies in it until it is proved."""

    _PURPOSE = "sessions.Session.session_data"

    def dumps(self, content: Mapping[str, Any]) -> bytes:
        """The bytes the database is given."""
        plain = _JSON.dumps(content)
        return encryption.key_ring().encrypt(plain, self._PURPOSE).encode()

    def loads(self, stored: bytes) -> dict[str, Any]:
        """The content again. Raises Undecryptable, which Django takes for a session that has ended."""
        content: dict[str, Any] = _JSON.loads(encryption.key_ring().decrypt(stored.decode(), self._PURPOSE))
        return content
