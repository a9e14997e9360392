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
        return f"{self.kind}:{self.name}" if self.name else str(self.kind)
