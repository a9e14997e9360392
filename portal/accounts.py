"""Connecting to an acquirer: the account's facts, the keys of both sides, the signed test call. All of it journaled.

Our private key is made here and leaves this machine nowhere; people see the public one only.
"""

import hashlib
from collections.abc import Sequence
from typing import Any

from django.db import IntegrityError, transaction

from portal import approvals, catalogue, clock, incidents, journal, registry
from portal.acquirer import Diagnosis, signing
from portal.acquirer.points import Settled
from portal.actor import Actor
from portal.errors import Conflict, InvalidInput
from portal.gateways import UNBELIEVED, acquirer_for, adapter_of, keep
from portal.idempotency import Remember
from portal.models import AcquirerAccount, AcquirerKey, Approval, BindingPlace

FIELDS = (
    "name",
    "slug",
    "adapter",
    "gateway_url",
    "client_id",
    "key_version",
    "settlement_currency",
    "settlement_cycle",
    "settlement_days",
    "settlement_grace_days",
    "notify_base_url",
    "app_id",
    "customer_id",
    "merchant_reference",
    "is_enabled",
)
"""What a person says about an account; the keys have acts of their own."""

WHERE = (
    "adapter",
    "gateway_url",
    "client_id",
    "key_version",
    "settlement_currency",
    "notify_base_url",
    "slug",
)
"""Of these, what decides where money and messages go, and whose word is taken for the acquirer's."""

MERCHANT = (
    "merchant_legal_name",
    "merchant_display_name",
    "merchant_category_code",
    "merchant_region",
    "merchant_state",
    "merchant_city",
    "merchant_address",
    "merchant_zip_code",
    "merchant_logo_url",
)
"""Who the merchant is, for protocols that want it said; an act of its own."""

KEY_CHANGE = "key change"
"""Keys and addresses of an account that works, as a kind of ``portal.approvals``.

One that is being connected can neither pay nor be believed yet: until both sides' keys are there, nobody is asked.
"""


class AccountTaken(Conflict):
    """Another account has this name, slug, or client id at this gateway."""

    code = "account_taken"
    sentence = "Another account has this name, this slug, or this client id at this gateway."


def connect(facts: dict[str, Any], *, by: Actor, note: str = "", remember: Remember | None = None) -> AcquirerAccount:
    """Make an account, with its catalogue: ``wallets`` of the facts are what the contract has.

    It speaks once it has both sides' keys. Raises AccountTaken.
    """
    wallets = list(facts.get("wallets", ()))
    account = AcquirerAccount(**{name: facts[name] for name in FIELDS})
    try:
        with transaction.atomic():
            account.save()
            catalogue.begin(account, wallets)
            for begin in registry.connected:
                begin(account)
            journal.write(
                "connect account", by=by, subject=account, note=note, after=_shown(account) | {"wallets": wallets}
            )
            if remember:
                remember(account)
    except IntegrityError:
        raise AccountTaken from None
    return account


def edit(
    account: AcquirerAccount, facts: dict[str, Any], *, by: Actor, note: str = "", remember: Remember | None = None
) -> AcquirerAccount:
    """Change an account's facts; the journal keeps both versions of what changed.

    Raises AccountTaken, and ApprovalNeeded for what decides where money and messages of an account that works go.
    """
    before, after = _shown(account), {name: facts[name] for name in FIELDS}
    try:
        with transaction.atomic():
            changes = journal.differing(before, after)
            moved = [name for name in WHERE if name in changes["after"]]
            if moved:
                sentence = f"{account}: {', '.join(name.replace('_', ' ') for name in moved)} changed."
                _permit("edit account", account, changes, sentence, by, note)
            for name, value in after.items():
                setattr(account, name, value)
            account.save(update_fields=list(FIELDS))
            journal.write("edit account", by=by, subject=account, note=note, **changes)
            if remember:
                remember(account)
    except IntegrityError:
        raise AccountTaken from None
    return account


