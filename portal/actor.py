"""Who does something: a person of the merchant, a buyer, the merchant's server, the clock, or the acquirer."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class ActorKind(StrEnum):
    """The parties that change something in the portal."""

    PERSON = "PERSON"
    BUYER = "BUYER"
    MERCHANT_SERVER = "MERCHANT_SERVER"
    CLOCK = "CLOCK"
    ACQUIRER = "ACQUIRER"
    COMMAND = "COMMAND"


@dataclass(frozen=True)
class Actor:
    """Kept with every row that somebody's act made: a kind, and a name that stays readable when the person is gone."""

    kind: ActorKind
    name: str = ""
    user_id: int | None = None
    approval: str = ""
    """The number of the approved request this is done under, by whom it was asked for; else empty."""

    @classmethod
    def person(cls, user: Any) -> "Actor":
        """A member of the merchant's staff, signed in to the admin."""
        return cls(ActorKind.PERSON, user.get_username(), user.pk)

    @classmethod
    def buyer(cls, reference: str) -> "Actor":
        """The buyer, through the mini program."""
        return cls(ActorKind.BUYER, reference)

    @classmethod
    def merchant_server(cls, key_name: str) -> "Actor":
        """The merchant's own server, by its API key's name."""
        return cls(ActorKind.MERCHANT_SERVER, key_name)

    @classmethod
    def clock(cls) -> "Actor":
        """The worker: something fell due."""
        return cls(ActorKind.CLOCK, "worker")

    @classmethod
    def acquirer(cls) -> "Actor":
        """The acquirer, by a notification."""
        return cls(ActorKind.ACQUIRER, "acquirer")

    @classmethod
    def command(cls, name: str) -> "Actor":
        """A management command typed by an operator of the machine."""
        return cls(ActorKind.COMMAND, name)

    def __str__(self) -> str:
        """As a sentence says it: ``finance``, ``the buyer ana``, ``the key shop backend``, ``the clock``."""
        match self.kind:
            case ActorKind.PERSON:
                return self.name or "somebody"
            case ActorKind.BUYER:
                return f"the buyer {self.name}".strip()
            case ActorKind.MERCHANT_SERVER:
                return f"the key {self.name}".strip()
            case ActorKind.COMMAND:
                return f"the command {self.name}".strip()
            case ActorKind.CLOCK | ActorKind.ACQUIRER:
                return f"the {self.kind.lower()}"
