"""A catalogue as gettext keeps it: read and written as text (``.po``), and compiled (``.mo``) without GNU gettext."""

import ast
import re
import struct
from dataclasses import dataclass
from pathlib import Path

LANGUAGE = "zh_Hans"
_QUOTED = re.compile(r'^(?:(msgctxt|msgid|msgid_plural|msgstr(?:\[0\])?) )?(".*")$')


@dataclass(frozen=True)
class Entry:
    """One sentence and its translation."""

    text: str
    translation: str
    context: str = ""
    many: str = ""

    @property
    def key(self) -> tuple[str, str]:
        """Its context and its words."""
        return self.context, self.text


@dataclass(frozen=True)
class Catalogue:
    """The sentences of one app; ``head`` is what stands above the first: the glossary."""

    head: str
    header: str
    entries: tuple[Entry, ...]


def file_of(root: Path, app: str) -> Path:
    """The catalogue of an app."""
    return root / app / "locale" / LANGUAGE / "LC_MESSAGES" / "django.po"


def read(file: Path) -> Catalogue:
    """A catalogue from its text."""
    blocks = re.split(r"\n\s*\n", file.read_text().strip())
    head: list[str] = []
    entries: list[Entry] = []
    for block in blocks:
        fields: dict[str, str] = {}
        name = ""
        for line in block.splitlines():
            if line.startswith("#"):
                head += [line] if not entries and not fields else []
                continue
            found = _QUOTED.match(line)
            assert found, f"{file}: {line}"
            name = found[1] or name
            fields[name] = fields.get(name, "") + ast.literal_eval(found[2])
        if fields:
            said = fields.get("msgstr[0]", fields.get("msgstr", ""))
            entries.append(Entry(fields["msgid"], said, fields.get("msgctxt", ""), fields.get("msgid_plural", "")))
    header, *rest = entries
    return Catalogue("\n".join(head), header.translation, tuple(rest))


def written(catalogue: Catalogue) -> str:
    """The text of a catalogue; entries by their context and words, so that two people's additions merge."""
    parts = [f'{catalogue.head}\nmsgid ""\nmsgstr ""\n' + "\n".join(map(_quoted, _lines(catalogue.header)))]
    for entry in sorted(catalogue.entries, key=lambda entry: (entry.text.lower(), entry.text, entry.context)):
        lines = [f"msgctxt {_quoted(entry.context)}"] if entry.context else []
        lines.append(f"msgid {_quoted(entry.text)}")
        if entry.many:
            lines += [f"msgid_plural {_quoted(entry.many)}", f"msgstr[0] {_quoted(entry.translation)}"]
        else:
            lines.append(f"msgstr {_quoted(entry.translation)}")
        parts.append("\n".join(lines))
    return "\n\n".join(parts) + "\n"


def _lines(text: str) -> list[str]:
    return text.splitlines(keepends=True)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
    return f'"{escaped}"'


def compiled(catalogue: Catalogue) -> bytes:
    """The catalogue as gettext reads it: two sorted tables of places, and the texts."""
    texts = {"": catalogue.header}
    for entry in catalogue.entries:
        key = f"{entry.context}\x04{entry.text}" if entry.context else entry.text
        texts[f"{key}\x00{entry.many}" if entry.many else key] = entry.translation
    pairs = sorted((key.encode(), text.encode()) for key, text in texts.items())
    count, body, places = len(pairs), b"", ([], [])  # type: ignore[var-annotated]
    start = 28 + 16 * count
    for side in (0, 1):
        for pair in pairs:
            places[side].append((len(pair[side]), start + len(body)))
            body += pair[side] + b"\x00"
    table = b"".join(struct.pack("<II", *place) for side in places for place in side)
    return struct.pack("<IIIIIII", 0x950412DE, 0, count, 28, 28 + 8 * count, 0, 28 + 16 * count) + table + body
