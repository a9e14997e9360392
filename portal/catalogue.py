"""The payment methods of each account: what may be offered, bound and debited, as staff keep it. All of it journaled.

An account begins with what the acquirer's table says (``portal.models.methods``); from then on its rows count. A row is
read where its method is used, so a change holds for the next attempt to bind, the next payment and the next refund;
what was sent before goes on as it was sent.

What nobody has said about a method is empty, and stands in nobody's way: the acquirer decides. What is known is held
against a wish before anything is sent, by one function for every door (``why_withheld``).

A shop may have contracts with several acquirers. Staff keep, for each account, an order of those through which its
buyers bind new wallets (``places``); the first whose catalogue has the method for the wish, and which is not drained,
is taken (``offers``). What is bound stays where it was bound.
"""

import re
from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from django.db import IntegrityError, transaction
from django.db.models import OuterRef

from portal import approvals, clock, journal
from portal.acquirer.wallets import Wallet, name_of
from portal.actor import Actor
from portal.errors import Conflict, InvalidInput
from portal.idempotency import Remember
from portal.models import AcquirerAccount, Approval, BindingPlace, PaymentMethod
from portal.models.methods import FACTS, LAST_MINUTE, MOST_DAYS, begins_with, first_rows, words_of
from portal.money import EXPONENTS, Money, MoneyError
from portal.statements import Found, Given, Rows

METHOD_CHANGE = "payment method"
"""What may be offered and debited through an account that works, as a kind of ``portal.approvals``."""
SAID = tuple(name for name in FACTS if name != "code")
"""What a person says about a method."""
LIMITS_TOLD = (
    "{amount} per day",
    "{amount} per month",
    "{amount} per year",
    "{amount} per 24 hours",
    "{amount} per 30 days",
    "{amount} per person and year",
)
"""Limits per period that readers of other languages are told in theirs; what is written otherwise stays as it is."""
_AMOUNTS = ("minimum_value", "maximum_value", "refund_minimum_value")
_CODE = re.compile(r"[A-Z0-9_]{1,64}")
_COUNTRY = re.compile(r"[A-Z]{2}")
_METHOD = Found(lambda: PaymentMethod.objects.filter(account_id=Given("account"), code=Given("code")).order_by())
_CONTRACTED = Found(
    lambda: (
        PaymentMethod.objects.filter(account_id=Given("account"), is_contracted=True).order_by("pk").values_list("code")
    )
)


class Withheld(StrEnum):
    """Why a method cannot be offered, the first of them that holds."""

    NOT_CONTRACTED = "NOT_CONTRACTED"
    OTHER_REGION = "OTHER_REGION"
    OTHER_CURRENCY = "OTHER_CURRENCY"
    TERMINAL_NOT_SERVED = "TERMINAL_NOT_SERVED"
    BELOW_MINIMUM = "BELOW_MINIMUM"
    ABOVE_MAXIMUM = "ABOVE_MAXIMUM"


class Offer(NamedTuple):
    """A method as an account's buyers may bind it: through which account, or why not at all."""

    method: PaymentMethod
    through: AcquirerAccount
    why: Withheld | None


class MethodTaken(Conflict):
    """The account's catalogue has this method already."""

    code = "method_taken"
    sentence = "{method} is in the catalogue of {account} already. Edit that."


class Wish(NamedTuple):
    """What somebody wants to pay with; empty where it does not matter, or is not known yet."""

    region: str = ""
    """ISO 3166: where the buyer is."""
    currency: str = ""
    terminal: str = ""
    amount: Money | None = None


ANY = Wish()

_PLACES = Found(
    lambda: BindingPlace.objects.filter(account_id=Given("account")).select_related("through").order_by("position")
)
_METHODS = Found(lambda: PaymentMethod.objects.filter(account_id=Given("account")).order_by("pk"))


def begin(account: AcquirerAccount, contracted: Collection[str] = ()) -> None:
    """Write a new account's catalogue: every method the acquirer's table knows, those of the contract marked."""
    PaymentMethod.objects.bulk_create(PaymentMethod(account=account, **facts) for facts in first_rows(contracted))


# Questions.


def method_of(account: int, code: str) -> PaymentMethod | None:
    """An account's method, by the account's key; None where the catalogue has no such one."""
    return _METHOD.first(account=account, code=code)


