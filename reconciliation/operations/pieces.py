"""The bytes of a large file: packed, encrypted and kept a few megabytes at a time."""

import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from reconciliation.models import ReportFile, ReportPiece

PIECE_BYTES = 4 * 1024 * 1024
"""Before they are packed."""
_FAST = 1
"""zlib's quickest level: a report shrinks to a fifth by it, and the database writes the rest in less time than all."""


def keep(file: ReportFile, chunks: Iterable[bytes]) -> None:
    """Keep the bytes with the file, inside a transaction."""
    for number, chunk in enumerate(chunks):
        keep_one(file, number, chunk)


def keep_one(file: ReportFile, number: int, chunk: bytes) -> None:
    """Keep one piece, inside a transaction, unless it is kept."""
    if not ReportPiece.objects.filter(file=file, number=number).exists():
        ReportPiece.objects.create(file=file, number=number, content=zlib.compress(chunk, _FAST))


def read(file: ReportFile) -> Iterator[bytes]:
    """The bytes from their beginning."""
    pieces = ReportPiece.objects.filter(file=file).order_by("number")
    number = 0
    while (piece := pieces.filter(number=number).first()) is not None:
        yield zlib.decompress(piece.content)
        number += 1


def chunks_of(path: Path) -> Iterator[bytes]:
    """The bytes of a file on disk, as many at a time as a piece holds."""
    with path.open("rb") as file:
        while chunk := file.read(PIECE_BYTES):
            yield chunk
