"""What the log looks like, and what is never in it.

Everything goes through Python's logging, ours and the libraries', and is written by structlog: for people one line with
the facts behind it, for machines one JSON object a line. Whatever is said while a request is answered carries the
request's id; what is said of a payment carries ``payment_request_id``, and so on: facts of ours, never the acquirer's
tokens. No line of ours holds a secret, since secrets have no ``repr``. What a library may say in an error is searched
for what looks like one before it is written.
"""

import logging
import re
from collections.abc import MutableMapping
from typing import Any

import structlog
from structlog.stdlib import ProcessorFormatter
from structlog.typing import Processor

HIDDEN = "••••"
_NAMES = r"(?:access|refresh|customer|csrf)_?-?token|auth_?-?code|private_?-?key|secret(?:_?key)?|password|passwd"
_SECRETS = (
    re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)", re.DOTALL),
    re.compile(r"(?<=Bearer )\S+"),
    re.compile(rf"(?<![A-Za-z])(?i:{_NAMES})[\"']?\s*[=:]\s*(?P<secret>\"[^\"]*\"|'[^']*'|[^\s,;&}}]+)"),
    re.compile(r"(?<=signature=)[A-Za-z0-9+/%=_-]+"),
    re.compile(r"\b(?:mk|whsec|bs)_[A-Za-z0-9+/=_-]{8,}"),
    re.compile(r"(?<=://)[^\s/@:]*:[^\s/@]+(?=@)"),
)
"""Keys, bearer tokens, whatever is named like a secret, signatures, our own tokens, and logins within URLs."""

Event = MutableMapping[str, Any]


def hide_secrets(text: str) -> str:
    """The text without what looks like a secret."""
    for pattern in _SECRETS:
        text = pattern.sub(_hidden, text)
    return text


def _hidden(found: re.Match[str]) -> str:
    secret = found.groupdict().get("secret")
    return HIDDEN if secret is None else found[0].removesuffix(secret) + HIDDEN


def _without_secrets(_logger: Any, _name: str, event: Event) -> Event:
    return {name: hide_secrets(value) if isinstance(value, str) else value for name, value in event.items()}


def _named_secrets(_logger: Any, _name: str, event: Event) -> Event:
    """A fact that is called a secret is none of the log's business, whatever it looks like."""
    return {name: HIDDEN if _IS_SECRET.fullmatch(name) else value for name, value in event.items()}


def _without_the_sentence_again(_logger: Any, _name: str, event: Event) -> Event:
    """A record that another handler has formatted carries its sentence and its time once more."""
    return {name: value for name, value in event.items() if name not in {"message", "asctime"}}


def _without_the_way_to_a_refusal(_logger: Any, _name: str, event: Event) -> Event:
    """A caller who was refused is no fault of ours; where in Django that was said helps nobody."""
    status = event.get("status_code")
    if isinstance(status, int) and 400 <= status < 500:
        event.pop("exc_info", None)
    return event


_IS_SECRET = re.compile(_NAMES, re.IGNORECASE)
_ALL: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.ExtraAdder(),
    _without_the_sentence_again,
    _without_the_way_to_a_refusal,
    structlog.processors.format_exc_info,
    _named_secrets,
]


def for_machines() -> logging.Formatter:
    """One JSON object a line; the time in UTC."""
    stamp = structlog.processors.TimeStamper(fmt="iso", utc=True)
    return _formatter(stamp, structlog.processors.JSONRenderer(ensure_ascii=False))


def for_people() -> logging.Formatter:
    """Time, level, who says it, what; then the facts, and below them where it came from."""
    return _formatter(structlog.processors.TimeStamper(fmt="%Y-%m-%d %H:%M:%S", utc=False), _as_line)


def _formatter(stamp: Processor, render: Processor) -> logging.Formatter:
    steps = [ProcessorFormatter.remove_processors_meta, stamp, _plain, _without_secrets, render]
    return ProcessorFormatter(processors=steps, foreign_pre_chain=_ALL)


def _plain(_logger: Any, _name: str, event: Event) -> Event:
    """Only plain facts: a whole request that a library hands to the log would say its query, too."""
    simple = (str, int, float, bool, type(None))
    return {name: value for name, value in event.items() if isinstance(value, simple)}


def _as_line(_logger: Any, _name: str, event: Event) -> str:
    facts = dict(event)
    at, level, who, what = (facts.pop(name, "") for name in ("timestamp", "level", "logger", "event"))
    trace = facts.pop("exception", "")
    said = " ".join([f"{at} {str(level).upper()} {who} {what}", *(f"{name}={value}" for name, value in facts.items())])
    return f"{said}\n{trace}" if trace else said
