"""Words for people, in the language of whoever reads them. The source is English; ``locale/`` holds the others.

    say("Cancel the payment of {amount}", amount=money)      words made now, for the page at hand
    lazy("Needs attention")                                  words of a class or a module, made when they are shown
    counted("{count} row", "{count} rows", count)            one or many
    told(incident.summary)                                   what was written down or raised, shown to somebody

What is kept (journal, incidents, discrepancies, requests, notes of a result) and what is raised (``PortalError``) is
English whoever caused it: it is read by programs, by the other party and by people of any language. Where it is shown
it is told again: the catalogue holds the sentences that the code can make, and ``told`` finds the one a text was made
from, with what stood in its places. A text nobody made here, such as a person's note, stays as it is.

``tests/words`` finds every sentence that reaches a person, and fails where one is not marked or not translated.
"""

import gettext
import re
from calendar import month_name
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.utils import functional, translation

TOLD = "told"
"""The context, in the catalogue, of what is written down or raised in English and told again where it is shown."""

_PLACE = re.compile(r"\{(\w*)[^{}]*\}")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DAY = re.compile(rf"(\d{{1,2}}) ({'|'.join(_MONTHS)})(?: (\d{{4}}))?(?: (\d\d:\d\d(?::\d\d)?))?((?: UTC\S*)?)")
_MONTH = re.compile(r"([A-Z][a-z]+) (\d{4})")
_DEEPEST = 4
"""Sentences within sentences: a refusal, its reason, and a state in it."""
_SHORT = 11
"""Letters of its own that a sentence has at least, to be recognized in a text that anybody may have written."""
_BETWEEN = (", or ", " or ", " and ", "; ")
_APART = (". ", "; ", " · ")
"""Between things that are said one after the other: no place of a short sentence reaches beyond."""
_PEOPLES_WORDS = frozenset(("note", "detail", "resolution", "reference", "name", "description", "decision_note"))
"""Places in which may stand what a person wrote."""
_NAMES = frozenset(("actor", "actor_name", "owner", "closed_by"))
"""Places in which stands who somebody is: a name is nobody's to translate."""
_ROLES = frozenset(("Administrator", "Operator", "Support", "Finance", "Auditor", "Developer"))
"""Written small these are no roles but what people are called."""


def say(text: str, /, *, sense: str = "", **places: Any) -> str:
    """A sentence in the language of whoever reads it. Texts that stand in its places are told in it, too.

    ``sense`` tells words apart that English writes alike: ``Open`` is what a line is, or what one does.
    """
    found = translation.pgettext(sense, text) if sense else translation.gettext(text)
    return found.format(**_filled(places)) if places else found


def counted(one: str, many: str, count: int, /, **places: Any) -> str:
    """``one`` or ``many``, by the language's own rule; ``count`` stands in the place of that name."""
    return translation.ngettext(one, many, count).format(count=count, **_filled(places))


def lazy(text: str, /, *, sense: str = "", **places: Any) -> str:
    """The same, made each time it is shown: for what is written at a module's or a class's own level."""
    return _lazily(text, sense=sense, **places)


_lazily = functional.lazy(say, str)


def told(text: object, *, is_ours: bool = False) -> str:
    """A kept or raised text in the language of whoever reads it.

    ``is_ours`` where nobody but the code can have made it: then also what is short, such as ``cancel of PR…``, is told
    again. Elsewhere that might be found in what a person wrote, whose words stay as they are.
    """
    language = translation.get_language() or settings.LANGUAGE_CODE
    words = str(text)
    return words if not words or language == settings.LANGUAGE_CODE else _told(words, language, is_ours)


@contextmanager
def in_english() -> Iterator[None]:
    """What is said within is English: it is kept, or handed to somebody of any language."""
    with translation.override(settings.LANGUAGE_CODE):
        yield


def _filled(places: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: told(value, is_ours=name not in _PEOPLES_WORDS) if type(value) is str and name not in _NAMES else value
        for name, value in places.items()
    }


@lru_cache(maxsize=8192)
def _told(text: str, language: str, is_ours: bool, depth: int = 0) -> str:
    exact, wordy, short = _sentences(language)
    first, rest = text[:1], text[1:]
    for form in (text, first.upper() + rest, first.lower() + rest):  # within a sentence, a state is written small
        if form in exact and (form == text or form not in _ROLES):
            return exact[form]
    if " " not in text or depth >= _DEEPEST:
        return text
    if day := _DAY.fullmatch(text):
        return _day(day)
    if (month := _MONTH.fullmatch(text)) and (named := _month(month)):
        return named
    # A wordy sentence is known as a whole, whatever stands between its words; a short one fits much that it is not.
    whole = _by_pattern(text, wordy, language, depth)
    if whole is None:
        whole = _as_list(text, language, is_ours)
    if whole is None and is_ours:
        whole = _by_pattern(text, short, language, depth)
    return _piece_by_piece(text, language, is_ours, depth) if whole is None else whole