def make_key_pair(
    account: AcquirerAccount, key_version: str, *, by: Actor, note: str = "", remember: Remember | None = None
) -> AcquirerAccount:
    """Make our key pair, or the next one: from now on calls are signed with it, under ``key_version``.

    Raises Conflict when somebody made one in the meantime: what they may have uploaded is not thrown away unseen.
    """
    key = signing.new_private_key()
    before, account.public_key = account.public_key, signing.public_pem(key.public_key())
    account.private_key, account.key_version = signing.private_pem(key), key_version
    with transaction.atomic():
        held = AcquirerAccount.objects.select_for_update().get(pk=account.pk)
        if held.public_key != before:
            raise Conflict("Somebody made a key pair in the meantime. Look at the account again before you act.")
        facts = {"key_version": key_version, "replaces": fingerprint(before) if before else ""}
        _permit(
            "make key pair", account, facts, f"{account} signs with a new key pair, version {key_version}.", by, note
        )
        account.save(update_fields=["private_key", "public_key", "key_version"])
        journal.write(
            "rotate key pair" if before else "make key pair",
            by=by,
            subject=account,
            note=note,
            before={"public_key": fingerprint(before)} if before else None,
            after={"public_key": fingerprint(account.public_key), "key_version": key_version},
        )
        if remember:
            remember(account)
    return account


def add_acquirer_key(
    account: AcquirerAccount,
    version: str,
    text: str,
    *,
    by: Actor,
    note: str = "",
    remember: Remember | None = None,
) -> AcquirerKey:
    """Keep the acquirer's public key of a version. An older one of that version gives way to it.

    Raises InvalidInput for what is no public key, and for our own.
    """
    try:
        key = signing.load_public_key(text)
    except signing.KeyUnreadable as reason:
        raise InvalidInput("{problem}", problem=str(reason)) from None
    pem = signing.public_pem(key)
    if account.public_key and pem == account.public_key:
        raise InvalidInput(
            "This is our own public key. Paste the key the acquirer’s dashboard shows after ours was uploaded."
        )
    with transaction.atomic():
        facts = {"version": version, "public_key": pem}
        sentence = f"{account} believes the key {fingerprint(pem)} as the acquirer's version {version}."
        _permit("add acquirer key", account, facts, sentence, by, note)
        held = AcquirerKey.objects.filter(account=account, version=version).first()
        before = {"version": version, "public_key": fingerprint(held.public_key)} if held else None
        row, _ = AcquirerKey.objects.update_or_create(
            account=account, version=version, defaults={"public_key": pem, "added_at": clock.now(), "retired_at": None}
        )
        journal.write(
            "add acquirer key",
            by=by,
            subject=account,
            note=note,
            before=before,
            after={"version": version, "public_key": fingerprint(pem)},
        )
        if remember:
            remember(row)
    return row


def retire_acquirer_key(
    account: AcquirerAccount, version: str, *, by: Actor, note: str = "", remember: Remember | None = None
) -> AcquirerKey:
    """Believe a key of the acquirer no longer. Raises Conflict for one that is retired already or not there."""
    with transaction.atomic():
        sentence = f"{account} believes the acquirer's key version {version} no longer."
        _permit("retire acquirer key", account, {"version": version}, sentence, by, note)
        keys = AcquirerKey.objects.filter(account=account, version=version)
        if not keys.filter(retired_at__isnull=True).update(retired_at=clock.now()):
            raise Conflict("There is no such key in use.")
        row = keys.get()
        journal.write("retire acquirer key", by=by, subject=account, note=note, after={"version": version})
        if remember:
            remember(row)
    return row


def drain(account: AcquirerAccount, *, by: Actor, note: str, remember: Remember | None = None) -> AcquirerAccount:
    """Bind nothing new through the account from now on. What is bound is debited, refreshed and refunded as before.

    Raises Conflict where it is drained already.
    """
    with transaction.atomic():
        _permit("drain account", account, {}, f"No new wallet is bound through {account}.", by, note)
        if not AcquirerAccount.objects.filter(pk=account.pk, drained_at__isnull=True).update(drained_at=clock.now()):
            raise Conflict("The account is drained already.")
        account.refresh_from_db()
        journal.write("drain account", by=by, subject=account, note=note, after={"drained": True})
        if remember:
            remember(account)
    return account


def open_again(account: AcquirerAccount, *, by: Actor, note: str, remember: Remember | None = None) -> AcquirerAccount:
    """Let buyers bind new wallets through a drained account again. Raises Conflict where it is not drained."""
    with transaction.atomic():
        _permit("open account", account, {}, f"New wallets are bound through {account} again.", by, note)
        if not AcquirerAccount.objects.filter(pk=account.pk, drained_at__isnull=False).update(drained_at=None):
            raise Conflict("The account is not drained.")
        account.refresh_from_db()
        journal.write("open account", by=by, subject=account, note=note, after={"drained": False})
        if remember:
            remember(account)
    return account


def places_of(account: AcquirerAccount) -> list[AcquirerAccount]:
    """The accounts through which its buyers bind, as staff have ordered them; the account itself where nobody has."""
    chosen = BindingPlace.objects.filter(account=account).select_related("through").order_by("position")
    return [place.through for place in chosen] or [account]


