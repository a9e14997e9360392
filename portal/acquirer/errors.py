"""What can go wrong between us and the acquirer, as families that answer "what may I do now?".

    AcquirerError
    ├── NotSent        nothing left this process; sending the same request again is safe
    ├── NoVerdict      it may have arrived; ask, never send under a new id
    └── BadSignature   an inbound message that is not from whom it says

Free of Django: an error carries a code and parameters, and the words for people are made at the door.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from portal.acquirer.results import WireExchange


class AcquirerError(Exception):
    """A stable ``code`` plus parameters, none of which is ever a secret, and the exchange as far as it came."""

    code = "acquirer_error"
    may_have_arrived = True

    def __init__(self, code: str | None = None, /, *, exchange: "WireExchange | None" = None, **params: object) -> None:
        self.code = code or self.code
        self.exchange = exchange
        self.params = params
        super().__init__(self.code, params)

    def __str__(self) -> str:
        details = ", ".join(f"{name}={value}" for name, value in self.params.items())
        return f"{self.code} ({details})" if details else self.code


class NotSent(AcquirerError):
    """Refused by ourselves or by the network before a byte of the request was sent."""

    code = "not_sent"
    may_have_arrived = False


class NoVerdict(AcquirerError):
    """Sent, perhaps in part, and no answer came that we may believe."""

    code = "no_verdict"


class BadSignature(AcquirerError):
    """An inbound message whose signature does not verify; it changes nothing."""

    code = "bad_signature"
    may_have_arrived = False