def places(account: AcquirerAccount) -> list[AcquirerAccount]:
    """The accounts through which this one's buyers bind new wallets, the preferred one first; perhaps none.

    Those out of use and those that are drained are passed over.
    """
    chosen = [place.through for place in _PLACES.all(account=account.pk)] or [account]
    return [one for one in chosen if one.is_enabled and one.drained_at is None]


def offers(account: AcquirerAccount, wish: Wish = ANY) -> list[Offer]:
    """Every method of the account's places, once each: where it is bound for this wish, or why nowhere."""
    found: dict[str, Offer] = {}
    for through in places(account):
        for method in _METHODS.all(account=through.pk):
            offer = Offer(method, through, why_withheld(method, wish))
            held = found.setdefault(method.code, offer)
            if held.why is not None and (offer.why is None or held.why is Withheld.NOT_CONTRACTED):
                found[method.code] = offer
    return list(found.values())


def offer_of(account: AcquirerAccount, code: str, wish: Wish = ANY) -> Offer | None:
    """The same of one method; None where no place has it."""
    best: Offer | None = None
    for through in places(account):
        method = method_of(through.pk, code)
        if method is None:
            continue
        offer = Offer(method, through, why_withheld(method, wish))
        if offer.why is None:
            return offer
        if best is None or best.why is Withheld.NOT_CONTRACTED:
            best = offer
    return best


def facts_of(account: int, code: str) -> Wallet | None:
    """What an account's catalogue says of a method, for whoever reckons with it; None where it has no such one."""
    method = method_of(account, code)
    return method.facts() if method is not None else None


def contracted(account: AcquirerAccount) -> list[str]:
    """The acquirer's values of what the account's contract has, in the catalogue's order."""
    return [str(code) for (code,) in _CONTRACTED.tuples(account=account.pk)]


def method_beside(account: str, code: str) -> Rows:
    """The method of the row at hand, as a value that a query reads beside it; ``read_beside`` makes a method of it."""
    methods = PaymentMethod.objects.filter(account=OuterRef(account), code=OuterRef(code))
    return Rows(methods.order_by().values_list(*FACTS))


def read_beside(rows: Any) -> PaymentMethod | None:
    """The method that ``method_beside`` has read. It is not to be saved: it knows neither its key nor its account."""
    return PaymentMethod(**dict(zip(FACTS, rows[0], strict=True))) if rows else None


def everything() -> Mapping[tuple[int, str], PaymentMethod]:
    """All catalogues, by the account's key and the method's code, in one query."""
    return {(method.account_id, method.code): method for method in PaymentMethod.objects.all()}


def known() -> list[tuple[str, str]]:
    """Every method that the catalogue of some account has, as code and name, by name: those one can choose from."""
    codes = PaymentMethod.objects.order_by().values_list("code", flat=True).distinct()
    return sorted(((code, name_of(code)) for code in codes), key=lambda pair: pair[1].casefold())


def is_known(code: str) -> bool:
    """Whether the catalogue of some account has it."""
    return PaymentMethod.objects.filter(code=code).exists()


def currencies_of(accounts: Any) -> list[str]:
    """The currencies in which some of these accounts can debit."""
    methods = PaymentMethod.objects.filter(account__in=accounts, is_contracted=True).exclude(currency="")
    return sorted(methods.order_by().values_list("currency", flat=True).distinct())


def why_withheld(method: PaymentMethod | None, wish: Wish = ANY) -> Withheld | None:
    """Why a method cannot be offered for a wish; None: it can, as far as anybody said."""
    if method is None or not method.is_contracted:
        return Withheld.NOT_CONTRACTED
    facts = method.facts()
    if wish.region and facts.country not in ("", wish.region):
        return Withheld.OTHER_REGION
    currency = wish.amount.currency if wish.amount is not None else wish.currency
    if currency and not facts.takes(currency):
        return Withheld.OTHER_CURRENCY
    if wish.terminal and not facts.serves(wish.terminal):
        return Withheld.TERMINAL_NOT_SERVED
    # An amount in another currency than the method's is answered above; where that is not known, neither limit is.
    if wish.amount is not None and facts.minimum is not None and wish.amount < facts.minimum:
        return Withheld.BELOW_MINIMUM
    if wish.amount is not None and facts.maximum is not None and wish.amount > facts.maximum:
        return Withheld.ABOVE_MAXIMUM
    return None


