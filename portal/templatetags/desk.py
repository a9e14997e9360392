"""What the desk's templates ask for: icons, a ledger's list and its filters."""

from datetime import datetime, timedelta
from typing import Any

from django import forms, template
from django.contrib.admin.utils import label_for_field, lookup_field
from django.contrib.admin.views.main import PAGE_VAR, SEARCH_VAR, ChangeList
from django.core.exceptions import ObjectDoesNotExist
from django.db.models.options import Options
from django.forms import BoundField
from django.utils.html import format_html
from django.utils.safestring import SafeString

from portal import clock
from portal.admin import display
from portal.admin.ledger import COUNT_AT_MOST
from portal.money import Money
from portal.registry import TodayLine

register = template.Library()


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


@register.inclusion_tag("admin/ledger/filters.html")
def ledger_filters(cl: ChangeList) -> dict[str, Any]:
    """The filters above a list: questions as buttons, the rest as menus, and the exact-id box."""
    questions: list[dict[str, Any]] = []
    menus: list[dict[str, Any]] = []
    for spec in cl.filter_specs:
        choices = [
            {"label": choice["display"], "url": choice["query_string"], "selected": choice["selected"]}
            for choice in spec.choices(cl)
        ]
        if getattr(spec, "is_row", False):
            # Pressing the question that is asked takes it back: the first choice is "all".
            everything = choices[0]["url"]
            questions += [
                {**choice, "url": everything if choice["selected"] else choice["url"]} for choice in choices[1:]
            ]
        else:
            chosen = next((choice["label"] for choice in choices[1:] if choice["selected"]), "")
            menus.append({"title": str(spec.title).capitalize(), "choices": choices, "chosen": chosen})
    kept = [
        (name, value)
        for name, values in cl.filter_params.items()
        for value in (values if isinstance(values, list) else [values])
    ]
    return {
        "questions": questions,
        "menus": menus,
        "has_search": bool(cl.search_fields),
        "searched": cl.query,
        "kept": kept,
        "is_narrowed": _is_narrowed(cl),
    }


@register.inclusion_tag("admin/ledger/list.html")
def ledger_list(cl: ChangeList, desk: Any) -> dict[str, Any]:
    """The table of a list, its range in words, and the way to newer and older rows."""
    heads = []
    for name in cl.list_display:
        title, attribute = label_for_field(name, cl.model, model_admin=cl.model_admin, return_attr=True)
        heads.append((str(title)[:1].upper() + str(title)[1:], _cell_class(attribute)))
    rows = [
        [(_cell(cl, result, name, is_first=index == 0), heads[index][1]) for index, name in enumerate(cl.list_display)]
        for result in cl.result_list
    ]
    first = (cl.page_num - 1) * cl.list_per_page + 1
    total = f"more than {COUNT_AT_MOST:,}" if cl.result_count > COUNT_AT_MOST else f"{cl.result_count:,}"
    last = first + len(rows) - 1
    is_last = last >= cl.result_count or last >= COUNT_AT_MOST
    return {
        "label": str(cl.opts.verbose_name_plural),
        "heads": heads,
        "rows": rows,
        "range": f"{first:,}–{last:,} of {total}",
        "newer": cl.get_query_string({PAGE_VAR: cl.page_num - 1}) if cl.page_num > 1 else "",
        "older": "" if is_last else cl.get_query_string({PAGE_VAR: cl.page_num + 1}),
        "is_narrowed": _is_narrowed(cl),
        "empty_title": getattr(desk, "empty_title", "Nothing here yet"),
        "empty_text": getattr(desk, "empty_text", ""),
    }


def _is_narrowed(cl: ChangeList) -> bool:
    return bool(cl.query or any(name not in {PAGE_VAR, SEARCH_VAR} for name in cl.params))


def _cell_class(attribute: Any) -> str:
    return str(getattr(attribute, "cell_class", ""))


def _cell(cl: ChangeList, result: Any, name: Any, *, is_first: bool) -> Any:
    try:
        field, _, value = lookup_field(name, result, cl.model_admin)
    except ObjectDoesNotExist:
        return display.NOTHING
    if field is not None and getattr(field, "flatchoices", None):
        value = dict(field.flatchoices).get(value, value)
    if value is None or value == "":
        value = display.NOTHING
    if not is_first:
        return value
    url = cl.url_for_result(result)
    kept = cl.preserved_filters
    return format_html('<a href="{}">{}</a>', f"{url}?{kept}" if kept else url, value)


@register.filter
def line_chip(line: TodayLine) -> SafeString:
    """The state of a line of the queue, and since when."""
    age = clock.now() - line.since
    return display.chip(f"{line.label} {display.span(age)}" if age >= timedelta(minutes=1) else line.label, line.tone)


@register.filter
def amount_text(text: str) -> SafeString | str:
    """``1,240.00 PHP`` with the currency small behind the figure."""
    figure, _, currency = text.rpartition(" ")
    if not figure:
        return text
    return format_html('<span class="money">{}<span class="cur">{}</span></span>', figure, currency)


@register.filter
def when(moment: datetime) -> SafeString | str:
    """A time, relative; exact on hover."""
    return display.when(moment)


@register.simple_tag
def chip(word: str, tone: str = "") -> SafeString:
    """A state: icon and word."""
    return display.chip(word, tone)


@register.filter
def money(amount: Money | None) -> SafeString | str:
    """An amount with its currency small behind it."""
    return display.money(amount)


@register.filter
def crumb(thing: object) -> str:
    """A thing's name in the line that says where one is."""
    return display.crumb(str(thing))


@register.filter
def head_of(sentence: str) -> str:
    """What stands before the colon: the thing a line is about."""
    return sentence.partition(": ")[0]


@register.filter
def rest_of(sentence: str) -> str:
    """What stands behind the colon: what is the matter with it."""
    return sentence.partition(": ")[2]
