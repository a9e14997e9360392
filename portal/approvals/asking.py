"""Whether an act needs a second person now, and the request it becomes."""

import hashlib
import json
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db import DEFAULT_DB_ALIAS, IntegrityError, connections, transaction
from django.db.models import F, Model
from django.utils import timezone

from portal import chain, clock, journal, registry, statements
from portal.actor import Actor, ActorKind
from portal.approvals.rules import effective_rules, roles_of
from portal.errors import Conflict, NotAllowed, PortalError
from portal.idempotency import Remember
from portal.models import AcquirerAccount, Approval, ApprovalRule, ApprovalStatus, DayTotal
from portal.money import Money

_COVERED = (ApprovalStatus.APPROVED, ApprovalStatus.DONE)


class ApprovalNeeded(PortalError):
    """A second person has to approve this. Nothing was done; ``ask`` makes a request of it."""

    code = "approval_needed"
    sentence = "{why}. Ask for approval, and it is done once somebody else has approved it."

    def __init__(self, why: str, *, kind: str, act: str, rule: ApprovalRule, wish: dict[str, Any]) -> None:
        super().__init__(why=why)
        self.why, self.kind, self.act, self.rule, self.wish = why, kind, act, rule, wish

    def worded(self, act: str, *, params: dict[str, Any], sentence: str) -> "ApprovalNeeded":
        """The same need of a wider wish: what is asked for is carried out by another verb."""
        wish = {**self.wish, "params": chain.plain(params), "sentence": sentence}
        return ApprovalNeeded(self.why, kind=self.kind, act=act, rule=self.rule, wish=wish)


def permit(
    kind: str,
    act: str,
    *,
    by: Actor,
    params: dict[str, Any],
    sentence: str = "",
    subject: Model | None = None,
    label: str = "",
    amount: Money | None = None,
    account: AcquirerAccount | None = None,
    reason_code: str = "",
    note: str = "",
) -> None:
    """Let a person's act pass, or raise ApprovalNeeded. Inside the transaction of the act's promise.

    ``params`` is everything the act needs to be carried out later, without a secret; ``sentence`` says what will
    happen. What passes counts toward the person's day. An act under an approved request passes if it is what was asked,
    and is NotAllowed otherwise.
    """
    if by.kind is not ActorKind.PERSON or by.user_id is None:
        return
    if not connections[DEFAULT_DB_ALIAS].in_atomic_block:
        raise RuntimeError("permit stands inside the transaction of the act's promise")
    wish: dict[str, Any] = {
        "subject_type": subject._meta.label if subject is not None else "",
        "subject_id": str(subject.pk) if subject is not None else "",
        "subject_label": (label or (str(subject) if subject is not None else ""))[:200],
        "account": account,
        "amount": amount,
        "params": chain.plain(params),
        "reason_code": reason_code,
        "note": note[:256],
        "sentence": sentence or f"{act.capitalize()} {label or subject or ''}".strip(),
    }
    if by.approval:
        _refuse_uncovered(kind, by, wish, subject)
        return
    fitting = _fitting(kind, by.user_id, amount, account)
    for rule in fitting:
        why = _exceeded(rule, amount)
        if why:
            raise ApprovalNeeded(why, kind=kind, act=act, rule=rule, wish=wish)
    days: dict[tuple[str, str], DayTotal] = {}
    for rule in fitting:
        if not _counts(rule):
            continue
        place = (rule.account, rule.currency)
        if place not in days:
            days[place] = _held_day(rule, by.user_id)
        why = _above_a_day(rule, amount, days[place].value, days[place].count)
        if why:
            raise ApprovalNeeded(why, kind=kind, act=act, rule=rule, wish=wish)
    for (_, currency), day in days.items():  # counted once, however many rules look at it
        more = amount.value if amount is not None and currency else 0
        DayTotal.objects.filter(pk=day.pk).update(value=F("value") + more, count=F("count") + 1)


def would_need(kind: str, *, by: Actor, amount: Money | None = None, account: AcquirerAccount | None = None) -> str:
    """Why an act would need a second person if it were done now, in words; empty when it would not. A forecast."""
    if by.kind is not ActorKind.PERSON or by.user_id is None:
        return ""
    for rule in _fitting(kind, by.user_id, amount, account):
        why = _exceeded(rule, amount)
        if not why and _counts(rule):
            why = _above_a_day(rule, amount, *_so_far(rule, by.user_id))
        if why:
            return why
    return ""


def alone_up_to(kind: str, *, by: Actor, most: Money, account: AcquirerAccount | None = None) -> Money:
    """The largest amount of an act, up to ``most``, that would need no second person now; zero where any would."""
    if by.kind is not ActorKind.PERSON or by.user_id is None:
        return most
    values = [most.value]
    for rule in _fitting(kind, by.user_id, most, account):
        if rule.is_always:
            values.append(0)
        if rule.above_value is not None:
            values.append(rule.above_value)
        if not _counts(rule):
            continue
        value, count = _so_far(rule, by.user_id)
        if rule.above_a_day_value is not None:
            values.append(max(rule.above_a_day_value - value, 0))
        if rule.above_a_day_count is not None and count >= rule.above_a_day_count:
            values.append(0)
    return Money(min(values), most.currency)


def _so_far(rule: ApprovalRule, user_id: int) -> tuple[int, int]:
    """What a person has done of the rule's day alone: its value, and how many acts. Read without being held."""
    total = DayTotal.objects.filter(**_day_of(rule, user_id)).first()
    return (total.value, total.count) if total else (0, 0)


