"""Pieces that the console's pages are made of."""

from collections.abc import Sequence

from portal.sandbox.pages.markup import Html, html, nothing

_CARD = """<section class="card"><header><h2>{title}</h2>{more}</header>{body}</section>"""
_TABLE = (
    """<div class="scroll" tabindex="0" role="region" aria-label="Rows">"""
    """<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>"""
)


def card(title: str, body: Html, *, more: tuple[str, str] | None = None) -> Html:
    """A card with a title, and perhaps a link beside it."""
    link = html('<a href="{to}">{words}</a>', to=more[0], words=more[1]) if more else nothing()
    return html(_CARD, title=title, more=link, body=body)


def table(heads: Sequence[str], rows: Sequence[Sequence[object]], empty: str) -> Html:
    """A table that scrolls inside its card; a head that begins with ``#`` is a column of numbers."""
    if not rows:
        return html('<p class="in dim">{empty}</p>', empty=empty)
    numeric = [head.startswith("#") for head in heads]
    return html(
        _TABLE,
        heads=[_cell("th", head.lstrip("#"), number) for head, number in zip(heads, numeric, strict=True)],
        rows=[
            html(
                "<tr>{cells}</tr>",
                cells=[_cell("td", cell, number) for cell, number in zip(row, numeric, strict=True)],
            )
            for row in rows
        ],
    )


def _cell(name: str, content: object, number: bool) -> Html:
    mark = Html(' class="num"') if number else nothing()
    return html("<{name}{mark}>{content}</{name}>", name=Html(name), mark=mark, content=content)


def form(act: str, back: str, body: Html, *, style: str = "") -> Html:
    """A form that does one act and comes back."""
    return html(
        '<form method="post" action="/console/act" class="{style}"><input type="hidden" name="act" value="{act}">'
        '<input type="hidden" name="back" value="{back}">{body}</form>',
        style=style,
        act=act,
        back=back,
        body=body,
    )


def act_button(act: str, words: str, back: str, *, style: str = "", **fields: object) -> Html:
    """A button that does one act."""
    hidden = [
        html('<input type="hidden" name="{name}" value="{value}">', name=name, value=value)
        for name, value in fields.items()
    ]
    button = html('<button class="btn {style}">{words}</button>', style=style, words=words)
    return form(act, back, html("{hidden}{button}", hidden=hidden, button=button), style="inline")


def field(words: str, control: Html) -> Html:
    """A labelled control."""
    return html("<label>{words}{control}</label>", words=words, control=control)
