"""The people of the desk: who may come in, in which roles. Every change of it stands in the journal.

Nobody chooses a password for somebody else: whoever is let in gets an invitation, a link that is good once, to choose
their own. Whatever changes what a person may do ends their sessions, so that nothing goes on under the old rights.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.contrib.auth.models import Group, User
from django.contrib.auth.password_validation import validate_password
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from portal import approvals, clock, factors, journal, sessions
from portal.actor import Actor
from portal.errors import Conflict, InvalidInput, NotAllowed
from portal.idempotency import Remember
from portal.models import Approval, SignInEnd
from portal.roles import ADMINISTRATOR

RESET, ROLES = "reset", "roles"
"""Taking a lost second factor from somebody, and giving other roles, as kinds of ``portal.approvals``."""


class Invitations(PasswordResetTokenGenerator):
    """The tokens of invitations: signed, not kept. Choosing a password ends one, and so does a newer invitation."""

    key_salt = "portal.people.Invitations"

    def _now(self) -> datetime:
        return clock.now().replace(tzinfo=None)


invitations = Invitations()


def invitation(person: User) -> str:
    """The path of a link by which a person chooses their password. Whoever holds it is taken for the person."""
    key = urlsafe_base64_encode(force_bytes(person.pk))
    return reverse("invitation", args=(key, invitations.make_token(person)))


def invite(
    username: str,
    *,
    first_name: str = "",
    last_name: str = "",
    email: str = "",
    roles: Iterable[Group],
    by: Actor,
    remember: Remember | None = None,
) -> User:
    """Let somebody in who chooses their own password by ``invitation``. Raises Conflict for a name that is taken."""
    person = User(username=username, first_name=first_name, last_name=last_name, email=email, is_staff=True)
    person.set_unusable_password()
    return _let_in(person, "invite person", roles=roles, by=by, remember=remember)


def add(
    username: str,
    password: str,
    *,
    first_name: str = "",
    last_name: str = "",
    email: str = "",
    roles: Iterable[Group],
    by: Actor,
    remember: Remember | None = None,
) -> User:
    """Let somebody in with a password, as a demonstration does. Raises InvalidInput for a weak one, and Conflict."""
    person = User(username=username, first_name=first_name, last_name=last_name, email=email, is_staff=True)
    try:
        validate_password(password, person)
    except ValidationError as problem:
        raise InvalidInput("Password: {problem}", problem=" ".join(problem.messages)) from None
    person.set_password(password)
    return _let_in(person, "add person", roles=roles, by=by, remember=remember)


def _let_in(person: User, act: str, *, roles: Iterable[Group], by: Actor, remember: Remember | None) -> User:
    chosen = list(roles)
    # Names are told apart as people read them, so that nobody poses as somebody else.
    if User.objects.filter(username__iexact=person.username).exists():
        raise Conflict("Somebody has this user name already.")
    try:
        with transaction.atomic():
            person.save()
            person.groups.set(chosen)
            journal.write(act, by=by, subject=person, after={"roles": _names(chosen)})
            if remember:
                remember(person)
    except IntegrityError:
        raise Conflict("Somebody has this user name already.") from None
    return person


def invite_again(person: User, *, by: Actor, note: str = "", remember: Remember | None = None) -> User:
    """End a person's password, sessions and older invitations; they choose a new password by ``invitation``."""
    person.set_unusable_password()
    with transaction.atomic():
        person.save(update_fields=["password"])
        sessions.end_all(person, SignInEnd.RESET)
        journal.write("invite again", by=by, subject=person, note=note)
        if remember:
            remember(person)
    return person


def reset(person: User, *, by: Actor, note: str = "", remember: Remember | None = None) -> User:
    """Take a person's second factors, password and sessions: the way back for whoever has lost their device.

    Whoever holds the person's password could enrol in their place, and whoever invites could pose as them; so this
    needs a second person (ApprovalNeeded), the password ends too, and it begins anew with an invitation.
    """
    with transaction.atomic():
        approvals.permit(
            RESET,
            "reset second factor",
            by=by,
            subject=person,
            params={"person": person.get_username()},
            sentence=f"The second factors and the password of {person.get_username()} end.",
            note=note,
        )
        lost = factors.remove_all(person)
        person.set_unusable_password()
        person.save(update_fields=["password"])
        sessions.end_all(person, SignInEnd.RESET)
        journal.write("reset second factor", by=by, subject=person, note=note, before={"factors": lost})
        if remember:
            remember(person)
    return person


