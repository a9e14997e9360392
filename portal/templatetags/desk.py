"""What the desk's templates ask for: icons, a ledger's list and its filters."""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django import forms, template
from django.contrib.admin.utils import label_for_field, lookup_field
from django.core.exceptions import ObjectDoesNotExist
from django.db.models.options import Options
from django.forms import BoundField
from django.utils.html import format_html
from django.utils.safestring import SafeString

from portal import clock, words
from portal.admin import display
from portal.admin.paging import SORT, VIEW, KeysetList
from portal.money import Money
from portal.registry import TodayLine

register = template.Library()


@register.filter
def told(value: Any, whose: str = "") -> Any:
    """What was kept in English, in the reader's language; markup, and values of other kinds, as they are.

    With ``"ours"``, what nobody but the code can have written.
    """
    return display.as_told(value, is_ours=whose == "ours")


@register.simple_tag
def icon(name: str) -> SafeString:
    """A symbol of the sprite."""
    return display.icon(name)


@register.filter
def add_url(opts: "Options[Any]") -> str:
    """The name of a model's add page."""
    return f"admin:{opts.app_label}_{opts.model_name}_add"


@register.filter
def widget_kind(field: BoundField) -> str:
    """``tick`` for one checkbox, ``ticks`` for several choices as checkboxes or radios, else empty."""
    widget = field.field.widget
    if isinstance(widget, forms.CheckboxInput):
        return "tick"
    return "ticks" if isinstance(widget, forms.RadioSelect | forms.CheckboxSelectMultiple) else ""


@register.filter
def with_told_choices(field: BoundField) -> BoundField:
    """A form's field whose choices are labels of the code: they are told in the reader's language."""
    widget: Any = field.field.widget
    if isinstance(field.field, forms.ChoiceField) and not isinstance(field.field, forms.ModelChoiceField):
        widget.choices = [(value, display.as_told(label)) for value, label in widget.choices]
    return field


@register.inclusion_tag("admin/ledger/filters.html")
def ledger_filters(cl: KeysetList) -> dict[str, Any]:
    """The filters above a list: questions as buttons, the rest as menus, and the exact-id box."""
    questions: list[dict[str, Any]] = []
    problems: list[str] = []
    menus: list[dict[str, Any]] = []
    for spec in cl.filter_specs:
        chosen: Any
        choices = [
            {"label": words.told(choice["display"]), "url": choice["query_string"], "selected": choice["selected"]}
            for choice in spec.choices(cl)
        ]
        if getattr(spec, "is_row", False):
            # Pressing the question that is asked takes it back: the first choice is "all".
            everything = choices[0]["url"]
            questions += [
                {**choice, "url": everything if choice["selected"] else choice["url"]} for choice in choices[1:]
            ]
            continue
        menu: dict[str, Any] = {"title": words.told(str(spec.title).capitalize()), "choices": choices}
        if getattr(spec, "is_range", False):
            ranged: Any = spec
            problems += [ranged.problem] if ranged.problem else []
            chosen = " ".join(ranged.in_words())
            menu |= {"asked": ranged.asked(), "note": ranged.note, "kept": kept_of(cl, without=ranged.parameter_names)}
        else:
            named = choices[1 if getattr(spec, "is_optional", True) else 0 :]  # the first one takes the others back
            chosen = next((str(choice["label"]) for choice in named if choice["selected"]), "")
        menus.append({**menu, "chosen": chosen})
    kept = kept_of(cl)
    return {
        "questions": questions,
        "menus": menus,
        "problems": problems,
        "orders": cl.orders(),
        "has_search": bool(cl.search_fields),
        "searched": cl.query,
        "kept": kept,
        "is_narrowed": _is_narrowed(cl),
        "clear_url": cl.get_query_string(remove=[name for name in cl.filter_params if name not in {SORT, VIEW}]),
    }


def kept_of(cl: KeysetList, *, without: Sequence[str] = ()) -> list[tuple[str, str]]:
    """What a form of the list carries along, so that one filter does not take back the others."""
    return [
        (name, value)
        for name, values in cl.filter_params.items()
        for value in (values if isinstance(values, list) else [values])
        if name not in without
    ]