# Acts.


def add(
    account: AcquirerAccount,
    code: str,
    said: Mapping[str, Any],
    *,
    by: Actor,
    note: str = "",
    remember: Remember | None = None,
) -> PaymentMethod:
    """Add a method that the catalogue does not have: one the acquirer has named since, or names to us alone.

    Raises MethodTaken, InvalidInput and, for a person, ApprovalNeeded.
    """
    if not _CODE.fullmatch(code):
        raise InvalidInput(field="code", problem="a code has capital letters, digits and _, at most 64 of them.")
    method = PaymentMethod(account=account, **begins_with(code))
    facts = checked(said)
    try:
        with transaction.atomic():
            _permit("add method", method, {"code": code, "after": facts}, f"{method} is added.", by, note)
            _put(method, facts, by)
            journal.write("add payment method", by=by, subject=method, note=note, after={"code": code, **facts})
            if remember:
                remember(method)
    except IntegrityError:
        raise MethodTaken(method=method.name, account=account) from None
    return method


def change(
    method: PaymentMethod, said: Mapping[str, Any], *, by: Actor, note: str = "", remember: Remember | None = None
) -> PaymentMethod:
    """Say what else a method is; what is not in ``said`` stays. The journal keeps both versions of what changed.

    Raises InvalidInput and, for a person, ApprovalNeeded where the account works.
    """
    with transaction.atomic():
        method = PaymentMethod.objects.select_for_update(of=("self",)).select_related("account").get(pk=method.pk)
        before = shown(method)
        changes = journal.differing(before, checked({**before, **said}))
        if not changes["after"]:
            raise InvalidInput("Nothing was changed.")
        names = " and ".join(LABELS[name] for name in changes["after"])
        _permit("change method", method, {"method": method.pk, **changes}, f"{method}: {names} changed.", by, note)
        _put(method, changes["after"], by)
        journal.write("change payment method", by=by, subject=method, note=note, **changes)
        if remember:
            remember(method)
    return method


def _put(method: PaymentMethod, facts: Mapping[str, Any], by: Actor) -> None:
    for name, value in facts.items():
        setattr(method, name, value)
    method.changed_at, method.changed_by = clock.now(), by.name
    method.save()


def shown(method: PaymentMethod) -> dict[str, Any]:
    """A method as a person says it and the journal keeps it. Amounts are in minor units of its currency."""
    return {name: getattr(method, name) for name in SAID}


def checked(said: Mapping[str, Any]) -> dict[str, Any]:
    """What was said, in the form a row has it. Raises InvalidInput, which names the field, for what cannot be."""
    facts = {name: said[name] for name in SAID}
    if facts["kind"] not in ("", *PaymentMethod.Kind.values):
        raise InvalidInput(field="kind", problem="it is a wallet or a bank debit.")
    if facts["country"] and not _COUNTRY.fullmatch(facts["country"]):
        raise InvalidInput(field="country", problem="give the two capital letters of ISO 3166, such as PH.")
    if facts["currency"] not in ("", *EXPONENTS):
        raise InvalidInput(field="currency", problem="give an ISO 4217 code such as PHP.")
    _check_amounts(facts)
    for name in ("refund_days", "cancel_days"):
        if facts[name] is not None and not 0 <= facts[name] <= MOST_DAYS:
            raise InvalidInput(field=name, problem=f"give 0 to {MOST_DAYS} days.")
    if not 0 <= facts["cancel_minutes"] <= LAST_MINUTE:
        raise InvalidInput(field="cancel_minutes", problem="give a time of the day.")
    named = facts["terminals"].split()
    facts["terminals"] = words_of(named)
    if len(facts["terminals"].split()) != len(named):
        raise InvalidInput(field="terminals", problem="there is no such terminal.")
    if facts["logo_url"] and not _is_picture_address(facts["logo_url"]):
        raise InvalidInput(field="logo_url", problem="give an address that begins with https://.")
    return facts


