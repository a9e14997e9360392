"""Checkpoints: once a day the end of the chain, signed, in a file outside of the database.

Whoever holds the database alone can write the whole chain anew, hash by hash, and it would hold together. It would not
hold to these files: each names a line and its hash, signed with Ed25519 under a key made from the oldest master key,
which no database knows and which survives a rotation (as the blind index does). The files are written by the worker
into ``PORTAL_CHECKPOINTS``; keep that folder on another disk, or copy it away daily. What happened since the last
file can still be rewritten by that hand: at most a day.

The public key stands in every file, for whoever wants to check one by other means; ours is what is believed.
"""

import base64
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings
from django.db.models import QuerySet

from portal import clock
from portal.encryption import key_ring
from portal.models import JournalDay, JournalEntry

_PURPOSE = "journal checkpoints"


@dataclass(frozen=True)
class Checkpoint:
    """What a file says: the journal's line ``position`` had this hash. ``fault``: why the file is not believed."""

    file: str
    position: int = 0
    hash: str = ""
    fault: str = ""


def folder() -> Path:
    """Where the files lie."""
    return Path(settings.PORTAL_CHECKPOINTS)


def waiting_days() -> QuerySet[JournalDay]:
    """Days without a checkpoint."""
    return JournalDay.objects.filter(checkpoint="")


def work_day(pk: int) -> str:
    """Sign the end of the chain for a day that is over. Killed in between, the same file is written again."""
    day = JournalDay.objects.get(pk=pk)
    if day.checkpoint:
        return f"journal of {day.day}: signed"
    last = JournalEntry.objects.order_by("-position").first()
    if last is None:  # nobody takes lines out but who will be found out: there is nothing to sign
        raise LookupError("the journal has lost its lines")
    name = _write(f"{day.day:%Y-%m-%d}", last)
    JournalDay.objects.filter(pk=pk).update(checkpoint=name, due_at=None, lease_until=None)
    return f"journal of {day.day}: line {last.position} signed into {name}"


def _write(day: str, last: JournalEntry) -> str:
    said = {"day": day, "position": last.position, "hash": last.hash, "at": clock.now().isoformat()}
    signed = said | {
        "signature": base64.b64encode(_key().sign(_bytes(said))).decode(),
        "public_key": base64.b64encode(_key().public_key().public_bytes_raw()).decode(),
    }
    # Named by what it says: a file that is there is never written over with another statement.
    name = f"{day}-{last.position}-{last.hash[:12]}.json"
    folder().mkdir(parents=True, exist_ok=True)
    draft = folder() / f".{name}.{os.getpid()}"
    with draft.open("w", encoding="utf-8") as file:
        file.write(json.dumps(signed, indent=2) + "\n")
        file.flush()
        os.fsync(file.fileno())
    draft.replace(folder() / name)
    return name


def read_all() -> Iterator[Checkpoint]:
    """Every checkpoint of the folder, oldest first. Raises OSError for a folder that cannot be read."""
    if folder().exists():
        for path in sorted(found for found in folder().iterdir() if found.suffix == ".json"):
            yield _read(path)


def lost() -> list[str]:
    """The names of files that were written, as the days tell, and are not there."""
    written = JournalDay.objects.exclude(checkpoint="").values_list("checkpoint", flat=True)
    return [name for name in written if not (folder() / name).exists()]


def _read(path: Path) -> Checkpoint:
    try:
        said: Any = json.loads(path.read_text(encoding="utf-8"))
        position, line_hash = said["position"], said["hash"]
        signed = {name: said[name] for name in ("day", "position", "hash", "at")}
        _key().public_key().verify(base64.b64decode(said["signature"], validate=True), _bytes(signed))
    except InvalidSignature:
        return Checkpoint(path.name, fault="its signature is not ours")
    except (ValueError, KeyError, TypeError):
        return Checkpoint(path.name, fault="it cannot be read as a checkpoint")
    return Checkpoint(path.name, int(position), str(line_hash))


def _bytes(said: dict[str, Any]) -> bytes:
    return json.dumps(said, sort_keys=True, separators=(",", ":")).encode()


def _key() -> Ed25519PrivateKey:
    return _key_from(key_ring().derived(_PURPOSE))


@lru_cache(maxsize=2)
def _key_from(seed: bytes) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(seed)
