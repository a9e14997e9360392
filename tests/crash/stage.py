"""What every scene is told on: somebody who has bound a wallet, the processes around her, and where scenes are kept."""

import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from portal.gateways import acquirer_for
from portal.models import AcquirerAccount
from tests.crash.town import Clerk, Town

PATIENCE_SECONDS = 90
REFUND = {"amount": {"value": "10000", "currency": "PHP"}}
OFFICE = {"customs_code": "ZONGSHU", "merchant_customs_code": "33", "merchant_customs_name": "Kape & Co Trading Inc."}

Scene = Callable[["Stage", str], Iterator[None]]
SCENES: dict[str, Scene] = {}
WHERE_REFUNDS_ARE_ASKED_ABOUT: dict[str, Scene] = {}
WHERE_REFUNDS_ARE_REPEATED: dict[str, Scene] = {}
WHERE_WALLETS_ASK: dict[str, Scene] = {}
WHERE_CUSTOMS_ARE: dict[str, Scene] = {}
"""Seams that not every acquirer knows."""


def scenes_of(account: AcquirerAccount) -> dict[str, Scene]:
    """Every seam that this account knows, with its scene."""
    can = acquirer_for(account).capabilities
    return {
        **SCENES,
        **(WHERE_REFUNDS_ARE_ASKED_ABOUT if can.can_inquire_refund else WHERE_REFUNDS_ARE_REPEATED),
        **(WHERE_WALLETS_ASK if can.asks_before_unbinding else {}),
        **(WHERE_CUSTOMS_ARE if can.can_declare_customs else {}),
    }


class Stage:
    """Ana, who has bound GCASH, and the processes around her."""

    def __init__(self, town: Town) -> None:
        self.town, self.premises, self.control = town, town.premises, town.control
        self._numbers = itertools.count(1)
        self.ana = town.shopper("ana")
        self.ana.comes_in()
        self.wallet_id = self.ana.binds("GCASH")
        assert self.wallet_id is not None

    def paid(self) -> str:
        """An order that is paid."""
        number = self.ana.orders("PHP")
        assert self.ana.pays(number, self.wallet_id)["status"] == "PAID"
        return number

    def declarable(self) -> str:
        """An order that customs can be told of: a newcomer has paid it by Alipay."""
        buyer = self.town.newcomer()
        wallet_id = buyer.binds("ALIPAY_CN")
        number = buyer.orders("CNY")
        assert buyer.pays(number, str(wallet_id))["status"] == "PAID"
        return number

    def clerk(self) -> Clerk:
        """Somebody at the desk."""
        clerk = self.town.staff(f"clerk-{len(self.town.names)}-{next(self._numbers)}")
        clerk.signs_in()
        return clerk

    def waits_until(self, is_so: Callable[[], bool], what: str) -> None:
        """Wait until the worker has come so far. Raises AssertionError where it does not."""
        latest = time.monotonic() + PATIENCE_SECONDS
        while not is_so():
            assert time.monotonic() < latest, f"not yet {what}"
            time.sleep(0.02)

    def unknown(self, **fault: object) -> str:
        """An order that was paid, and nobody here knows."""
        self.control.fault("answer_lost", api="pay")
        self.control.fault("notification_lost", notification="notifyPayment")
        number = self.ana.orders("PHP")
        assert self.ana.pays(number, self.wallet_id)["status"] == "PENDING"
        return number

    @contextmanager
    def dies_at(self, seam: str) -> Iterator[None]:
        """What happens in here kills somebody at this seam."""
        self.premises.arm(seam)
        yield
        self.premises.wait_until_struck(seam, seconds=PATIENCE_SECONDS)


def scene(*seams: str, among: dict[str, Scene] = SCENES) -> Callable[[Scene], Scene]:
    """Tell this at each of these seams."""

    def register(told: Scene) -> Scene:
        among.update(dict.fromkeys(seams, told))
        return told

    return register
