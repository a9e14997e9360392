"""An evidence pack: what is known of one thing, in one ZIP that can be checked without us.

The same state gives the same bytes: files stand in a fixed order, carry no time of their own, and nothing in them says
when or by whom the pack was made (the journal does, with the pack's SHA-256). ``SHA256SUMS`` is what ``sha256sum -c``
reads.

Messages are masked, each with the SHA-256 of its original, so that whoever holds the original can show it to be the
one meant. In their original bytes they hold tokens and personal data: those are taken only by people who hold a
permission of their own for it, with a reason, and the journal says so. The keys are the public ones; private keys are
never read here.
"""

import hashlib
import io
import json
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from django.db.models import Model, Q, QuerySet

from portal.models import AcquirerAccount, Exchange, Incident, JournalEntry, Notification
from portal.registry import Evidence

TAKEN, REVEALED = "take evidence", "reveal original messages"
"""The journal's acts. They are left out of the packs themselves: taking one must not change the next."""
ORIGINALS = "portal.act_reveal_originals"
"""The permission for messages in their original bytes."""
_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest time a ZIP can say; all files say it."""
_VERDICTS = {
    "VERIFIED": "verified with the acquirer's key",
    "MISSING": "not signed",
    "WRONG": "the signature does not fit",
    "UNKNOWN_KEY": "signed with a key that is not known here",
    "NO_ANSWER": "no answer came, so nothing was signed",
}


@dataclass(frozen=True)
class Told:
    """One line of the timeline as the pack tells it."""

    at: datetime
    sentence: str
    detail: str = ""
    evidence: tuple[str, ...] = ()


def said(value: Any) -> Any:
    """A column as JSON says it: times in UTC, decimals as printed."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value


def record(row: Model, *names: str) -> dict[str, Any]:
    """The named columns of a row. Named one by one: what a pack may hold is decided here, not by the table."""
    return {name: said(getattr(row, name)) for name in names}


def printed(content: Any) -> bytes:
    """JSON for people and programs alike, always the same."""
    return (json.dumps(content, ensure_ascii=False, indent=2, sort_keys=True) + "\n").encode()


def rows(path: str, records: Any) -> Evidence:
    """Rows as one JSON file."""
    return Evidence(f"rows/{path}.json", printed(records))


def pack(
    title: Sequence[str],
    *,
    accounts: Sequence[AcquirerAccount],
    subjects: Iterable[str],
    lines: Iterable[Told],
    more: Iterable[Evidence],
    with_messages: bool,
    with_originals: bool,
) -> bytes:
    """The ZIP. ``subjects``: our ids the messages are about; ``more``: what the apps add; ``title`` heads README.

    ``accounts``: whose keys verify the messages.
    """
    files = list(more)
    told = sorted(lines, key=lambda line: (line.at, line.sentence))
    files += [
        Evidence("timeline.txt", "".join(map(_line, told)).encode()),
        Evidence(
            "timeline.json",
            printed(
                [
                    {
                        "at": said(line.at),
                        "sentence": line.sentence,
                        "detail": line.detail,
                        "evidence": list(line.evidence),
                    }
                    for line in told
                ]
            ),
        ),
    ]
    if with_messages:
        files += _messages(sorted(set(subjects)), with_originals=with_originals)
        for account in accounts:
            files += _keys(account, "keys" if len(accounts) == 1 else f"keys/{account.slug}")
    files.append(Evidence("README.txt", _readme(title, with_messages, with_originals).encode()))
    files.sort(key=lambda file: file.path)
    sums = "".join(f"{hashlib.sha256(file.content).hexdigest()}  {file.path}\n" for file in files)
    return _zipped([*files, Evidence("SHA256SUMS", sums.encode())])


def _zipped(files: Sequence[Evidence]) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_STORED) as archive:  # how well it is pressed differs by library
        for file in files:
            info = zipfile.ZipInfo(file.path, _EPOCH)
            info.create_system = 3
            info.external_attr = 0o644 << 16
            archive.writestr(info, file.content)
    return held.getvalue()


def _line(line: Told) -> str:
    detail = f"  {line.detail.strip()}" if line.detail.strip() else ""
    return f"{line.at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC  {line.sentence}\n{detail}{chr(10) if detail else ''}"


# What crossed the wire.


def _messages(subjects: list[str], *, with_originals: bool) -> list[Evidence]:
    calls = Exchange.objects.filter(subject__in=subjects).order_by("sent_at", "pk")
    heard = Notification.objects.filter(subject__in=subjects).order_by("received_at", "pk")
    if not with_originals:  # nobody decrypts what is not given out
        calls, heard = calls.defer("request_body", "response_body"), heard.defer("body")
    both: list[Exchange | Notification] = sorted([*calls, *heard], key=lambda row: (_moment(row), row.pk))
    files: list[Evidence] = []
    verdicts = []
    for number, row in enumerate(both, start=1):
        name = f"{number:04d}-{row.api if isinstance(row, Exchange) else row.kind or 'message'}"
        files += _call(f"messages/{name}", row, with_originals) if isinstance(row, Exchange) else []
        files += _notice(f"messages/{name}", row, with_originals) if isinstance(row, Notification) else []
        verdicts.append(f"{name}: {_VERDICTS.get(row.verdict, row.verdict)}\n")
    files.append(Evidence("signatures.txt", "".join(verdicts).encode()))
    return files