def once_drained(account: AcquirerAccount) -> list[tuple[AcquirerAccount, list[AcquirerAccount]]]:
    """Whose buyers bind through this account now, and what is left to them without it, the preferred one first."""
    ordered: dict[AcquirerAccount, list[AcquirerAccount]] = {one: [] for one in AcquirerAccount.objects.all()}
    for place in BindingPlace.objects.select_related("account", "through").order_by("position"):
        ordered[place.account].append(place.through)
    return [
        (whose, [one for one in places if one != account and one.is_enabled and one.drained_at is None])
        for whose, places in ordered.items()
        if whose.is_enabled and account in (places or [whose])
    ]


def order_places(
    account: AcquirerAccount,
    through: Sequence[AcquirerAccount],
    *,
    by: Actor,
    note: str,
    remember: Remember | None = None,
) -> AcquirerAccount:
    """Let the account's buyers bind through these accounts, the preferred one first.

    Raises InvalidInput for none, or for one named twice; Conflict where nothing would change.
    """
    wanted = [one.slug for one in through]
    if not wanted or len(set(wanted)) != len(wanted):
        raise InvalidInput("Name at least one account, and each of them once.")
    with transaction.atomic():
        AcquirerAccount.objects.select_for_update().get(pk=account.pk)  # two orders at once would mix
        before = [one.slug for one in places_of(account)]
        if before == wanted:
            raise Conflict("That is the order already.")
        changes: dict[str, Any] = {"before": {"places": before}, "after": {"places": wanted}}
        names = ", ".join(one.name for one in through)
        sentence = f"Buyers of {account} bind through {names}, in this order."
        _permit("order places", account, changes, sentence, by, note)
        BindingPlace.objects.filter(account=account).delete()
        BindingPlace.objects.bulk_create(
            BindingPlace(account=account, through=one, position=position) for position, one in enumerate(through, 1)
        )
        journal.write("order places", by=by, subject=account, note=note, **changes)
        if remember:
            remember(account)
    return account


def describe_merchant(
    account: AcquirerAccount, facts: dict[str, str], *, by: Actor, note: str = "", remember: Remember | None = None
) -> AcquirerAccount:
    """Say who the merchant is. Raises ApprovalNeeded where the account works: buyers agree to what is said here."""
    before = {name: getattr(account, name) for name in MERCHANT}
    changes = journal.differing(before, {name: facts[name] for name in MERCHANT})
    with transaction.atomic():
        _permit("describe merchant", account, changes, f"{account}: the merchant is described anew.", by, note)
        for name, value in changes["after"].items():
            setattr(account, name, value)
        account.save(update_fields=list(MERCHANT))
        journal.write("describe merchant", by=by, subject=account, note=note, **changes)
        if remember:
            remember(account)
    return account


def settled_points(account: AcquirerAccount) -> dict[str, str]:
    """What counts of every point that the account's protocol leaves open: as settled, else the default."""
    points = adapter_of(account).points
    settled = Settled(points, account.protocol_settings)
    return {point.name: settled.text(point.name) for point in points}


def settle_points(
    account: AcquirerAccount, values: dict[str, str], *, by: Actor, note: str = "", remember: Remember | None = None
) -> AcquirerAccount:
    """Settle what the protocol's documents leave open. What is as by default is not kept.

    Raises InvalidInput for a value that a point does not accept, and ApprovalNeeded where the account works.
    """
    points = {point.name: point for point in adapter_of(account).points}
    for name, value in values.items():
        if name not in points or not points[name].accepts(value):
            raise InvalidInput(field=name, problem="this point cannot be settled with that.")
    before = settled_points(account)
    changes = journal.differing(before, before | values)
    with transaction.atomic():
        sentence = f"{account}: {len(changes['after'])} points of its protocol are settled anew."
        _permit("settle points", account, changes, sentence, by, note)
        now = before | changes["after"]
        account.protocol_settings = {name: now[name] for name in now if now[name] != points[name].default}
        account.save(update_fields=["protocol_settings"])
        journal.write("settle points", by=by, subject=account, note=note, **changes)
        if remember:
            remember(account)
    return account


def _permit(act: str, account: AcquirerAccount, params: dict[str, Any], sentence: str, by: Actor, note: str) -> None:
    if account.works():
        approvals.permit(
            KEY_CHANGE, act, by=by, subject=account, account=account, params=params, sentence=sentence, note=note
        )


