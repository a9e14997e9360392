"""The portal's refusals, as families that answer "what may I do now?".

    PortalError                 a stable code and a sentence for a person
    ├── TransitionNotAllowed    the state table has no such row
    ├── NotAllowed              this person, key or buyer may not
    ├── NotFound                no such thing, or not yours
    ├── InvalidInput            the request cannot be read; names the field
    ├── Conflict                true a moment ago: somebody else moved first
    └── (the apps add theirs: OrderNotPayable, WalletNotActive, RefundExceedsPayment, ReportUnreadable …)

The acquirer's own family (``AcquirerError``: NotSent, NoVerdict, BadSignature) lives in ``portal.acquirer.errors``,
free of Django. The HTTP status belongs to the API, not to the error.
"""


class PortalError(Exception):
    """A refusal with a stable ``code`` and a sentence for a person, made from ``sentence`` and the parameters.

    Parameters never hold a secret: they are shown and logged.
    """

    code = "portal_error"
    sentence = "The request could not be carried out."

    def __init__(self, sentence: str | None = None, /, **params: object) -> None:
        self.params = params
        text = self.sentence if sentence is None else sentence
        self.message = text.format(**params) if params else text
        super().__init__(self.message)


class TransitionNotAllowed(PortalError):
    """A row in this status does not take this event."""

    code = "transition_not_allowed"
    sentence = "Not possible while the status is {status}."


class NotAllowed(PortalError):
    """The actor lacks the right."""

    code = "not_allowed"
    sentence = "You are not allowed to do this."


class NotFound(PortalError):
    """There is no such thing, or it belongs to somebody else: the two look the same from outside."""

    code = "not_found"
    sentence = "There is no {thing} {key}."


class InvalidInput(PortalError):
    """Input that cannot be accepted; ``field`` names the place."""

    code = "invalid_input"
    sentence = "{field}: {problem}"


class Conflict(PortalError):
    """Somebody else moved first, or the same key was used for something else."""

    code = "conflict"
    sentence = "This was changed in the meantime. Look at it again before you act."
