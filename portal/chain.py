"""The journal's chain: what is hashed of a line, and how it holds to the line before.

Each line's hash is the SHA-256 over a canonical JSON text of the line's content, its position and the hash of the line
before; the first holds to ``BEGINNING``. Change, take out, add or swap anything, and every hash from there on would
have to be made anew. The row's id is not hashed: it is only an address.

``CONTENT`` is part of the proof. A column that comes later is a new version of the text beside this one, never a change
of it, or the lines that were written until then would prove nothing any more.
"""

import hashlib
import json
from datetime import UTC
from typing import Any

BEGINNING = "0" * 64
"""What the first line holds to."""
CONTENT = (
    "at",
    "user_id",
    "actor_kind",
    "actor_name",
    "act",
    "subject_type",
    "subject_id",
    "subject_label",
    "reason_code",
    "note",
    "before",
    "after",
    "outcome",
)


def plain(value: Any) -> Any:
    """``value`` as both databases give it back: lists, texts and whole numbers. Raises TypeError.

    A float is refused: one database would give 1e22 back as a whole number, and the line would seem to be changed.
    """
    if isinstance(value, dict):
        return {str(name): plain(held) for name, held in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(held) for held in (value if isinstance(value, list | tuple) else sorted(value))]
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, str):
        return str(value)
    raise TypeError(f"the journal takes texts, whole numbers and lists of them, not {type(value).__name__}")


def link(entry: Any) -> str:
    """The hash of a line: of its content, its ``position`` and its ``previous_hash``."""
    held = {name: getattr(entry, name) for name in CONTENT}
    held["at"] = entry.at.astimezone(UTC).isoformat(timespec="microseconds")
    text = json.dumps(
        {"version": 1, "position": entry.position, "previous": entry.previous_hash, "content": held},
        ensure_ascii=True,
        sort_keys=True,
        separators=(",", ":"),
    )
    return hashlib.sha256(text.encode()).hexdigest()
