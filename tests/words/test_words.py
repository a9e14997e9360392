"""Every sentence that reaches a person is marked, and said in every language the desk speaks."""

import re
from pathlib import Path

import pytest

from tests.words import catalogue, finding

_PLACES = re.compile(r"%\((\w+)\)s|\{(\w*)[^{}]*\}")
_CHINESE = re.compile(r"[\u4e00-\u9fff]")
_ENDINGS = re.compile(r"(ending|it)\d*")
"""Places in which English puts the ending of a word: other languages have no use for them."""

AS_IN_ENGLISH = frozenset(
    (
        "Android", "App id", "Chrome", "Client id", "client id", "Edge", "Firefox", "Id", "Linux", "Opera", "Safari",
        "URL",
        "Webhook", "Webhooks", "Webhook {kind}", "Windows", "a Mac", "an iPad", "an iPhone",
        "cardNumber(Last 4 digits)", "id, amount, reason, note", "{adapter} · client id {client_id}",
    )
)  # fmt: skip
"""Names."""


def test_every_sentence_that_reaches_a_person_is_marked() -> None:
    unmarked = [
        f"{sentence.where}: {sentence.text!r}"
        for app in finding.APPS
        for sentence in finding.everything(app)
        if not sentence.mark
    ]
    assert not unmarked, "Mark these with say(), lazy() or {% translate %} (portal/words.py):\n" + "\n".join(unmarked)


@pytest.mark.parametrize("app", finding.APPS)
def test_every_marked_sentence_is_translated(app: str) -> None:
    said = {sentence.key: sentence for sentence in finding.everything(app) if sentence.mark}
    held = {entry.key: entry for entry in catalogue.read(catalogue.file_of(finding.ROOT, app)).entries}
    missing = [f"{said[key].where}: {key[1]!r}" for key in said if key not in held or not held[key].translation]
    assert not missing, "Run `python -m tests.words`, and translate these in its .po:\n" + "\n".join(missing)
    assert not held.keys() - said.keys(), "nobody says these any more: run `python -m tests.words`"


@pytest.mark.parametrize("app", finding.APPS)
def test_a_translation_has_the_places_of_its_sentence_and_is_chinese(app: str) -> None:
    wrong = []
    for entry in catalogue.read(catalogue.file_of(finding.ROOT, app)).entries:
        places, given = _places(entry.text) | _places(entry.many), _places(entry.translation)
        if {place for place in places ^ given if not (place in places and _ENDINGS.fullmatch(place))}:
            wrong.append(f"other places: {entry.text!r} → {entry.translation!r}")
        is_english = re.search(r"[A-Za-z]{2}", _PLACES.sub("", entry.translation))
        if is_english and not _CHINESE.search(entry.translation) and entry.text not in AS_IN_ENGLISH:
            wrong.append(f"not Chinese: {entry.text!r} → {entry.translation!r}")
        if entry.context == finding.TOLD and re.search(r"\{\w+:[^}]*\}", entry.translation):
            wrong.append(f"what is told again has no formats left: {entry.translation!r}")
    assert not wrong, "\n".join(wrong)


def _places(text: str) -> set[str]:
    return {one or other for one, other in _PLACES.findall(text)}


@pytest.mark.parametrize("app", finding.APPS)
def test_the_compiled_catalogue_is_that_of_the_text(app: str) -> None:
    file = catalogue.file_of(finding.ROOT, app)
    held = catalogue.read(file)
    assert catalogue.written(held) == file.read_text(), "run `python -m tests.words`"
    assert catalogue.compiled(held) == file.with_suffix(".mo").read_bytes(), "run `python -m tests.words`"


def _read(source: str, name: str = "payments/admin/orders.py") -> list[tuple[str, str]]:
    found = finding.of_python(finding.ROOT / name, source)
    return [(sentence.text, sentence.mark) for sentence in found]


def test_words_without_a_mark_are_found_in_python() -> None:
    assert _read('title = "Withdraw the order"') == [("Withdraw the order", "")]
    assert _read("def button(self):\n    return f'Withdraw {self.amount} now'") == [("Withdraw {amount} now", "")]
    assert _read('act = Act("withdraw", "Withdraw…", form=None)') == [("Withdraw…", "")]
    assert _read('title = lazy("Withdraw the order")') == [("Withdraw the order", "lazy")]
    assert _read('say("{count} of {whole}", count=1, whole=2)') == [("{count} of {whole}", "say")]
    assert _read("say(words)") == [("not a literal: say(words)", "")]


def test_what_is_kept_or_raised_is_marked_by_its_place() -> None:
    assert _read('journal.write("withdraw order", by=by)') == [("withdraw order", "told")]
    assert _read('raise Conflict(f"It is {order.status} already.")') == [("It is {status} already.", "told")]
    assert _read('raise Http404("There is no such act.")') == [("There is no such act.", "")]
    assert _read('sentence = "Nothing is done."', "payments/errors.py") == [("Nothing is done.", "told")]


def test_names_and_code_are_no_words() -> None:
    assert _read('"""A docstring of words."""\nurl = reverse("admin:index")\nraise TypeError("never do this")') == []
    assert _read('order = {"status": "PAID", "key": "some_name"}["status"]') == []


def _template(source: str) -> list[tuple[str, str]]:
    found = finding.of_template(Path(finding.ROOT / "templates/admin/index.html"), source)
    return [(sentence.text, sentence.mark) for sentence in found]


def test_visible_text_without_a_mark_is_found_in_templates() -> None:
    assert _template('<p class="dim">Nothing is done.</p>') == [("Nothing is done.", "")]
    assert _template('<a title="Where you are" href="/x">{{ name }}</a>') == [("Where you are", "")]
    assert _template('<p>{% translate "Nothing is done." %}</p>') == [("Nothing is done.", "say")]
    assert _template("{% blocktranslate %}To {{ name }}{% endblocktranslate %}") == [("To %(name)s", "say")]
    assert _template('{% chip _("Late") "bad" %}') == [("Late", "say")]