@register.inclusion_tag("admin/ledger/list.html")
def ledger_list(cl: KeysetList, desk: Any, acts: Sequence[Any] = ()) -> dict[str, Any]:
    """The table of a list, its range in words, and the way to newer and older rows; ticks where an act takes them."""
    heads = []
    for name in cl.list_display:
        title, attribute = label_for_field(name, cl.model, model_admin=cl.model_admin, return_attr=True)
        heads.append((words.told(str(title)[:1].upper() + str(title)[1:]), _cell_class(attribute)))
    rows = [
        (
            result.pk,
            [
                (_cell(cl, result, name, is_first=index == 0), heads[index][1])
                for index, name in enumerate(cl.list_display)
            ],
        )
        for result in cl.result_list
    ]
    return {
        "label": words.told(str(cl.opts.verbose_name_plural)),
        "heads": heads,
        "rows": rows,
        "is_chosen_from": any(act.of_chosen for act in acts),
        "range": cl.in_words(),
        "first": cl.first,
        "newer": cl.newer,
        "older": cl.older,
        "last": cl.last,
        "is_beyond": cl.has_newer,
        "is_narrowed": _is_narrowed(cl),
        "empty_title": getattr(desk, "empty_title", words.say("Nothing here yet")),
        "empty_text": getattr(desk, "empty_text", ""),
    }


def _is_narrowed(cl: KeysetList) -> bool:
    return any(name not in {SORT, VIEW} for name in cl.params)


def _cell_class(attribute: Any) -> str:
    return str(getattr(attribute, "cell_class", ""))


def _cell(cl: KeysetList, result: Any, name: Any, *, is_first: bool) -> Any:
    try:
        field, _, value = lookup_field(name, result, cl.model_admin)
    except ObjectDoesNotExist:
        return display.NOTHING
    if field is not None and getattr(field, "flatchoices", None):
        value = words.told(dict(field.flatchoices).get(value, value))
    if value is None or value == "":
        value = display.NOTHING
    elif isinstance(value, datetime):
        value = display.when(value)
    value = display.as_told(value)
    if not is_first:
        return value
    url = cl.url_for_result(result)
    kept = cl.preserved_filters
    return format_html('<a href="{}">{}</a>', f"{url}?{kept}" if kept else url, value)


@register.filter
def line_chip(line: TodayLine) -> SafeString:
    """The state of a line of the queue, and since when."""
    age = clock.now() - line.since
    return display.chip(
        f"{words.told(line.label)} {display.span(age)}" if age >= timedelta(minutes=1) else line.label, line.tone
    )


@register.filter
def amount_text(text: str) -> SafeString | str:
    """``1,240.00 PHP`` with the currency small behind the figure."""
    figure, _, currency = text.rpartition(" ")
    if not figure:
        return text
    return format_html('<span class="money">{}<span class="cur">{}</span></span>', figure, currency)


@register.filter
def moment(at: datetime) -> SafeString | str:
    """The moment itself; exact on hover."""
    return display.stamp(at, seconds=False)


@register.filter
def when(moment: datetime) -> SafeString | str:
    """A time, relative; exact on hover."""
    return display.when(moment)


@register.filter
def countdown(until: datetime) -> SafeString:
    """How long is left until a moment."""
    return display.countdown(until)


@register.simple_tag
def chip(word: str, tone: str = "") -> SafeString:
    """A state: icon and word."""
    return display.chip(word, tone)


@register.simple_tag
def figure(number: Any) -> SafeString | str:
    """A figure of the first page: a link to the rows it counts, where there are any."""
    shown = display.money(number.shown) if isinstance(number.shown, Money | None) else number.shown
    return display.link(number.url, shown)


@register.filter
def money(amount: Money | None) -> SafeString | str:
    """An amount with its currency small behind it."""
    return display.money(amount)


@register.filter
def crumb(thing: object) -> str:
    """A thing's name in the line that says where one is."""
    return display.crumb(words.told(thing, is_ours=True))


@register.filter
def lead(sentence: Any) -> SafeString:
    """A sentence of a timeline whose news stands before the colon: ``Paid: the answer to pay said so``."""
    news, colon, rest = _at_colon(str(sentence))
    return (
        format_html("<b>{}</b>{}", f"{news}{colon}".rstrip(), f" {rest}" if colon == ": " else rest)
        if colon
        else format_html("{}", sentence)
    )


@register.filter
def head_of(sentence: str) -> str:
    """What stands before the colon: the thing a line is about."""
    return _at_colon(sentence)[0]


@register.filter
def rest_of(sentence: str) -> str:
    """What stands behind the colon: what is the matter with it."""
    return _at_colon(sentence)[2]


def _at_colon(sentence: str) -> tuple[str, str, str]:
    """Both sides of the first colon, of whichever width."""
    found = re.search(": |：", sentence)
    return (sentence[: found.start()], found[0], sentence[found.end() :]) if found else (sentence, "", "")