def _moment(row: Exchange | Notification) -> datetime:
    return row.sent_at if isinstance(row, Exchange) else row.received_at


def _call(folder: str, call: Exchange, with_originals: bool) -> list[Evidence]:
    facts = record(
        call,
        "api", "subject", "sent_at", "duration_ms", "url", "http_status", "request_headers", "request_sha256",
        "response_headers", "response_sha256", "verdict", "result_code", "result_status", "error",
    )  # fmt: skip
    files = [Evidence(f"{folder}/facts.json", printed(facts))]
    if with_originals:
        files.append(Evidence(f"{folder}/request.original", bytes(call.request_body)))
        if call.response_body:
            files.append(Evidence(f"{folder}/response.original", bytes(call.response_body)))
        return files
    files.append(_masked(f"{folder}/request", call.masked_request, call.request_sha256))
    if call.masked_response:
        files.append(_masked(f"{folder}/response", call.masked_response, call.response_sha256))
    return files


def _notice(folder: str, message: Notification, with_originals: bool) -> list[Evidence]:
    facts = record(
        message,
        "kind", "subject", "received_at", "last_received_at", "deliveries", "path", "headers", "sha256", "verdict",
        "status", "applied_at", "note",
    )  # fmt: skip
    files = [Evidence(f"{folder}/facts.json", printed(facts))]
    if with_originals:
        return [*files, Evidence(f"{folder}/body.original", bytes(message.body or b""))]
    return [*files, _masked(f"{folder}/body", message.masked_body, message.sha256)]


def _masked(path: str, text: str, sha256: str) -> Evidence:
    words = text or "(not shown: it could not be masked)"
    digest = sha256 or "(not shown: by it the papers that are masked could be guessed)"
    return Evidence(f"{path}.masked.txt", f"SHA-256 of the original: {digest}\n\n{words}\n".encode())


def _keys(account: AcquirerAccount, folder: str) -> list[Evidence]:
    keys = [
        Evidence(f"{folder}/acquirer-{key.version}.txt", f"{key.public_key.strip()}\n".encode())
        for key in account.acquirer_keys.order_by("version", "pk")
    ]
    if account.public_key:
        keys.append(Evidence(f"{folder}/ours-{account.key_version}.txt", f"{account.public_key.strip()}\n".encode()))
    return keys


# Rows of the ground.


def ground_rows(things: Sequence[Model]) -> list[Evidence]:
    """The journal's lines and the incidents about some things."""
    about = Q()
    for thing in things:
        about |= Q(subject_type=thing._meta.label, subject_id=str(thing.pk))
    if not things:
        return []
    acts: QuerySet[JournalEntry] = JournalEntry.objects.filter(about).exclude(act__in=(TAKEN, REVEALED))
    journal_names = (
        "at", "actor_kind", "actor_name", "act", "subject_type", "subject_label", "reason_code", "note", "outcome",
    )  # fmt: skip
    incident_names = (
        "kind", "summary", "detail", "opened_at", "last_seen_at", "times_seen", "closed_at", "closed_by", "resolution",
    )  # fmt: skip
    return [
        rows("journal", [record(entry, *journal_names) for entry in acts.order_by("at", "pk")]),
        rows(
            "incidents",
            [record(row, *incident_names) for row in Incident.objects.filter(about).order_by("opened_at", "pk")],
        ),
    ]


_WHAT_IS_HERE = """\
timeline.txt    What happened, oldest first, in plain sentences; timeline.json says the same to programs.
rows/           The rows of our books it was told from. Amounts are integers in minor units.
SHA256SUMS      The SHA-256 of every other file here. Check with: sha256sum -c SHA256SUMS"""
_OF_MESSAGES = """\
messages/       Every call to the acquirer with its answer, and every message it sent, in order of time.
signatures.txt  What became of the signature of each when it came in.
keys/           The public keys of both sides."""
_ORIGINAL = "The messages are in their original bytes. They hold tokens and personal data: keep them accordingly."
_MASKED = """\
The messages are masked: tokens, codes and personal data are replaced by dots. The SHA-256 above each
is that of its original bytes, which we keep encrypted."""
_SIGNED = """\
A signature is RSA with SHA-256 over these bytes, where the path is that of the URL, the time is the
header request-time (of an answer: response-time), and the body is as it was sent, byte for byte:

    POST <path>
    <client-id>.<time>.<body>"""
_NO_MESSAGES = "The messages on the wire are left out: whoever took this pack may not see them."
_SAME = "The same state gives the same pack, byte for byte. When it was taken, and by whom, our journal says."


def _readme(title: Sequence[str], with_messages: bool, with_originals: bool) -> str:
    of_messages = [_OF_MESSAGES, _ORIGINAL if with_originals else _MASKED, _SIGNED] if with_messages else [_NO_MESSAGES]
    return "\n\n".join(["\n".join(title), _WHAT_IS_HERE, *of_messages, _SAME]) + "\n"
