"""Writing a request: every scalar goes as a string, and what is absent does not go at all."""

from datetime import datetime
from typing import Any

from portal.acquirer import Terminal, TerminalType
from portal.clock import ACQUIRER_ZONE


def present(**fields: Any) -> dict[str, Any]:
    """The fields that hold something, in the order given. An empty text is never sent."""
    return {name: value for name, value in fields.items() if value not in ("", None, {}, [])}


def os_type(terminal: Terminal) -> str:
    """Asked for of every terminal but a desktop browser, which has none."""
    return "" if terminal.terminal_type is TerminalType.WEB else terminal.os_type


def moment(when: datetime) -> str:
    """ISO 8601 to the second, in the acquirer's own offset; cut, never rounded up."""
    return when.astimezone(ACQUIRER_ZONE).replace(microsecond=0).isoformat()
