"""What must hold of everything a second person decides, checked against what the simulator itself saw being asked."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import fields
from datetime import date
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone

from payments.models import BulkLine, BulkRefund, Cancel, PaymentChange, Refund, RetryPolicy
from payments.states import BulkStatus, CancelStatus, LineStatus, PaymentStatus, RefundStatus
from payments.subscriptions.policies import Policy
from portal import roles
from portal.models import Approval, ApprovalStatus
from portal.models.approvals import ApprovalChange
from portal.simulation.stage import A_DAY, ALONE, PRINCIPAL_OF, STAFF
from portal.simulation.world import World
from portal.statements import Found

_Made = Refund | Cancel | BulkRefund | RetryPolicy
_MADE: dict[str, type[_Made]] = {model._meta.label: model for model in (Refund, Cancel, BulkRefund, RetryPolicy)}
_POLICY = ("account", "wallet", *(field.name for field in fields(Policy)))
_DECIDERS = (roles.FINANCE, roles.ADMINISTRATOR)
_OVER = (RefundStatus.FAILED, RefundStatus.REVERSED)

_APPROVALS = Found(lambda: Approval.objects.select_related("requester").order_by("pk"))
_DECIDED = Found(lambda: Approval.objects.filter(decider__isnull=False).order_by("pk"))
_DONE = Found(lambda: Approval.objects.filter(status=ApprovalStatus.DONE).order_by("pk"))
_MOVES = Found(lambda: ApprovalChange.objects.order_by().values_list("approval__number", "target"))
_POLICIES_SET = Found(
    lambda: (
        ApprovalChange.objects.filter(target=ApprovalStatus.DONE, approval__result_type=RetryPolicy._meta.label)
        .order_by("pk")
        .values_list("approval__number", "approval__result_id")
    )
)
_NAMES = Found(lambda: User.objects.values_list("pk", "username"))
_LINES = Found(lambda: BulkLine.objects.select_related("refund").order_by("number", "pk"))
_BULKS = Found(lambda: BulkRefund.objects.order_by("pk"))
_REFUNDS = Found(lambda: Refund.objects.order_by("pk"))
_REFUNDS_OF_PEOPLE = Found(lambda: Refund.objects.filter(actor_kind="PERSON").select_related("payment").order_by("pk"))
_CANCELS_OF_PEOPLE = Found(lambda: Cancel.objects.filter(actor_kind="PERSON").select_related("payment").order_by("pk"))
_PAID_AT = Found(lambda: PaymentChange.objects.filter(target=PaymentStatus.SUCCEEDED).values_list("payment_id", "at"))


def what_is_approved_is_what_was_asked(world: World) -> list[str]:
    """A request is as somebody asked for it, ends once, in time, and what was made of it is exactly that."""
    found, overwritten = [], set(_overwritten())
    for approval in _APPROVALS.all():
        wish = world.wishes.get(approval.number)
        if wish is None or wish.who != approval.requester.username:
            found.append(f"{approval} is a request that {approval.requester} never made")
            continue
        if approval.status in (ApprovalStatus.WAITING, ApprovalStatus.APPROVED):
            found.append(f"{approval} is still {approval.status}")
        if approval.decided_at is not None and approval.decided_at > approval.expires_at:
            found.append(f"{approval} was decided after it had expired")
        told = world.ended.get(approval.number, approval.status)
        if told != approval.status:
            found.append(f"{approval} was {told}, and is {approval.status}")
        made = _made_by(approval)
        if (approval.status == ApprovalStatus.DONE) != (made is not None):
            found.append(f"{approval} is {approval.status}, and made {made}")
        elif made is not None and approval.number not in overwritten and _what(made) != wish.what:
            found.append(f"{approval} asked for {sorted(wish.what)} and made {sorted(_what(made))}")
    moves = Counter(_MOVES.tuples())
    found += [f"{number} became {target} {count} times" for (number, target), count in moves.items() if count > 1]
    return found


def _made_by(approval: Approval) -> _Made | None:
    if not approval.result_id:
        return None
    return _MADE[approval.result_type]._base_manager.get(pk=approval.result_id)


def _overwritten() -> Iterator[str]:
    """Requests for a policy whose row says by now what a later one asked for."""
    newest: dict[str, str] = {}
    for number, row in _POLICIES_SET.tuples():
        if row in newest:
            yield newest[row]
        newest[row] = number


def no_policy_holds_unapproved(world: World) -> list[str]:
    """Every retry policy that is not as it was shipped was asked for by one person and approved by another."""
    approved = {row for _, row in _POLICIES_SET.tuples()}
    policies = RetryPolicy.objects.exclude(changed_by="").order_by("pk")
    return [f"{policy} was approved by nobody" for policy in policies if str(policy.pk) not in approved]


def _what(made: _Made) -> frozenset[tuple[Any, Any]]:
    if isinstance(made, RetryPolicy):
        return frozenset((name, getattr(made, name)) for name in _POLICY)
    if isinstance(made, BulkRefund):
        lines = made.lines.exclude(status=LineStatus.PROBLEM)
        return frozenset(lines.values_list("payment_id", "amount_value"))
    return frozenset({(made.payment_id, made.amount_value)})


def nobody_approves_their_own(world: World) -> list[str]:
    """Whoever decided was another, and in a role that may, their own or that of a third whose deputy they are."""
    found = []
    names = dict(_NAMES.tuples())
    for approval in _DECIDED.all():
        asker, decider = names[approval.requester_id], names[approval.decider_id or 0]
        principal = PRINCIPAL_OF.get(decider, "")
        may = STAFF[decider][0] in _DECIDERS or (principal not in ("", asker) and STAFF[principal][0] in _DECIDERS)
        if approval.is_glass_broken:
            if asker != decider or STAFF[asker][0] not in _DECIDERS:
                found.append(f"{decider} broke the glass for {approval} of {asker}")
        elif asker == decider or not may:
            found.append(f"{decider} decided on {approval} of {asker}")
        if approval.reviewer_id is not None and names[approval.reviewer_id] == asker:
            found.append(f"{asker} reviewed what they did themselves")
    return found


def no_money_moves_unapproved(world: World) -> list[str]:
    """What a person gave back was approved, or within what they may give back alone, at once and in a day."""
    found = []
    done = _DONE.all()
    made = Counter((one.result_type, one.result_id) for one in done)
    found += [
        f"{kind} {pk} was made of {count} requests"
        for (kind, pk), count in made.items()
        if count > 1 and kind != Cancel._meta.label  # whoever wants a cancel that is on its way gets that one
    ]
    followed = Counter(_refused_cancels(done))
    approved = {approval.number for approval in done}
    bulks = {bulk.name: bulk for bulk in _BULKS.all() if bulk.approval in approved}
    days: dict[tuple[str, date, str], int] = defaultdict(int)
    for row in _given_back_by_people():
        wish = row.actor_name, row.payment_id, row.amount_value
        currency = row.payment.currency
        if made[row._meta.label, str(row.pk)]:
            continue
        if isinstance(row, Refund) and row.note in bulks:
            asked = world.wishes[bulks[row.note].approval]
            if row.actor_name != asked.who or (row.payment_id, row.amount_value) not in asked.what:
                found.append(f"{row} is none of the refunds of {row.note}")
            continue
        if isinstance(row, Refund) and followed[wish]:
            followed[wish] -= 1  # the way that was left where the acquirer had refused the cancel
            continue
        if STAFF[row.actor_name][0] == roles.SUPPORT or row.amount_value > ALONE[currency]:
            found.append(f"{row.actor_name} gave back {row.amount_value} {currency} of {row.payment} alone")
        days[row.actor_name, timezone.localdate(row.created_at), currency] += row.amount_value
    for (name, day, currency), value in days.items():
        if value > A_DAY[currency]:
            found.append(f"{name} gave back {value} {currency} on {day} alone")
    return found


def _refused_cancels(done: list[Approval]) -> Iterator[tuple[str, int, int]]:
    for approval in done:
        made = _made_by(approval)
        if isinstance(made, Cancel) and made.status == CancelStatus.REFUSED:
            yield made.actor_name, made.payment_id, made.amount_value


def _given_back_by_people() -> Iterator[Refund | Cancel]:
    yield from _REFUNDS_OF_PEOPLE.all()
    paid_at = dict(_PAID_AT.tuples())
    for cancel in _CANCELS_OF_PEOPLE.all():
        # Of what nobody has paid yet, no money goes back. What happened in one moment may have been either.
        succeeded_at = paid_at.get(cancel.payment_id)
        if cancel.gives_back_kept or (succeeded_at is not None and succeeded_at < cancel.created_at):
            yield cancel


def a_bulks_lines_end_once(world: World) -> list[str]:
    """Each line of a bulk refund becomes one refund that stands, of what it says, or none; and the whole ends."""
    found = []
    by_note: dict[tuple[str, int], list[Refund]] = defaultdict(list)
    for refund in _REFUNDS.all():
        by_note[refund.note, refund.payment_id].append(refund)
    lines: dict[int, list[BulkLine]] = defaultdict(list)
    for line in _LINES.all():
        lines[line.bulk_id].append(line)
    for bulk in _BULKS.all():
        if bulk.status == BulkStatus.STARTED and (
            "payments.BulkLine" not in {kind for kind, _ in world.open_incidents()}
        ):
            found.append(f"{bulk.name} is still being done")
        for line in lines[bulk.pk]:
            refunds = by_note.get((bulk.name, line.payment_id or 0), [])
            standing = [refund for refund in refunds if refund.status not in _OVER]
            if len(standing) > 1:
                found.append(f"line {line.number} of {bulk.name} was refunded {len(standing)} times")
            if line.status in (LineStatus.PROBLEM, LineStatus.DRAFT) and refunds:
                found.append(f"line {line.number} of {bulk.name} is {line.status} and was refunded")
            if standing and line.refund != standing[-1]:
                found.append(f"line {line.number} of {bulk.name} does not know of its refund {standing[-1]}")
            if line.refund is not None and _what(line.refund) != {(line.payment_id, line.amount_value)}:
                found.append(f"line {line.number} of {bulk.name} has the refund {line.refund} of something else")
    return found


PROMISES = {
    "what is approved is what was asked": what_is_approved_is_what_was_asked,
    "nobody approves their own": nobody_approves_their_own,
    "no money moves on a request not approved": no_money_moves_unapproved,
    "no policy holds that nobody approved": no_policy_holds_unapproved,
    "a bulk's lines end once": a_bulks_lines_end_once,
}
