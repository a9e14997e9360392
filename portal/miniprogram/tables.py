"""Tables of sentences, in both languages side by side, as a module of the mini program."""

import json
from collections.abc import Mapping

from django.utils import translation

from portal.words import told

LANGUAGES = {"en": "en", "zh": "zh-hans"}
"""What the mini program calls a language, and what we call it."""

Table = Mapping[str, Mapping[str, object]]
"""By section and name; a sentence, lazy or kept in English."""


def module(head: str, table: Table) -> str:
    """``export default`` of the table, each sentence as ``{ en, zh }``."""
    lines = [f"/** {head} */", "export default {"]
    for section, sentences in table.items():
        lines.append(f"  {section}: {{")
        lines += [f"    {_key(name)}: {_pair(sentence)}," for name, sentence in sentences.items()]
        lines.append("  },")
    return "\n".join([*lines, "};"]) + "\n"


def in_language(sentence: object, language: str) -> str:
    """A sentence in a language: made anew where it is lazy, told again where it was kept."""
    with translation.override(LANGUAGES[language]):
        return told(sentence)


def _pair(sentence: object) -> str:
    said = ", ".join(f"{name}: {json.dumps(in_language(sentence, name), ensure_ascii=False)}" for name in LANGUAGES)
    return f"{{ {said} }}"


def _key(name: str) -> str:
    return name if name.isidentifier() else f"'{name}'"
