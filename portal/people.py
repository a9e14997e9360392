"""The people of the desk: who may come in, in which roles. Every change of it stands in the journal."""

from collections.abc import Iterable

from django.contrib.auth.models import Group, User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from portal import journal
from portal.actor import Actor
from portal.errors import Conflict, InvalidInput, NotAllowed
from portal.idempotency import Remember
from portal.roles import ADMINISTRATOR


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
    """Let somebody in. Raises InvalidInput for a weak password, Conflict for a name that is taken."""
    person = User(username=username, first_name=first_name, last_name=last_name, email=email, is_staff=True)
    _set_password(person, password)
    chosen = list(roles)
    try:
        with transaction.atomic():
            person.save()
            person.groups.set(chosen)
            journal.write("add person", by=by, subject=person, after={"roles": _names(chosen)})
            if remember:
                remember(person)
    except IntegrityError:
        raise Conflict("Somebody has this user name already.") from None
    return person


def change_roles(
    person: User, roles: Iterable[Group], *, by: Actor, note: str = "", remember: Remember | None = None
) -> User:
    """Give a person other roles. Raises NotAllowed where nobody would be left to look after people."""
    chosen = list(roles)
    with transaction.atomic():
        before = _names(person.groups.all())
        if ADMINISTRATOR in before and ADMINISTRATOR not in _names(chosen):
            _keep_one_administrator(person)
        person.groups.set(chosen)
        journal.write(
            "change roles", by=by, subject=person, note=note, before={"roles": before}, after={"roles": _names(chosen)}
        )
        if remember:
            remember(person)
    return person


def set_password(person: User, password: str, *, by: Actor, note: str = "", remember: Remember | None = None) -> User:
    """Give a person another password; their open sessions end. Raises InvalidInput for a weak one."""
    _set_password(person, password)
    with transaction.atomic():
        person.save(update_fields=["password"])
        journal.write("set password", by=by, subject=person, note=note)
        if remember:
            remember(person)
    return person


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
        journal.write(act, by=by, subject=person, note=note)
        if remember:
            remember(person)
    person.refresh_from_db()
    return person


def _set_password(person: User, password: str) -> None:
    try:
        validate_password(password, person)
    except ValidationError as problem:
        raise InvalidInput("Password: {problem}", problem=" ".join(problem.messages)) from None
    person.set_password(password)


def _keep_one_administrator(person: User) -> None:
    others = User.objects.filter(is_active=True, groups__name=ADMINISTRATOR).exclude(pk=person.pk)
    chiefs = User.objects.filter(is_active=True, is_superuser=True).exclude(pk=person.pk)
    if not others.exists() and not chiefs.exists():
        raise NotAllowed(
            "Nobody would be left to look after the people of this desk. Make another administrator first."
        )


def _names(roles: Iterable[Group]) -> list[str]:
    return sorted(role.name for role in roles)
