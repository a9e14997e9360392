"""What a result code is to a person: two short sentences, whichever acquirer says it.

The sentences are kept in English and told in the reader's language. Each adapter has tables of its own: one code may
stand for different things with two acquirers, and then two accounts explain it differently.
"""

from typing import NamedTuple


class Meaning(NamedTuple):
    """Two short sentences."""

    meaning: str
    what_to_do: str


NOTHING_SAID = Meaning("", "")
"""Of no code."""
NEVER_SEEN = Meaning(
    "A code the portal has never seen; it counts as 'unknown'.",
    "Ask the acquirer what became of it before doing anything else.",
)
"""Of a code that is in no table."""
