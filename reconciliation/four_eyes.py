"""Settlement under four eyes: closing a discrepancy, matching a row by hand, explaining a difference at the bank.

One kind for every way of closing, or whoever may not write off above a limit would accept the figure instead. Plugged
into ``portal.registry``.
"""

from collections.abc import Sequence

from django.apps import apps

from payments.four_eyes import LIMITS
from portal.actor import Actor
from portal.errors import Conflict, PortalError
from portal.idempotency import Remember
from portal.models import Approval
from portal.money import Money
from portal.registry import ApprovalKind, Rule
from portal.roles import ADMINISTRATOR, FINANCE
from reconciliation import bank, operations
from reconciliation.models import BankCause, Batch, Discrepancy, Resolution
from reconciliation.operations.by_hand import Ours, foresee, not_matchable
from reconciliation.operations.discrepancies import ACCEPT, WRITE_OFF

_APPROVERS = (FINANCE, ADMINISTRATOR)
_CLOSED_A_DAY = 200
"""Many small ones are a large one; and a currency without a limit has this one."""
_MATCHED_TIMES = 10
"""A match by hand moves nothing out of the books, so it takes ten times as much before a second person looks."""


def _by_amount(times: int = 1) -> tuple[Rule, ...]:
    return tuple(
        Rule(approvers=_APPROVERS, currency=currency, above_value=one * times, above_a_day_value=day * times)
        for currency, (one, day) in LIMITS.items()
    )


def close(approval: Approval, by: Actor, remember: Remember) -> str:
    """Close it as it was asked for, through the ordinary verbs."""
    discrepancy = _discrepancy(approval)
    if approval.act == WRITE_OFF:
        operations.write_off(
            discrepancy, by=by, reason_code=approval.reason_code, note=approval.note, remember=remember
        )
    elif approval.act == ACCEPT:
        resolution = str(approval.params.get("resolution", ""))
        operations.close(discrepancy, by=by, resolution=resolution, note=approval.note, remember=remember)
    else:
        raise Conflict("This version does not know the act that was asked for.")
    return f"{Resolution(discrepancy.resolution).label}: {discrepancy.share} explained."


def close_objection(approval: Approval) -> str:
    """Why it could not be closed now."""
    try:
        is_open = _discrepancy(approval).is_open
    except PortalError as refusal:
        return refusal.message
    return "" if is_open else "It could not be done now: it is closed already."


def match(approval: Approval, by: Actor, remember: Remember) -> str:
    """Match it as it was asked for."""
    discrepancy = _discrepancy(approval)
    made = operations.match_by_hand(
        discrepancy,
        _ours(approval),
        by=by,
        reason_code=approval.reason_code,
        note=approval.note,
        remember=remember,
    )
    return f"Matched: {Money(made.value, made.currency)}."


def match_foresight(approval: Approval) -> Sequence[str]:
    """What matching would decide, as things are now."""
    try:
        discrepancy = _discrepancy(approval)
        decision = foresee(discrepancy, _ours(approval))
    except PortalError:
        return [approval.sentence]
    matched = Money(decision.matched, discrepancy.currency)
    rest = Money(decision.open_value, discrepancy.currency)
    return [approval.sentence, f"{matched} of the row count as matched, {rest} stay open."]


def match_objection(approval: Approval) -> str:
    """Why it could not be matched now."""
    try:
        discrepancy = _discrepancy(approval)
        why = not_matchable(discrepancy)
        if not why:
            foresee(discrepancy, _ours(approval))
    except PortalError as refusal:
        why = refusal.message
    return f"It could not be done now: {why[:1].lower()}{why[1:]}" if why else ""


def name_difference(approval: Approval, by: Actor, remember: Remember) -> str:
    """Name the cause as it was asked for."""
    amount = Money(int(approval.params["value"]), str(approval.params["currency"]))
    made = operations.name_difference(
        _batch(approval),
        cause=str(approval.params["cause"]),
        amount=amount,
        by=by,
        note=approval.note,
        remember=remember,
    )
    return f"{BankCause(made.cause).label}: {made.amount} explained at the bank."


def difference_objection(approval: Approval) -> str:
    """Why the cause could not be named now."""
    try:
        standing = bank.standing_of(_batch(approval))
    except PortalError as refusal:
        return refusal.message
    left = 0 if standing is None else standing.open.value
    value = int(approval.params["value"])
    if abs(value) > abs(left) or value * left <= 0:
        return "It could not be done now: not so much is open at the bank any more."
    return ""


def _batch(approval: Approval) -> Batch:
    found = Batch.objects.select_related("account").filter(pk=approval.subject_id).first()
    if found is None:
        raise Conflict("The import of this batch was undone. Look at it again.")
    return found


def _discrepancy(approval: Approval) -> Discrepancy:
    found = Discrepancy.objects.select_related(
        "file__account", "account", "row__file__account", "row__batch", "summary_row"
    )
    one = found.defer("file__content", "row__file__content").filter(pk=approval.subject_id).first()
    if one is None:
        raise Conflict("The import of its file was undone, and the discrepancy with it.")
    return one


def _ours(approval: Approval) -> Ours:
    model = apps.get_model(str(approval.params["ours"]))
    ours: Ours = model._default_manager.get(pk=approval.params["key"])
    return ours


CLOSE = ApprovalKind(
    "Accept a difference or write it off",
    close,
    foresee=lambda approval: [approval.sentence, "Its share of the file counts as explained from then on."],
    objection=close_objection,
    defaults=(Rule(approvers=_APPROVERS, above_a_day_count=_CLOSED_A_DAY), *_by_amount()),
    has_amount=True,
)
MATCH = ApprovalKind(
    "Match a settlement row by hand",
    match,
    foresee=match_foresight,
    objection=match_objection,
    defaults=_by_amount(_MATCHED_TIMES),
    has_amount=True,
)
NAME_DIFFERENCE = ApprovalKind(
    "Explain a difference at the bank",
    name_difference,
    foresee=lambda approval: [approval.sentence, "No money is moved by it: it says where money went."],
    objection=difference_objection,
    defaults=(Rule(approvers=_APPROVERS, above_a_day_count=_CLOSED_A_DAY), *_by_amount()),
    has_amount=True,
)
