"""The proof that nobody changed the journal: every hash made anew, every link followed, every checkpoint compared."""

from dataclasses import dataclass, field
from typing import Any

from portal import chain
from portal.journal import checkpoints
from portal.models import JournalEntry

_AT_ONCE = 2000


@dataclass(frozen=True)
class Break:
    """Where the chain does not hold, and what is wrong there."""

    position: int
    entry: int | None
    """The row's id; None where a row should be and is not."""
    what: str


@dataclass
class Proof:
    """What was found. It holds when there is neither a break nor a fault of a checkpoint."""

    lines: int = 0
    last_hash: str = chain.BEGINNING
    first_break: Break | None = None
    checkpoints: int = 0
    faults: list[str] = field(default_factory=list)
    """Of checkpoints, in sentences."""

    @property
    def holds(self) -> bool:
        """Whether the journal is as it was written."""
        return self.first_break is None and not self.faults

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        found = self.first_break
        return {
            "holds": self.holds,
            "lines": self.lines,
            "last_hash": self.last_hash,
            "first_break": None
            if found is None
            else {"position": found.position, "entry": found.entry, "what": found.what},
            "checkpoints": self.checkpoints,
            "faults": self.faults,
        }


def prove() -> Proof:
    """Go through the whole journal, oldest line first. Raises OSError where the checkpoints cannot be read."""
    proof = Proof()
    signed: dict[int, list[checkpoints.Checkpoint]] = {}
    for checkpoint in checkpoints.read_all():
        proof.checkpoints += 1
        if checkpoint.fault:
            proof.faults.append(f"Checkpoint {checkpoint.file} is not believed: {checkpoint.fault}.")
        else:
            signed.setdefault(checkpoint.position, []).append(checkpoint)
    proof.faults += [f"Checkpoint {name} was written and is not there." for name in checkpoints.lost()]
    for entry in JournalEntry.objects.order_by("position").iterator(chunk_size=_AT_ONCE):
        if proof.first_break is None:
            proof.first_break = _break(entry, after=proof)
        for checkpoint in signed.pop(entry.position, ()):
            if checkpoint.hash != entry.hash:
                proof.faults.append(
                    f"Checkpoint {checkpoint.file} saw another line {entry.position} than the journal has now."
                )
        proof.lines, proof.last_hash = proof.lines + 1, entry.hash
    for position in sorted(signed):
        proof.faults += [
            f"Checkpoint {checkpoint.file} saw line {position}, and the journal has no such line."
            for checkpoint in signed[position]
        ]
    return proof


def _break(entry: JournalEntry, *, after: Proof) -> Break | None:
    expected = after.lines + 1
    if entry.position != expected:
        return Break(expected, None, f"line {expected} is missing; the next one there is line {entry.position}")
    if entry.previous_hash != after.last_hash:
        return Break(entry.position, entry.pk, "it does not hold to the line before")
    if chain.link(entry) != entry.hash:
        return Break(entry.position, entry.pk, "its content is not what its hash was made of")
    return None
