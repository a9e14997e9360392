"""The adapters there are, by the name an account chooses, and what each says of itself before there are any keys.

Everything above the gateway asks here, or the ``Acquirer`` made of an account, and never for a name. A new acquirer is
a package beside the others and one line in ``ADAPTERS``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import requests

from portal.acquirer import Acquirer, Capabilities, Credentials, alipayplus, antom
from portal.acquirer.meanings import Meaning
from portal.acquirer.points import Point
from portal.acquirer.results import Advice


class Speaking(Protocol):
    """What makes an ``Acquirer`` of an account's credentials, over a session of its own unless one is given."""

    def __call__(self, credentials: Credentials, *, session: requests.Session | None = None) -> Acquirer: ...


class Explaining(Protocol):
    """What explains a result code, of the API (as ``WireExchange.api`` names it) where that matters. Never raises."""

    def __call__(self, code: str, api: str = "") -> Meaning: ...


@dataclass(frozen=True, kw_only=True)
class Connecting:
    """What a person must know to connect an account. The sentences are told in the reader's language."""

    gateway_urls: tuple[str, ...]
    """The published ones, for examples."""
    notifications: tuple[tuple[str, str], ...]
    """(kind, what the acquirer calls it): each is an address of ours to paste, ``/notify/<account>/<kind>``."""
    notifications_hint: str = ""
    """Where they are pasted, and which of them need not be."""
    keys_hint: str = ""
    """Where our public key is uploaded, and theirs is shown."""
    customer_id_name: str = ""
    """What reports call the merchant: ``customerId``."""
    days_of_cycle: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """The least and the most N of a settlement cycle, where the acquirer limits it."""


@dataclass(frozen=True, kw_only=True)
class Adapter:
    """One protocol, as far as it is the same for every account."""

    speak: Speaking
    capabilities: Capabilities
    meaning_of: Explaining
    authorization_refusals: frozenset[tuple[str, Advice]]
    """Every (code, advice) an attempt to bind may end with: each has a sentence for the buyer."""
    payment_refusals: frozenset[tuple[str, Advice]]
    """The same of a payment, whoever brings it."""
    connecting: Connecting
    points: tuple[Point, ...] = ()
    """What its documents leave open, to be settled for each account."""


ADAPTERS: Mapping[str, Adapter] = {
    "ANTOM": Adapter(
        speak=antom.Antom,
        capabilities=antom.CAPABILITIES,
        meaning_of=antom.meaning_of,
        authorization_refusals=antom.AUTHORIZATION_REFUSALS,
        payment_refusals=antom.PAYMENT_REFUSALS,
        connecting=Connecting(
            gateway_urls=("https://open-sea-global.alipay.com",),
            notifications=(
                ("authorization", "notifyAuthorization"),
                ("payment", "notifyPayment"),
                ("refund", "notifyRefund"),
            ),
            notifications_hint=(
                "Every call names its own address as well; the dashboard's counts where a message belongs to no call."
            ),
            keys_hint="Upload our public key in the dashboard; it then shows the acquirer's, to be pasted here.",
            customer_id_name="customerId",
            # https://docs.antom.com/ac/reconcile/rules
            days_of_cycle={"W": (2, 5), "M": (2, 30)},
        ),
    ),
    "alipayplus": Adapter(
        speak=alipayplus.AlipayPlus,
        capabilities=alipayplus.CAPABILITIES,
        meaning_of=alipayplus.meaning_of,
        authorization_refusals=alipayplus.AUTHORIZATION_REFUSALS,
        payment_refusals=alipayplus.PAYMENT_REFUSALS,
        connecting=Connecting(
            gateway_urls=("https://open-sea.alipayplus.com",),
            notifications=(
                ("authorization", "authNotify"),
                ("unbinding", "consultUnbinding"),
                ("payment", "notifyPayment"),
            ),
            notifications_hint=(
                "Give the first two to the acquirer: no call names them. The third goes with every payment."
            ),
            keys_hint="Upload our public key in the Developer Center; it then shows the acquirer's, to be pasted here.",
            customer_id_name="participantId",
        ),
        points=alipayplus.POINTS,
    ),
}
"""By ``AcquirerAccount.adapter``."""
