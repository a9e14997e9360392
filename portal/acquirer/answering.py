"""What every adapter does with an answer, or without one."""

from collections.abc import Mapping
from typing import Any, TypeVar

from portal.acquirer.client import Answer
from portal.acquirer.errors import AcquirerError
from portal.acquirer.results import Advice, Outcome, Result

R = TypeVar("R", bound=Result)


def unanswered(result: type[R], unsure: Advice, reason: AcquirerError, *, is_repeat: bool = False) -> R:
    """UNKNOWN. What certainly did not leave may be sent again, unless an earlier sending of it may have arrived.

    ``unsure`` is what to do when the request may have arrived and nobody knows what became of it.
    """
    may_have_arrived = reason.may_have_arrived or is_repeat
    exchange = reason.exchange
    return result(
        outcome=Outcome.UNKNOWN,
        code=exchange.result_code if exchange else "",
        message=str(reason),
        advice=unsure if may_have_arrived else Advice.SEND_AGAIN,
        may_have_arrived=may_have_arrived,
        exchange=exchange,
    )


def speaks_of_another(body: Mapping[str, Any], **ours: str) -> bool:
    """Whether the answer names an id that is not the one we asked about. An id it leaves out contradicts nothing."""
    return any(own and body.get(name) not in (None, "", own) for name, own in ours.items())


def told(answer: Answer) -> dict[str, Any]:
    """What of an answer stands in every result."""
    return {"code": answer.code, "message": answer.message, "exchange": answer.exchange}
