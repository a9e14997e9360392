"""A buyer agrees to a plan. Nothing is charged here: the first cycle opens when it is due, which may be at once."""

from datetime import date, timedelta

from django.db import IntegrityError, transaction

from authorizations.errors import WalletNotActive
from authorizations.models import Buyer, WalletAccount
from authorizations.states import WalletStatus
from payments.errors import PlanNotOffered
from payments.methods import refuse_withheld
from payments.models import Plan, Subscription
from payments.subscriptions import announcements
from payments.subscriptions.calendar import day_in
from portal import catalogue, clock, journal
from portal.actor import Actor, ActorKind
from portal.errors import Conflict, InvalidInput, NotFound
from portal.idempotency import Remember
from portal.money import Money


def start(
    buyer: Buyer,
    plan: Plan,
    wallet_account: WalletAccount,
    *,
    by: Actor,
    most: Money | None = None,
    ends_on: date | None = None,
    reference: str = "",
    remember: Remember | None = None,
) -> Subscription:
    """Let a buyer be charged by a plan from now on; ``most`` is what one cycle of a metered plan may cost.

    The first cycle is due when the trial is over, on the plan's anchor day where it has one.
    Raises PlanNotOffered, WalletNotActive, WalletNotContracted, WrongCurrency, AmountNotAllowed or InvalidInput;
    Conflict for a reference that is taken.
    """
    if not plan.is_offered or plan.account_id != buyer.account_id:
        raise PlanNotOffered(field="plan", problem="", plan=plan.code)
    refuse_unfit(plan, wallet_account, buyer, most)
    at = clock.now()
    first_on = plan.span.first(day_in(at, plan.zone) + timedelta(days=plan.trial_days))
    if ends_on is not None and ends_on < first_on:
        raise InvalidInput(field="ends_on", problem=f"the first charge is due on {first_on}, after that day.")
    begun = Subscription(
        account_id=buyer.account_id,
        buyer=buyer,
        plan=plan,
        wallet_account=wallet_account,
        reference=reference,
        most_value=most.value if most else None,
        first_on=first_on,
        next_on=first_on,
        ends_on=ends_on,
    )
    begun.due_at = max(begun.moment(first_on), at)
    begun.by(by)
    try:
        with transaction.atomic(durable=True):
            begun.save()
            announcements.started(begun)
            if by.kind is ActorKind.PERSON:
                journal.write("start subscription", by=by, subject=begun, after={"plan": plan.code})
            if remember:
                remember(begun)
    except IntegrityError:
        if reference and Subscription.objects.filter(account_id=buyer.account_id, reference=reference).exists():
            sentence = "A subscription with the reference {reference} exists already."
            raise Conflict(sentence, reference=reference) from None
        raise
    return begun


def refuse_unfit(plan: Plan, wallet_account: WalletAccount, buyer: Buyer, most: Money | None) -> None:
    """Raise what a charge of this plan through this wallet would be refused with, before anybody agrees to it."""
    if wallet_account.buyer_id != buyer.pk:
        raise NotFound(thing="wallet", key=wallet_account.public_id, field="wallet")
    if wallet_account.status != WalletStatus.ACTIVE:
        raise WalletNotActive(status=wallet_account.get_status_display().lower())
    if plan.is_metered and most is None:
        raise InvalidInput(field="most", problem="a metered plan needs the most that one cycle may cost.")
    if most is not None and (not plan.is_metered or most.currency != plan.currency):
        problem = f"it is an amount in {plan.currency}." if plan.is_metered else "this plan has a fixed price."
        raise InvalidInput(field="most", problem=problem)
    amount = plan.amount or most
    if amount is not None:
        method = catalogue.method_of(wallet_account.account_id, wallet_account.wallet)
        refuse_withheld(method, wallet_account.wallet, amount, is_open=plan.is_metered)