def ask(needed: ApprovalNeeded, *, by: Actor, remember: Remember | None = None) -> Approval:
    """Make a request of what needs a second person. Raises Conflict when the very same waits already."""
    requester = person_of(by)
    at, wish = clock.now(), dict(needed.wish)
    amount: Money | None = wish.pop("amount")
    approval = Approval(
        number=clock.fresh_id("AP"),
        kind=needed.kind,
        act=needed.act,
        **{**wish, "sentence": wish["sentence"][:300]},
        amount_value=amount.value if amount else None,
        currency=amount.currency if amount else "",
        rule=needed.why[:300],
        approvers=list(needed.rule.approvers),
        requester=requester,
        created_at=at,
        expires_at=at + timedelta(hours=needed.rule.expires_hours),
    )
    approval.due_at = approval.expires_at
    approval.digest = digest_of(approval)
    approval.by(by)
    try:
        with transaction.atomic():
            approval.save()
            journal.write(
                "ask for approval",
                by=by,
                subject=approval,
                reason_code=approval.reason_code,
                note=approval.note,
                after={"act": approval.act, "of": approval.sentence, "digest": approval.digest},
            )
            if remember:
                remember(approval)
    except IntegrityError:
        raise Conflict("The very same waits for approval already. Look at the requests.") from None
    return approval


def person_of(by: Actor) -> User:
    """Whoever acts, who must be a person of the desk. Raises NotAllowed."""
    found = User.objects.filter(pk=by.user_id).first() if by.user_id is not None else None
    if by.kind is not ActorKind.PERSON or found is None:
        raise NotAllowed("Only a person of the desk asks for approval and decides.")
    return found


def digest_of(approval: Approval) -> str:
    """SHA-256 over what was asked for, as the row has it."""
    text = json.dumps(
        {
            "kind": approval.kind,
            "act": approval.act,
            "subject": [approval.subject_type, approval.subject_id],
            "account": approval.account_id,
            "amount": [approval.amount_value, approval.currency],
            "params": approval.params,
        },
        sort_keys=True,
        separators=(",", ":"),
    )
    return hashlib.sha256(text.encode()).hexdigest()


def actor_of(approval: Approval) -> Actor:
    """The requester, under the approved request."""
    return Actor(ActorKind.PERSON, approval.actor_name, approval.requester_id, approval.number)


# Under an approved request.


def _refuse_uncovered(kind: str, by: Actor, wish: dict[str, Any], subject: Model | None) -> None:
    rows = Approval.objects.select_for_update(of=("self",), no_key=True)
    approval = rows.filter(number=by.approval, requester_id=by.user_id, status__in=_COVERED).first()
    if approval is None or digest_of(approval) != approval.digest:
        raise NotAllowed("There is no approved request {number} of this.", number=by.approval)
    if approval.kind == kind:
        asked = (approval.subject_type, approval.subject_id, approval.amount)
        is_covered = asked == (wish["subject_type"], wish["subject_id"], wish["amount"])
    else:
        entry = registry.approvals.get(approval.kind)
        is_covered = entry is not None and entry.covers(approval, kind, subject, wish["amount"])
    if not is_covered:
        raise NotAllowed("What was approved is not this. Ask for approval anew.")


# Rules, and the day of a person.


def _fitting(kind: str, user_id: int, amount: Money | None, account: AcquirerAccount | None) -> list[ApprovalRule]:
    user = User.objects.get(pk=user_id)
    roles = roles_of(user)
    slug, currency = account.slug if account else "", amount.currency if amount else ""
    return [
        rule
        for rule in effective_rules(kind)
        if rule.role in ("", *roles)
        and rule.person in ("", user.get_username())
        and rule.currency in ("", currency)
        and rule.account in ("", slug)
    ]


def _exceeded(rule: ApprovalRule, amount: Money | None) -> str:
    if rule.is_always:
        return f"A second person approves every one of these{_by_role(rule)}"
    if rule.above_value is not None and amount is not None and amount.value > rule.above_value:
        return f"Above {Money(rule.above_value, rule.currency)} a second person approves{_by_role(rule)}"
    return ""


def _by_role(rule: ApprovalRule) -> str:
    if rule.person:
        return f" when {rule.person} asks"
    return f" when somebody of {rule.role} asks" if rule.role else ""


def _counts(rule: ApprovalRule) -> bool:
    return rule.above_a_day_value is not None or rule.above_a_day_count is not None


def _day_of(rule: ApprovalRule, user_id: int) -> dict[str, Any]:
    return {
        "kind": rule.kind,
        "user_id": user_id,
        "day": timezone.localdate(clock.now()),
        "account": rule.account,
        "currency": rule.currency,
    }


def _held_day(rule: ApprovalRule, user_id: int) -> DayTotal:
    """What the person did on their own today, as the rule counts it; held until the promise ends."""
    statements.insert(DayTotal(**_day_of(rule, user_id), value=0, count=0), unless_there=True)
    return DayTotal.objects.select_for_update().get(**_day_of(rule, user_id))


def _above_a_day(rule: ApprovalRule, amount: Money | None, value: int, count: int) -> str:
    limit = rule.above_a_day_value
    if limit is not None and amount is not None and value + amount.value > limit:
        left = Money(max(limit - value, 0), rule.currency)
        return f"Above {Money(limit, rule.currency)} a day a second person approves; {left} of it are left today"
    if rule.above_a_day_count is not None and count + 1 > rule.above_a_day_count:
        return f"After {rule.above_a_day_count} of these a day a second person approves"
    return ""
