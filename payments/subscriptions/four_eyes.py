"""Retry policies under four eyes: one request holds the whole policy. Plugged into ``portal.registry``."""

from collections.abc import Sequence
from typing import Any

from payments.subscriptions import operations, replay
from payments.subscriptions.policies import Policy, numbers
from payments.subscriptions.states import Trouble
from portal.actor import Actor
from portal.errors import Conflict
from portal.idempotency import Remember
from portal.models import Approval
from portal.registry import ApprovalKind, Rule
from portal.roles import ADMINISTRATOR, FINANCE


def carry_out(approval: Approval, by: Actor, remember: Remember) -> str:
    """Let the policy hold."""
    policy, account, wallet = _asked(approval)
    row = operations.set_policy(policy, account=account, wallet=wallet, by=by, note=approval.note, remember=remember)
    return f"In force: {row}."


def foresee(approval: Approval) -> Sequence[str]:
    """What it says, and what it would have done."""
    policy, account, wallet = _asked(approval)
    return [approval.sentence, replay_words(replay.replay(policy, account=account, wallet=wallet))]


def replay_words(found: replay.Replay) -> str:
    """The replay in one sentence."""
    if not found.failed.count:
        return f"In the last {replay.DAYS} days no charge failed so: nothing to try it on."
    return (
        f"On the {found.failed.count} failures of the last {replay.DAYS} days: {found.recovered.count} recovered for "
        f"certain{_sums(found.recovered)}, {found.perhaps.count} perhaps, with {found.tried} more charges; in reality "
        f"{found.was_recovered.count} were{_sums(found.was_recovered)}, with {found.was_tried}."
    )


def _sums(tally: replay.Tally) -> str:
    sums = tally.sums()
    return f" ({', '.join(map(str, sums))})" if sums else ""


def _asked(approval: Approval) -> tuple[Policy, str, str]:
    said: dict[str, Any] = dict(approval.params)
    try:
        account, wallet = str(said.pop("account")), str(said.pop("wallet"))
        said["trouble"] = Trouble(said["trouble"])
        for name in ("delays_hours", "paydays"):
            said[name] = numbers(said[name])
        return Policy(**said), account, wallet
    except (KeyError, TypeError, ValueError):
        raise Conflict("It was asked for in words this version does not know.") from None


KIND = ApprovalKind(
    "Change a retry policy",
    carry_out,
    foresee=foresee,
    defaults=(Rule(approvers=(FINANCE, ADMINISTRATOR), is_always=True),),
)
