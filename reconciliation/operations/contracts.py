"""What a wallet's payments cost by contract: said by a person of finance, journaled.

Rows are held against it when they are decided on: those that come from now on, and those that are checked again.
"""

from datetime import date
from typing import Any

from django.db import IntegrityError, transaction

from portal import journal
from portal.actor import Actor
from portal.errors import Conflict
from portal.idempotency import Remember
from portal.models import AcquirerAccount
from portal.money import Money
from reconciliation.models import FeeContract

_SAID = ("rate", "fixed_value", "valid_from", "drift_percent")


class ContractTaken(Conflict):
    """There are terms from that very day."""

    code = "contract_taken"
    sentence = "What {wallet} costs in {currency} from {day} on is said already. Edit that."


def add_contract(
    account: AcquirerAccount,
    wallet: str,
    fixed: Money,
    rate: int,
    *,
    valid_from: date,
    drift_percent: int,
    by: Actor,
    note: str = "",
    remember: Remember | None = None,
) -> FeeContract:
    """Say what a payment costs from a day on; ``rate`` in hundredths of a percent. Raises ContractTaken."""
    contract = FeeContract(account=account, wallet=wallet, currency=fixed.currency)
    return _keep(contract, "add fee contract", fixed, rate, valid_from, drift_percent, by, note, remember)


def edit_contract(
    contract: FeeContract,
    fixed: Money,
    rate: int,
    *,
    valid_from: date,
    drift_percent: int,
    by: Actor,
    note: str = "",
    remember: Remember | None = None,
) -> FeeContract:
    """Correct what was said. A new price is a new row from its day on. Raises ContractTaken."""
    return _keep(contract, "edit fee contract", fixed, rate, valid_from, drift_percent, by, note, remember)


def _keep(
    contract: FeeContract,
    act: str,
    fixed: Money,
    rate: int,
    valid_from: date,
    drift_percent: int,
    by: Actor,
    note: str,
    remember: Remember | None,
) -> FeeContract:
    before = _shown(contract) if contract.pk is not None else None
    contract.rate, contract.fixed_value = rate, fixed.value
    contract.valid_from, contract.drift_percent = valid_from, drift_percent
    after = _shown(contract)
    said: dict[str, Any] = {"after": after} if before is None else journal.differing(before, after)
    try:
        with transaction.atomic():
            contract.save()
            journal.write(act, by=by, subject=contract, note=note, **said)
            if remember is not None:
                remember(contract)
    except IntegrityError:
        raise ContractTaken(wallet=contract.wallet, currency=contract.currency, day=str(valid_from)) from None
    return contract


def _shown(contract: FeeContract) -> dict[str, Any]:
    shown = {name: getattr(contract, name) for name in _SAID}
    return shown | {"valid_from": str(contract.valid_from)}