def _check_amounts(facts: Mapping[str, Any]) -> None:
    for name in _AMOUNTS:
        if facts[name] is None:
            continue
        if not facts["currency"]:
            raise InvalidInput(field=name, problem="an amount needs the currency.")
        try:
            Money(facts[name], facts["currency"]).payable()
        except MoneyError as reason:
            raise InvalidInput(field=name, problem=str(reason)) from None
    least, most = facts["minimum_value"], facts["maximum_value"]
    if least is not None and most is not None and least > most:
        raise InvalidInput(field="maximum_value", problem="the maximum is not below the minimum.")


def _is_picture_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        host = parts.hostname
    except ValueError:
        return False
    is_plain = text.isprintable() and " " not in text and "@" not in parts.netloc and len(text) <= 500
    return parts.scheme == "https" and bool(host) and is_plain


# Four eyes.


LABELS = {
    "is_contracted": "Contract",
    "kind": "Kind",
    "country": "Country",
    "currency": "Currency",
    "minimum_value": "Smallest payment",
    "maximum_value": "Largest payment",
    "refund_minimum_value": "Smallest refund",
    "limits": "Limits per period",
    "refund_days": "Refund within days",
    "refunds_in_part": "Refund of a part",
    "cancellable_when_paid": "Cancel once paid",
    "cancel_days": "Cancel within days",
    "cancel_minutes": "Time to cancel",
    "terminals": "Works from",
    "logo_url": "Address of its logo",
}
"""What a person calls it."""


def _permit(act: str, method: PaymentMethod, params: dict[str, Any], sentence: str, by: Actor, note: str) -> None:
    account = method.account
    if account.works():
        approvals.permit(
            METHOD_CHANGE,
            act,
            by=by,
            subject=method if method.pk else account,
            label=str(method),
            account=account,
            params=params,
            sentence=sentence,
            note=note,
        )


def foresee(approval: Approval) -> list[str]:
    """What approving it does: every fact that becomes another one."""
    before, after = approval.params.get("before"), dict(approval.params["after"])
    if before is None:
        return [approval.sentence, *_sentences(after)]
    currency = after.get("currency", before.get("currency")) or _currency_held(approval)
    return [
        _became(LABELS[name], _told(name, before[name], before.get("currency", currency)), _told(name, now, currency))
        for name, now in after.items()
    ]


def _became(label: str, before: str, now: str) -> str:
    return f"{label}: {before} becomes {now}."


def _sentences(after: Mapping[str, Any]) -> list[str]:
    said = {name: value for name, value in after.items() if value not in ("", None)}
    return [_is(LABELS[name], _told(name, value, after["currency"])) for name, value in said.items()]


def _is(label: str, value: str) -> str:
    return f"{label}: {value}."


def _currency_held(approval: Approval) -> str:
    held = PaymentMethod.objects.filter(pk=approval.params["method"]).values_list("currency", flat=True).first()
    return str(held or "")


def _told(name: str, value: Any, currency: str) -> str:
    if value is None or value == "":
        return "Not known"
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if name in _AMOUNTS and currency:
        return str(Money(value, currency))
    if name == "cancel_minutes":
        return time_of(value)
    return str(value)


def time_of(minutes: int) -> str:
    """Minutes past midnight as a clock shows them."""
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def objection(approval: Approval) -> str:
    """Why it could not be done now."""
    if approval.act == "change method" and _has_changed(approval):
        return "Somebody changed the method in the meantime. Ask anew."
    return ""


def _has_changed(approval: Approval) -> bool:
    method = PaymentMethod.objects.filter(pk=approval.params["method"]).first()
    return method is None or any(getattr(method, name) != value for name, value in approval.params["before"].items())


def carry_out(approval: Approval, by: Actor, remember: Remember) -> str:
    """Change the catalogue as it was approved. Raises Conflict where it is another one by now."""
    after = approval.params["after"]
    said: dict[str, Any] = {"by": by, "note": approval.note, "remember": remember}
    match approval.act:
        case "change method":
            if _has_changed(approval):
                raise Conflict("Somebody changed the method in the meantime. Ask anew.")
            change(PaymentMethod.objects.get(pk=approval.params["method"]), after, **said)
            return "The method is changed."
        case "add method":
            account = AcquirerAccount.objects.get(pk=approval.subject_id)
            add(account, approval.params["code"], after, **said)
            return "The method is added."
    raise Conflict("This version does not know the act that was asked for.")
