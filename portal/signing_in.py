"""Coming in: django-allauth asks for name, password and second factor; here stands what the desk adds to it.

Decision: a library instead of our own. Second factors are easy to build and hard to build right: a code that may be
used twice, a challenge that is not checked, a recovery code that can be guessed. allauth's ``mfa`` has them right, and
runs under our Content-Security-Policy. Of the rest of it (signing up, other sites' accounts, mails) nothing can be
reached: ``portal/desk/doors.py`` names every URL there is.

What we add: only staff comes in; every attempt of a known person is written down; wrong passwords and codes lock a name
for a while, counted where all server processes see it; whoever may move money, or let others do so, needs a second
factor; and large acts need the person once more.
"""

from collections.abc import Callable
from typing import Any

from allauth.account import signals as account_signals
from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context
from allauth.mfa import signals as factor_signals
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import user_logged_in
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from portal import approvals, clock, factors, journal, languages, roles, sessions
from portal.actor import Actor
from portal.models import SignIn, SignInEnd, SignInOutcome
from portal.money import Money
from portal.words import lazy, say

_LOCKED_FOR_SECONDS = 300
"""As ACCOUNT_RATE_LIMITS says it; within that time one line of the history says that a name is locked."""
_SAID = {
    "mfa/messages/totp_activated.txt": lazy("The authenticator app is added."),
    "mfa/messages/totp_deactivated.txt": lazy("The authenticator app is removed."),
    "mfa/messages/webauthn_added.txt": lazy("The passkey is added."),
    "mfa/messages/webauthn_removed.txt": lazy("The passkey is removed."),
}
"""What allauth has to say, in our words. Whatever is not here is plain from the page that follows."""


