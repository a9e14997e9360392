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
"""Taking a lost second factor from somebody, and giving roles, also to somebody new: kinds of ``portal.approvals``."""


_INVITE = "invite person"


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
    """Let somebody in who chooses their own password by ``invitation``.

    Raises Conflict for a name that is taken, ApprovalNeeded where the rules ask for it.
    """
    person = User(username=username, first_name=first_name, last_name=last_name, email=email, is_staff=True)
    person.set_unusable_password()
    return _let_in(person, _INVITE, roles=roles, by=by, remember=remember)


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
            if act == _INVITE:
                _permit_to_invite(person, chosen, by)
            person.save()
            person.groups.set(chosen)
            journal.write(act, by=by, subject=person, after={"roles": _names(chosen)})
            if remember:
                remember(person)
    except IntegrityError:
        raise Conflict("Somebody has this user name already.") from None
    return person


def _permit_to_invite(person: User, roles: list[Group], by: Actor) -> None:
    name, names = person.get_username(), _names(roles)
    known_as = ", ".join(filter(None, (person.get_full_name(), person.email))) or "no other name"
    facts = {field: getattr(person, field) for field in ("username", "first_name", "last_name", "email")}
    sentence = f"{name} ({known_as}) is invited as {' and '.join(names)}."
    approvals.permit(ROLES, _INVITE, by=by, label=name, params={**facts, "roles": names}, sentence=sentence)


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
    """Change roles, or invite, as it was approved."""
    facts = dict(approval.params)
    names = facts.pop("roles")
    chosen = Group.objects.filter(name__in=names)
    if {role.name for role in chosen} != set(names):
        raise Conflict("One of these roles is not there any more. Ask anew.")
    if approval.act == _INVITE:
        person = invite(**facts, roles=chosen, by=by, remember=remember)
        return f"{person} is let in. Invite again, on their page, shows the link to hand over."
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
        if ADMINISTRATOR in before and ADMINISTRATOR not in after:
            _keep_one_administrator(person)
        approvals.permit(
            ROLES,
            "change roles",
            by=by,
            subject=person,
            params={"roles": after},
            sentence=f"{person.get_username()} becomes {' and '.join(after)}, and was {' and '.join(before)}.",
            note=note,
        )
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