def _by_pattern(text: str, patterns: "Sequence[_Pattern]", language: str, depth: int) -> str | None:
    """The text as the first of the sentences that it is; None: it is none of them."""
    for pattern in patterns:
        found = pattern.expression.fullmatch(text) if pattern.landmark in text else None
        if found is None or (pattern.is_short and any(mark in part for part in found.groups() for mark in _APART)):
            continue
        stood = {
            name: part if name in _NAMES else _told(part, language, name not in _PEOPLES_WORDS, depth + 1)
            for name, part in zip(pattern.places, found.groups(), strict=True)
        }
        return pattern.fill(stood)
    return None


def _as_list(text: str, language: str, is_ours: bool) -> str | None:
    """The text as a list of things that are all known; None: it is no such list."""
    for mark in _BETWEEN:
        parts = text.split(mark)
        if len(parts) > 1 and ": " not in text:
            again = [_told(part, language, is_ours, _DEEPEST - 1) for part in parts]
            if all(new != old for new, old in zip(again, parts, strict=True)):
                return translation.pgettext("between", mark).join(again)
    return None


def _piece_by_piece(text: str, language: str, is_ours: bool, depth: int) -> str:
    """Several sentences, or a list: told again if that can be done to all of them but names and ids."""
    for mark in (". ", ": ", "; ", " · ", ", ", " #"):
        parts = text.split(mark)
        if len(parts) == 1:
            continue
        if mark == ". ":  # the full stop belongs to the sentence before it
            parts = [*(f"{part}." for part in parts[:-1]), parts[-1]]
        again = [_told(part, language, is_ours, depth + 1) for part in parts]
        pairs = list(zip(parts, again, strict=True))
        if is_ours and again != parts:
            return _joined(again, mark)
        is_known = any(new != old and " " in old for old, new in pairs)
        if is_known and not any(new == old and old.count(" ") > 1 for old, new in pairs):
            return _joined(again, mark)
    return text


def _joined(parts: list[str], mark: str) -> str:
    return (" " if mark == ". " else mark).join(parts)


@dataclass(frozen=True)
class _Pattern:
    """A sentence with places, as it is found in a text and said in another language."""

    landmark: str
    """A piece of it: a text without it need not be looked at."""
    expression: re.Pattern[str]
    places: tuple[str, ...]
    target: str
    is_short: bool

    def fill(self, stood: Mapping[str, str]) -> str:
        """The sentence, with what stood in its places."""
        return _PLACE.sub(lambda place: stood.get(place[1], ""), self.target)


@lru_cache(maxsize=8)
def _sentences(language: str) -> tuple[dict[str, str], list[_Pattern], list[_Pattern]]:
    """What the catalogue can tell again: whole texts, and those with places, wordy and short, the wordiest first."""
    exact: dict[str, str] = {}
    patterns: list[tuple[int, _Pattern]] = []
    prefix = f"{TOLD}\x04"
    for key, target in _catalogue(language).items():
        if not key or not isinstance(key, str) or "\x04" in key.removeprefix(prefix):
            continue  # the catalogue's own head, a plural, or words of one sense
        source, is_told = key.removeprefix(prefix), key.startswith(prefix)
        places = tuple(_PLACE.findall(source))
        if not places:
            if is_told or source not in exact:
                exact[source] = target
            continue
        pieces = _PLACE.split(source)[::2]
        weight = sum(len(re.findall(r"[A-Za-z]", piece)) for piece in pieces)
        if not is_told or not weight:
            continue
        expression = "".join(
            re.escape(piece) + ("(.*?)" if index < len(places) else "") for index, piece in enumerate(pieces)
        )
        compiled = re.compile(expression, re.DOTALL)
        patterns.append((weight, _Pattern(max(pieces, key=len), compiled, places, target, weight < _SHORT)))
    patterns.sort(key=lambda entry: -entry[0])
    ordered = [pattern for _, pattern in patterns]
    return exact, [it for it in ordered if not it.is_short], [it for it in ordered if it.is_short]


def _catalogue(language: str) -> dict[Any, Any]:
    """What our own apps say, by what it is in English."""
    held: dict[Any, Any] = {}
    for app in apps.get_app_configs():
        file = Path(app.path) / "locale" / translation.to_locale(language) / "LC_MESSAGES" / "django.mo"
        if settings.BASE_DIR in file.parents and file.is_file():
            with file.open("rb") as compiled:
                held |= vars(gettext.GNUTranslations(compiled))["_catalog"]
    return held


def _month(month: "re.Match[str]") -> str:
    """``March 2026`` as the reader writes it; empty where it is no month."""
    name, year = month.groups()
    if name not in month_name:
        return ""
    return translation.pgettext("a month", "{year}-{month}").format(year=year, month=list(month_name).index(name))


def _day(day: "re.Match[str]") -> str:
    number, month, year, hour, zone = day.groups()
    return translation.pgettext("a day", "{year}{month}-{day}{hour}").format(
        year=f"{year}-" if year else "",
        month=f"{_MONTHS.index(month) + 1:02d}",
        day=f"{int(number):02d}",
        hour=f"{f' {hour}' if hour else ''}{zone or ''}",
    )