class AccountAdapter(DefaultAccountAdapter):
    """Name and password."""

    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "username_password_mismatch": lazy("Name and password do not belong together."),
        "incorrect_password": lazy("This is not your password."),
        "too_many_login_attempts": lazy("Too many attempts failed. Wait five minutes, then try again."),
        "rate_limited": lazy("Too many attempts. Wait a little, then try again."),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """People are let in by people."""
        return False

    def authenticate(self, request: HttpRequest, **credentials: Any) -> User | None:
        """The person, when the password is theirs and they may come in; both are refused in the same words."""
        person: Any = super().authenticate(request, **credentials)
        if person is not None and not may_come_in(person):
            self.write_down(person, SignInOutcome.SHUT_OUT)
            return None
        return person  # type: ignore[no-any-return]

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        """A wrong password, or no such person; only the first is written down."""
        self.write_down(_named(credentials.get("username", "")), SignInOutcome.WRONG_PASSWORD)

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Count, and refuse when too many have failed."""
        try:
            super().pre_authenticate(request, **credentials)
        except Exception:
            self.write_down_lock(_named(credentials.get("username", "")))
            raise

    def pre_login(self, request: HttpRequest, user: Any, **facts: Any) -> HttpResponse | None:
        """Whoever comes by passkey alone has shown no password that could have been refused."""
        if may_come_in(user):
            return None
        self.write_down(user, SignInOutcome.SHUT_OUT)
        messages.error(request, say("You cannot log in any more. Whoever manages the people of this desk knows why."))
        return HttpResponseRedirect(reverse("account_login"))

    def post_login(self, request: HttpRequest, user: Any, **facts: Any) -> HttpResponse:
        """The session is open."""
        sessions.open_one(request, user, address=self.get_client_ip(request))
        response: HttpResponse = super().post_login(request, user, **facts)
        return response

    def logout(self, request: HttpRequest) -> None:
        """The session ends."""
        sessions.end_this(request, SignInEnd.LEFT)
        super().logout(request)

    def is_reauthentication_required(self, *, app: str, **facts: Any) -> bool:
        """Whoever came in a moment ago need not prove it again."""
        return super().is_reauthentication_required(app=app, **facts) and not sessions.is_fresh(context.request)

    def get_reauthentication_methods(self, user: Any) -> list[dict[str, Any]]:
        """The second factor, of whoever has one: a password alone would be less than it took to come in."""
        methods: list[dict[str, Any]] = super().get_reauthentication_methods(user)
        words = {
            "reauthenticate": say("Use the password"),
            "mfa_reauthenticate": say("Use a code"),
            "mfa_reauthenticate:webauthn": say("Use a passkey"),
        }
        for method in methods:
            method["description"] = words[method["id"]]
        second = [method for method in methods if method["id"] != "reauthenticate"]
        return second or methods

    def add_message(
        self,
        request: HttpRequest,
        level: int,
        message_template: str | None = None,
        message_context: dict[str, Any] | None = None,
        extra_tags: str = "",
        message: str | None = None,
    ) -> None:
        """What allauth says, in our words."""
        sentence = message or _SAID.get(message_template or "", "")
        if sentence:
            messages.add_message(request, level, sentence, extra_tags=extra_tags)

    def send_notification_mail(self, *args: Any, **kwargs: Any) -> None:
        """Nothing: the history and the journal say it."""

    # The history.

    def write_down(self, person: User | None, outcome: SignInOutcome, **facts: Any) -> None:
        """A line in the history of a known person."""
        request = context.request
        if person is not None:
            sessions.record(request, person, outcome, address=self.get_client_ip(request), **facts)

    def write_down_lock(self, person: User | None) -> None:
        """That a name is locked: one line while it lasts, however often somebody tries."""
        since = clock.now().timestamp() - _LOCKED_FOR_SECONDS
        if person is None:
            return
        last = SignIn.objects.filter(person=person, outcome=SignInOutcome.LOCKED).first()
        if last is None or last.at.timestamp() < since:
            self.write_down(person, SignInOutcome.LOCKED)


class FactorAdapter(DefaultMFAAdapter):
    """Second factors."""

    error_messages = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": lazy("This is not right, or was used already. Try the next one."),
        "cannot_delete_authenticator": lazy("It is your only second factor, and you need one. Add another one first."),
        "cannot_generate_recovery_codes": lazy("Recovery codes come with a second factor. Add one first."),
    }

    def encrypt(self, text: str) -> str:
        """A secret as the database sees it."""
        return factors.seal(text)

    def decrypt(self, encrypted_text: str) -> str:
        """The secret again. Raises Undecryptable."""
        return factors.unseal(encrypted_text)

    def get_totp_label(self, user: Any) -> str:
        """Whom the app shows it for."""
        return str(user.get_username())

    def get_totp_issuer(self) -> str:
        """Whom the app shows it of."""
        merchant = settings.PORTAL_MERCHANT_NAME
        return f"Autodebit · {merchant}" if merchant else "Autodebit"

    def generate_authenticator_name(self, user: Any, type: Any) -> str:  # noqa: A002 - allauth's name
        """What a passkey is called unless its owner names it."""
        return sessions.device_words(context.request.headers.get("User-Agent", ""))

    def can_delete_authenticator(self, authenticator: Any) -> bool:
        """Whether it may go: the last one may not, of somebody who needs one."""
        others = factors.own(authenticator.user).exclude(pk=authenticator.pk)
        return not needs_second_factor(authenticator.user) or others.exists()


def may_come_in(person: Any) -> bool:
    """Whether somebody is of the staff, and not shut out."""
    return bool(person.is_active and person.is_staff)


def _named(username: str) -> User | None:
    return User.objects.filter(username__iexact=username.strip()[:150]).first() if username else None


# Who needs a second factor.


def needs_second_factor(person: Any) -> bool:
    """Whether somebody may do what a stolen password must not be enough for, by their roles or as a deputy."""
    if not settings.PORTAL_SECOND_FACTOR:
        return False
    if any(person.has_perm(permission) for permission in roles.NEED_SECOND_FACTOR):
        return True
    return approvals.deputies_of(deputy=person).exists()


def must_enrol(request: HttpRequest) -> bool:
    """Whether the person needs a second factor and has shown none in this session."""
    person: Any = request.user
    return not sessions.second_factor(request, person) and needs_second_factor(person)


# Large acts.


def asks_again(request: HttpRequest, amount: Money | None) -> bool:
    """Whether an act over this amount needs the person to prove once more who they are."""
    if amount is None:
        return False
    threshold = settings.PORTAL_STEP_UP.get(amount.currency)
    return threshold is not None and amount.value >= threshold and not sessions.is_fresh(request)


# What allauth tells us.


def _proved(sender: Any, request: HttpRequest, method: str, user: Any, **facts: Any) -> None:
    sessions.prove(request, user)


def _used(sender: Any, request: HttpRequest, user: Any, authenticator: Any, **facts: Any) -> None:
    sessions.use_factor(request, user, authenticator.type)


def _failed(sender: Any, request: HttpRequest, user: Any, authenticator: Any, **facts: Any) -> None:
    AccountAdapter(request).write_down(user, SignInOutcome.WRONG_FACTOR, factor=authenticator.type)


def _added(sender: Any, request: HttpRequest, user: Any, authenticator: Any, **facts: Any) -> None:
    if authenticator.type != Authenticator.Type.RECOVERY_CODES:
        sessions.use_factor(request, user, authenticator.type)
    _write("add second factor", user, authenticator)


def _removed(sender: Any, request: HttpRequest, user: Any, authenticator: Any, **facts: Any) -> None:
    if not factors.own(user).exists():
        sessions.use_factor(request, user, "")
    _write("remove second factor", user, authenticator)


def _renewed(sender: Any, request: HttpRequest, user: Any, authenticator: Any, **facts: Any) -> None:
    _write("renew recovery codes", user, authenticator)


def _came_in(sender: Any, request: HttpRequest, user: Any, **facts: Any) -> None:
    languages.came_in(request, user)


def _write(act: str, person: Any, authenticator: Any) -> None:
    journal.write(act, by=Actor.person(person), subject=person, after={"kind": factors.WORDS[authenticator.type]})


def listen() -> None:
    """Hear of what happens inside allauth: its signals are the door it offers for that. Safe to repeat."""
    heard: tuple[tuple[Any, Callable[..., None]], ...] = (
        (account_signals.authentication_step_completed, _proved),
        (user_logged_in, _came_in),
        (factor_signals.authenticator_used, _used),
        (factor_signals.authentication_failed, _failed),
        (factor_signals.authenticator_added, _added),
        (factor_signals.authenticator_removed, _removed),
        (factor_signals.authenticator_reset, _renewed),
    )
    for signal, hear in heard:
        signal.connect(hear, dispatch_uid=f"portal.signing_in.{hear.__name__}")
