"""What is delivered together: ZIP archives of reports, and reports that come in several parts.

A report in parts is a set: names that differ in ``_000``, ``_001`` … only, without a gap. Fees that come as files of
their own (``feeItems``) are parts of the report on their transactions. A set is kept as one archive of its parts, whose
bytes depend on nothing but them, so that the same parts are the same report. So is a file in sections, whose name says
what nothing in it says: two days' summaries may be the same to the last byte.
"""

import hashlib
import io
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import NamedTuple

from reconciliation import editions
from reconciliation.errors import NotAReport, PartMissing, ReportRefused
from reconciliation.reading.workbook import is_workbook

MAX_REPORT_BYTES = 32 * 1024 * 1024
"""Of one file: about 150,000 rows."""
MAX_ARCHIVE_FILES = 200
MAX_ARCHIVE_BYTES = 256 * 1024 * 1024
"""Unpacked."""
_NUMBERED = re.compile(
    r"(?P<kind>transactionItems|feeItems|settlementItems|settlementSummary|summary|settlement)(?P<stem>_.+)_(?P<number>[0-9]{3})"
    r"\.(?:csv|xlsx)",
    re.IGNORECASE,
)
_ITEMS, _FEES = "transactionitems", "feeitems"
_BESIDE = 1_000
"""From here on count the parts that stand beside the numbered ones: the fees."""
_WHEN = (1980, 1, 1, 0, 0, 0)


class Given(NamedTuple):
    """A file as it was handed in; its name may have folders before it."""

    name: str
    content: bytes


@dataclass(frozen=True)
class Delivery:
    """One report to be imported, or why it cannot be."""

    name: str
    content: bytes
    refusal: ReportRefused | None = None


def digest(content: bytes) -> str:
    """The identity of a file's bytes."""
    return hashlib.sha256(content).hexdigest()


def is_packed(content: bytes) -> bool:
    """Whether it is an archive or a workbook."""
    return content.startswith(b"PK\x03\x04")


def is_sectioned(content: bytes) -> bool:
    """Whether the first line is the header of a section that sums up."""
    first = content[:2_000].partition(b"\n")[0]
    return all(name.encode() in first for name in editions.SUMMED_UP)


def with_its_name(name: str, content: bytes) -> bytes:
    """The bytes by which a report is known: those of a file in sections have its name beside them."""
    return _packed([Given(name, content)]) if is_sectioned(content) else content


def in_chunks(content: bytes, size: int = 1 << 20) -> Iterator[bytes]:
    """Bytes as they would come from a file."""
    for start in range(0, len(content), size):
        yield content[start : start + size]


def gather(files: Iterable[tuple[str, bytes]]) -> list[Delivery]:
    """The reports in what was handed in: archives unpacked, parts put together, in the order they came.

    What cannot be read as an archive, or lacks a part, is a delivery with its refusal, so that it stops no other.
    """
    loose: list[Given] = []
    refused: list[Delivery] = []
    for name, content in files:
        if not _is_archive(content):
            loose.append(Given(name, content))
            continue
        try:
            loose += [Given(f"{name}/{inner.name}", inner.content) for inner in _unpacked(content)]
        except ReportRefused as refusal:
            refused.append(Delivery(base_name(name), content, refusal))
    sets: dict[str, dict[int, Given]] = {}
    for given in loose:
        stem, number = _numbered(given.name)
        numbers = sets.setdefault(stem, {})
        if number in numbers and numbers[number].content != given.content:
            refused.append(
                Delivery(
                    base_name(given.name),
                    given.content,
                    PartMissing(
                        problem=f"There are two different files with number {number % _BESIDE:03d}. Give one of them."
                    ),
                )
            )
        else:
            numbers.setdefault(number, given)
    return [_delivery(numbers) for numbers in sets.values()] + refused


def parts_of(name: str, content: bytes) -> Sequence[Given]:
    """The files of one report, in the order of their numbers. Raises NotAReport, and PartMissing for a gap."""
    if not _is_archive(content):
        return [Given(name, content)]
    inside = gather((given.name, given.content) for given in _unpacked(content))
    for delivery in inside:
        if delivery.refusal is not None:
            raise delivery.refusal
    if len(inside) != 1:
        raise NotAReport(problem=f"The archive holds {len(inside)} reports. They are imported one by one: unpack it.")
    if not _is_archive(inside[0].content):
        return [Given(inside[0].name, inside[0].content)]
    return sorted(_unpacked(inside[0].content), key=lambda given: _numbered(given.name)[1])


def base_name(name: str) -> str:
    """The last part of what somebody called a file, printable and short enough to keep."""
    last = PurePath(name.replace("\\", "/")).name
    return "".join(letter if letter.isprintable() else "?" for letter in last)[:200] or "report.csv"


def set_of(name: str) -> str:
    """What the parts of one report have in common: their folder, and their name without its number."""
    return _numbered(name)[0]


def _delivery(numbers: dict[int, Given]) -> Delivery:
    ordered = [numbers[number] for number in sorted(numbers)]
    name = base_name(ordered[0].name)
    missing: list[int] = []
    for first in (0, _BESIDE):
        theirs = [number - first for number in numbers if first <= number < first + _BESIDE]
        missing += [number for number in range(max(theirs, default=0)) if number not in theirs]
    if missing:
        here = ", ".join(f"{number % _BESIDE:03d}" for number in sorted(numbers))
        lost = ", ".join(f"{number:03d}" for number in missing[:5])
        problem = (
            f"Part {lost} of this report is missing; here {'is' if len(numbers) == 1 else 'are'} {here}. "
            "Give all parts together."
        )
        return Delivery(name, ordered[0].content, PartMissing(problem=problem))
    return Delivery(name, with_its_name(*ordered[0]) if len(ordered) == 1 else _packed(ordered))


def _numbered(name: str) -> tuple[str, int]:
    """What a part's name has in common with the others' of its report, and its number."""
    match = _NUMBERED.fullmatch(base_name(name))
    if match is None:
        return name, 0
    folder = str(PurePath(name.replace("\\", "/")).parent)
    kind, number = match["kind"].lower(), int(match["number"])
    if kind == _FEES:
        kind, number = _ITEMS, _BESIDE + number
    return f"{folder}/{kind}{match['stem'].lower()}", number


def _is_archive(content: bytes) -> bool:
    return content.startswith(b"PK\x03\x04") and not is_workbook(content)


def _packed(parts: Sequence[Given]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for part in parts:
            member = zipfile.ZipInfo(base_name(part.name), _WHEN)
            member.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(member, part.content)
    return packed.getvalue()


def _unpacked(content: bytes) -> list[Given]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = [
                member
                for member in archive.infolist()
                if not member.is_dir() and not member.filename.startswith("__MACOSX/")
            ]
            if len(members) > MAX_ARCHIVE_FILES or sum(member.file_size for member in members) > MAX_ARCHIVE_BYTES:
                raise NotAReport(problem="The archive holds too much to be reports. Unpack it and give the files.")
            if any(member.flag_bits & 1 for member in members):
                raise NotAReport(problem="The archive is locked with a password. Unpack it and give the files.")
            inside = [Given(member.filename, archive.read(member)) for member in members]
    except (zipfile.BadZipFile, EOFError, OSError, NotImplementedError, ValueError, zlib.error) as reason:
        raise NotAReport(problem=f"The archive is damaged ({type(reason).__name__}). Fetch it again.") from None
    if not inside:
        raise NotAReport(problem="The archive is empty.")
    if any(_is_archive(given.content) for given in inside):
        raise NotAReport(problem="There is an archive inside the archive. Unpack it and give the files.")
    return inside