def foresee_key_change(approval: Approval) -> list[str]:
    """What approving it does: of an edit, every fact that becomes another one."""
    if approval.act == "drain account":
        return [approval.sentence, "What is bound is debited, refreshed and refunded as before."]
    if approval.act not in ("edit account", "describe merchant", "settle points"):
        return [approval.sentence]
    before, after = approval.params["before"], approval.params["after"]
    return [
        f"{name.replace('_', ' ').capitalize()}: {_told(before[name])} becomes {_told(after[name])}." for name in after
    ]


def _told(value: Any) -> str:
    return (", ".join(value) if isinstance(value, list) else str(value)) or "nothing"


def carry_out_key_change(approval: Approval, by: Actor, remember: Remember) -> str:
    """Change a key, or an address, as it was approved."""
    account = AcquirerAccount.objects.get(pk=approval.subject_id)
    said: dict[str, Any] = {"by": by, "note": approval.note, "remember": remember}
    match approval.act:
        case "edit account":
            held = _shown(account)
            _refuse_if_changed(held, approval)
            edit(account, held | approval.params["after"], **said)
            return "The account is changed."
        case "describe merchant":
            described = {name: getattr(account, name) for name in MERCHANT}
            _refuse_if_changed(described, approval)
            describe_merchant(account, described | approval.params["after"], **said)
            return "The account is changed."
        case "settle points":
            settled = settled_points(account)
            _refuse_if_changed(settled, approval)
            settle_points(account, settled | approval.params["after"], **said)
            return "The account is changed."
        case "make key pair":
            if approval.params["replaces"] != (fingerprint(account.public_key) if account.public_key else ""):
                raise Conflict("Somebody made a key pair in the meantime. Ask anew.")
            account = make_key_pair(account, approval.params["key_version"], **said)
            return f"The new public key is {fingerprint(account.public_key)}. Upload it at the acquirer."
        case "add acquirer key":
            add_acquirer_key(account, approval.params["version"], approval.params["public_key"], **said)
            return "The key is believed."
        case "retire acquirer key":
            retire_acquirer_key(account, approval.params["version"], **said)
            return "The key is believed no longer."
        case "drain account":
            drain(account, **said)
            return "The account is drained."
        case "open account":
            open_again(account, **said)
            return "The account takes new wallets again."
        case "order places":
            return _carry_out_order(account, approval, said)
    raise Conflict("This version does not know the act that was asked for.")


def _carry_out_order(account: AcquirerAccount, approval: Approval, said: dict[str, Any]) -> str:
    if [one.slug for one in places_of(account)] != approval.params["before"]["places"]:
        raise Conflict("Somebody ordered the accounts in the meantime. Ask anew.")
    wanted = approval.params["after"]["places"]
    found = {one.slug: one for one in AcquirerAccount.objects.filter(slug__in=wanted)}
    if len(found) != len(wanted):
        raise Conflict("Somebody renamed an account in the meantime. Ask anew.")
    order_places(account, [found[slug] for slug in wanted], **said)
    return "The order is kept."


def _refuse_if_changed(held: dict[str, Any], approval: Approval) -> None:
    if any(held.get(name) != value for name, value in approval.params["before"].items()):
        raise Conflict("Somebody edited the account in the meantime. Ask anew.")


def test_call(account: AcquirerAccount, *, by: Actor) -> Diagnosis:
    """Ask the acquirer about a payment that cannot exist, signed, and explain what came back. Changes nothing there.

    Raises AccountNotReady before anything is sent.
    """
    diagnosis = acquirer_for(account).diagnose()
    with transaction.atomic(durable=True):
        keep(account, diagnosis.exchange, subject=f"test {account.slug}")
        if diagnosis.is_healthy:
            incidents.settle(UNBELIEVED, subject=account, by=by, resolution="A test call's answer verified.")
        journal.write(
            "test call",
            by=by,
            subject=account,
            outcome="healthy"
            if diagnosis.is_healthy
            else ", ".join(code for code, _ in diagnosis.findings).replace("_", " "),
        )
    return diagnosis


def fingerprint(public_pem: str) -> str:
    """The SHA-256 of a public key, shortened for people: the same for every way of writing the key."""
    if not public_pem:
        return ""
    bare = signing.public_bare(signing.load_public_key(public_pem))
    digest = hashlib.sha256(bare.encode()).hexdigest()
    return " ".join(digest[start : start + 4] for start in range(0, 16, 4))


def _shown(account: AcquirerAccount) -> dict[str, Any]:
    return {name: getattr(account, name) for name in FIELDS}