def carry_out_reset(approval: Approval, by: Actor, remember: Remember) -> str:
    """Reset as it was approved."""
    person = reset(User.objects.get(pk=approval.subject_id), by=by, note=approval.note, remember=remember)
    return f"{person} has no second factor and no password any more. Invite them again."


def foresee_reset(approval: Approval) -> Sequence[str]:
    """What approving a reset does."""
    return [
        approval.sentence,
        "Their sessions end. They come in again by a new invitation, and add a second factor then.",
        "Approve it only if you know that it is really they who asked: call them back, or look at them.",
    ]


def carry_out_roles(approval: Approval, by: Actor, remember: Remember) -> str:
    """Change roles as it was approved."""
    chosen = Group.objects.filter(name__in=approval.params["roles"])
    if {role.name for role in chosen} != set(approval.params["roles"]):
        raise Conflict("One of these roles is not there any more. Ask anew.")
    person = change_roles(
        User.objects.get(pk=approval.subject_id), chosen, by=by, note=approval.note, remember=remember
    )
    return f"{person} has the roles {', '.join(_names(chosen)) or 'none'} now."


def accepted(person: User) -> None:
    """Write down that a person has chosen their password."""
    journal.write("accept invitation", by=Actor.person(person), subject=person)


def change_roles(
    person: User, roles: Iterable[Group], *, by: Actor, note: str = "", remember: Remember | None = None
) -> User:
    """Give a person other roles; their sessions end.

    Raises NotAllowed where nobody would look after people any more, ApprovalNeeded where the rules ask for it.
    """
    chosen = list(roles)
    with transaction.atomic():
        before, after = _names(person.groups.all()), _names(chosen)
        approvals.permit(
            ROLES,
            "change roles",
            by=by,
            subject=person,
            params={"roles": after},
            sentence=f"{person.get_username()} becomes {' and '.join(after)}, and was {' and '.join(before)}.",
            note=note,
        )
        if ADMINISTRATOR in before and ADMINISTRATOR not in after:
            _keep_one_administrator(person)
        person.groups.set(chosen)
        sessions.end_all(person, SignInEnd.ROLES)
        journal.write(
            "change roles", by=by, subject=person, note=note, before={"roles": before}, after={"roles": after}
        )
        if remember:
            remember(person)
    return person


def end_sessions(person: User, *, by: Actor, note: str = "", remember: Remember | None = None) -> int:
    """Log a person out everywhere; how many sessions they had."""
    with transaction.atomic():
        count = sessions.end_all(person, SignInEnd.ELSEWHERE)
        journal.write("end sessions", by=by, subject=person, note=note, after={"sessions": count})
        if remember:
            remember(person)
    return count


def shut_out(person: User, *, by: Actor, note: str = "", remember: Remember | None = None) -> User:
    """Let a person in no more; what they did stays theirs. Raises NotAllowed for oneself and the last administrator."""
    if person.pk == by.user_id:
        raise NotAllowed("Nobody shuts themselves out. Ask somebody else to do it.")
    _keep_one_administrator(person)
    return _set_active(person, is_active=False, act="shut out", by=by, note=note, remember=remember)


def let_in_again(person: User, *, by: Actor, note: str = "", remember: Remember | None = None) -> User:
    """Let a person in again, in the roles they had."""
    return _set_active(person, is_active=True, act="let in again", by=by, note=note, remember=remember)


def _set_active(person: User, *, is_active: bool, act: str, by: Actor, note: str, remember: Remember | None) -> User:
    with transaction.atomic():
        if not User.objects.filter(pk=person.pk, is_active=not is_active).update(is_active=is_active):
            raise Conflict("Somebody else was faster: that is how it is already.")
        if not is_active:
            sessions.end_all(person, SignInEnd.SHUT_OUT)
        journal.write(act, by=by, subject=person, note=note)
        if remember:
            remember(person)
    person.refresh_from_db()
    return person


def _keep_one_administrator(person: User) -> None:
    others = User.objects.filter(is_active=True, groups__name=ADMINISTRATOR).exclude(pk=person.pk)
    chiefs = User.objects.filter(is_active=True, is_superuser=True).exclude(pk=person.pk)
    if not others.exists() and not chiefs.exists():
        raise NotAllowed(
            "Nobody would be left to look after the people of this desk. Make another administrator first."
        )


def _names(roles: Iterable[Group]) -> list[str]:
    return sorted(role.name for role in roles)
