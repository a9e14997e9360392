"""Finding every sentence that reaches a person, in Python and in templates, without GNU gettext.

Python is read by its syntax tree. ``say``, ``lazy`` and ``counted`` mark what is said. What is kept or raised in
English and told again where it is shown is marked by its place: what an error says, and all of the modules of ``KEPT``.
Any other literal that looks like words is unmarked, and that is a mistake. Templates are read as Django's own
extractor reads them; their visible text must stand inside ``translate`` or ``blocktranslate``.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import cache
from pathlib import Path

from django.contrib.admin import site
from django.template.base import Lexer, TokenType
from django.utils import translation

from portal.words import TOLD

ROOT = Path(__file__).parents[2]

APPS = ("portal", "authorizations", "payments", "reconciliation")
"""The apps whose words are complete. Each has its catalogue in ``<app>/locale``; what is read here is of these."""

SILENT = (
    # The other side, the roof's tools, the machine room: nobody at the desk reads them.
    "portal/sandbox/*", "portal/simulation/*", "portal/miniprogram/*", "portal/demonstration/*",
    "portal/management/*", "*/migrations/*",
    "portal/settings.py", "portal/celery.py", "portal/wsgi.py", "portal/urls.py", "portal/checks.py",
    "portal/logs.py", "portal/metrics.py", "portal/measures.py", "portal/health.py", "portal/statements.py",
    "portal/gather.py", "portal/chain.py", "portal/clock.py", "portal/machine.py", "portal/encryption.py",
    "portal/work.py", "portal/due.py", "portal/outage.py", "portal/doorway.py", "portal/idempotency.py",
    "portal/words.py", "portal/tables.py", "reconciliation/copying.py",
    "portal/models/history.py", "portal/journal/guard.py", "portal/registry.py",
    "*/tasks.py", "*/schedule.py", "*/announcements.py",
    # The API speaks English: programs read it.
    "*/api/*",
    # The gateway's own words are the wire's; what they mean is in meanings.py and diagnosis.py.
    "portal/acquirer/__init__.py", "portal/acquirer/answering.py", "portal/acquirer/[ce-ln-z]*.py",
    "portal/acquirer/masking.py", "portal/acquirer/antom/__init__.py", "portal/acquirer/antom/[!m_]*",
    "portal/acquirer/alipayplus/__init__.py", "portal/acquirer/alipayplus/[!mp_]*",
    # The evidence pack is one document, in English, whoever takes it.
    "portal/evidence.py", "payments/evidence.py", "reconciliation/evidence.py", "reconciliation/letters.py",
    # A month's journal is a file for other programs.
    "reconciliation/journal_export.py",
)  # fmt: skip
SPOKEN = ("*/api/reasons.py", "portal/miniprogram/words.py")
"""Of what is silent, what a buyer is told all the same: by the page a wallet returns to, and by mini programs."""
KEPT = (
    # Kept or raised in English, told again where shown.
    "*/errors.py", "*/operations/*", "*/states.py", "*/models.py", "*/models/*", "portal/approvals/*",
    "portal/accounts.py", "portal/catalogue.py", "portal/people.py", "portal/incidents.py", "portal/gateways.py",
    "portal/actor.py",
    "portal/roles.py", "portal/factors.py", "portal/news.py", "portal/inbox.py", "portal/outbox/*",
    "portal/merchant_keys.py", "*/api/reasons.py",
    "portal/journal/*", "portal/sessions.py", "portal/money.py", "portal/acquirer/*", "*/four_eyes.py",
    "payments/bulk_files.py", "payments/bulk_refunds.py", "payments/subscriptions/policies.py",
    "payments/subscriptions/forecast.py", "payments/notifications.py", "payments/queries.py",
    "authorizations/notifications.py", "*/apps.py", "portal/admin/looks.py",
    "reconciliation/amounts.py", "reconciliation/books.py", "reconciliation/editions.py",
    "reconciliation/judging.py", "reconciliation/layouts.py", "reconciliation/lines.py",
    "reconciliation/matching.py", "reconciliation/outcomes.py", "reconciliation/periods.py", "reconciliation/reading/*",
    "reconciliation/row_types.py", "reconciliation/tie_out.py",
)  # fmt: skip

MARKS = {"say": 1, "lazy": 1, "counted": 2}
_NOT_FOR_PEOPLE = re.compile(
    r"(^|\.)(TypeError|ValueError|RuntimeError|LookupError|AssertionError|KeyError|NotImplementedError|reverse|"
    r"reverse_lazy|path|re_path|getattr|setattr|hasattr|has_perm|execute|TypeVar|compile|get_perms|partition|split|"
    r"logger\.\w+|_log\.\w+|import_module|strftime|strptime|annotate|values_list|only|defer|select_related)$"
)
_WORDS = re.compile(r"[0-9A-Za-z’'”»,;:…}.)]\s+[{A-Za-z–“(]")
_ONE_WORD = re.compile(r"[A-Z][a-z’]+(?:-[a-z]+)?[.…?]?")
_ASIDE = re.compile(
    r"^[A-Z][a-zA-Z]+Error$|<[a-z/]|^attachment;|^Lax$|^Bearer |; url=|\\|^(Autodebit|Antom)$"
    r"|^\(?(SELECT|PRAGMA|CREATE|DROP|INSERT|UPDATE|DELETE|PLAIN)\b|^[a-z]+/[a-z]"
)


@dataclass(frozen=True)
class Sentence:
    """What a person may read: its words, how it is marked (``""``: not at all), and where it stands."""

    text: str
    mark: str
    where: str
    many: str = ""
    sense: str = ""

    @property
    def key(self) -> tuple[str, str]:
        """What the catalogue knows it by: its context and its words."""
        return (TOLD if self.mark == TOLD else self.sense, self.text)


def python_files(app: str) -> Iterator[Path]:
    """The modules of an app that people read."""
    for file in sorted((ROOT / app).rglob("*.py")):
        name = str(file.relative_to(ROOT))
        is_silent = any(fnmatch(name, pattern) for pattern in SILENT)
        if not is_silent or any(fnmatch(name, pattern) for pattern in SPOKEN):
            yield file


def is_kept(name: str) -> bool:
    """Whether what a module says is kept or raised."""
    return any(fnmatch(name, pattern) for pattern in KEPT)


def of_python(file: Path, source: str | None = None) -> list[Sentence]:
    """The sentences of a module."""
    name = str(file.relative_to(ROOT))
    return list(_Reader(name, source if source is not None else file.read_text()).read())


def with_places(node: ast.expr) -> str:
    """The words of a literal, ``{…}`` where something else stands: named as it is best known."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    assert isinstance(node, ast.JoinedStr)
    taken: dict[str, str] = {}
    return "".join(
        str(part.value).replace("{", "{{").replace("}", "}}")
        if isinstance(part, ast.Constant)
        else f"{{{place_of(part, taken)}{_spec(part)}}}"
        for part in node.values
    )


def place_of(part: ast.expr, taken: dict[str, str]) -> str:
    """A name for what stands in an f-string, one for each different thing."""
    assert isinstance(part, ast.FormattedValue)
    wanted = _name(part.value)
    said = ast.unparse(part.value) + _spec(part)
    name, number = wanted, 2
    while taken.setdefault(name, said) != said:
        name, number = f"{wanted}{number}", number + 1
    return name


def _spec(part: ast.expr) -> str:
    assert isinstance(part, ast.FormattedValue)
    return f":{ast.unparse(part.format_spec)[2:-1]}" if part.format_spec else ""


def _name(node: ast.expr) -> str:
    match node:
        case ast.Name():
            return node.id.strip("_").lower()
        case ast.Attribute(attr="name" | "label" | "day" | "number", value=ast.Attribute(attr=owner)):
            return f"{owner}_{node.attr}"
        case ast.Attribute():
            return node.attr.strip("_")
        case ast.Subscript(slice=ast.Constant(value=str(key))):
            return re.sub(r"\W+", "_", key).strip("_")
        case ast.Subscript():
            return _name(node.value)
        case ast.Call(func=ast.Attribute(attr="join", value=ast.Constant()), args=[first, *_]):
            return _name(first)
        case ast.Call(func=ast.Attribute(attr=method, value=inner)) if method in _OF_TEXTS:
            return _name(inner)
        case ast.Call(func=ast.Name(id="str" | "len" | "brief"), args=[first, *_]):
            return _name(first)
        case ast.Call(func=ast.Attribute(attr="brief" | "Money"), args=[first, *_]):
            return _name(first)
        case ast.Call(func=ast.Name(id="Money"), args=[first, *_]):
            return _name(first)
        case ast.Call(func=ast.Name(id=word)):
            return word.strip("_")
        case ast.Call(func=ast.Attribute(attr=word)):
            shown = re.fullmatch(r"get_(\w+)_display", word)
            return shown[1] if shown else word.strip("_")
        case ast.BoolOp():
            return _name(node.values[0])
        case ast.BinOp():
            return _name(node.left) if not isinstance(node.left, ast.Constant) else _name(node.right)
        case ast.GeneratorExp() | ast.ListComp():
            return _name(node.elt)
        case ast.IfExp():
            return "ending" if isinstance(node.body, ast.Constant) else _name(node.body)
        case _:
            return "it"


_SMALLEST_WORDS = frozenset(("By", "Id", "Of", "On", "To"))
_SMALL_WORDS = frozenset(
    (
        "always", "any", "anybody", "discrepancies", "discrepancy", "everything", "never", "nobody", "nothing", "once",
        "shipped", "somebody",
    )
)  # fmt: skip
"""Words that stand in a cell alone."""
_OF_TEXTS = frozenset(("lower", "strip", "rstrip", "capitalize", "get_username", "replace"))


def looks_like_words(text: str) -> bool:
    """Whether a literal is something one would say, not a name or a piece of code."""
    if text in _SMALL_WORDS or text in _SMALLEST_WORDS:
        return True
    plain = re.sub(r"\{[^{}]*\}", "", text)
    if not re.search(r"[a-z]{2}", plain) or _ASIDE.search(text):
        return False
    return bool(_WORDS.search(text) or _ONE_WORD.fullmatch(text))


class _Reader:
    def __init__(self, name: str, source: str) -> None:
        self.name = name
        self.kept = is_kept(name)
        self.tree = ast.parse(source)
        self.parents = {child: node for node in ast.walk(self.tree) for child in ast.iter_child_nodes(node)}

    def read(self) -> Iterator[Sentence]:
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Call) and (mark := _called(node)) in MARKS:
                yield from self._marked(node, mark)
        yield from self._kinds_of_incidents()
        for node in self.literals():
            text = with_places(node)
            yield Sentence(text, self.mark_of(node), self.where(node))

    def _marked(self, node: ast.Call, mark: str) -> Iterator[Sentence]:
        given = node.args[: MARKS[mark]]
        if not all(isinstance(each, ast.Constant) and isinstance(each.value, str) for each in given):
            if mark != "lazy":
                yield Sentence(f"not a literal: {ast.unparse(node)[:80]}", "", self.where(node))
            return
        texts = [str(each.value) for each in given if isinstance(each, ast.Constant)]
        senses = [
            word.value.value for word in node.keywords if word.arg == "sense" and isinstance(word.value, ast.Constant)
        ]
        sense = str(senses[0]) if senses else ""
        yield Sentence(texts[0], mark, self.where(node), texts[1] if len(texts) > 1 else "", sense)

    def _kinds_of_incidents(self) -> Iterator[Sentence]:
        """``PAYMENT_UNKNOWN = "PAYMENT_UNKNOWN"`` and its like, as the desk shows the kind of an incident."""
        for node in self.tree.body:
            if isinstance(node, ast.Assign) and _named(node.targets[0]) in _INCIDENTS:
                for value in ast.walk(node.value):
                    if isinstance(value, ast.Constant) and re.fullmatch(r"[A-Z]+(_[A-Z]+)+", str(value.value)):
                        yield Sentence(str(value.value).replace("_", " ").capitalize(), TOLD, self.where(node))

    def literals(self) -> list[ast.expr]:
        """The literals that look like words and are marked by nothing but, perhaps, their place."""
        found = [
            node
            for node in ast.walk(self.tree)
            if isinstance(node, ast.Constant | ast.JoinedStr) and self._reaches_people(node)
        ]
        return sorted(found, key=lambda node: (node.lineno, node.col_offset))

    def _reaches_people(self, node: "ast.Constant | ast.JoinedStr") -> bool:
        if isinstance(node, ast.Constant) and not isinstance(node.value, str):
            return False
        if isinstance(node, ast.Constant) and node.value in _SMALL_WORDS and not self._stands_alone(node):
            return False
        act = self._act_of_journal(node)
        if not act and not looks_like_words(with_places(node)):
            return False
        child: ast.AST = node
        while (parent := self.parents.get(child)) is not None:
            match parent:
                case ast.Expr() if child is node:
                    return False  # a docstring
                case ast.JoinedStr() if child is node:
                    return False  # a piece of the sentence around it
                case ast.FormattedValue() if parent.format_spec is child:
                    return False
                case ast.Subscript() if parent.slice is child and child is node:
                    return False
                case ast.Compare() if child is node:
                    return False
                case ast.Dict() if child is node and node in parent.keys:
                    return False
                case ast.AnnAssign() | ast.arg() if parent.annotation is child:
                    return False
                case ast.FunctionDef() if parent.returns is child:
                    return False
                case ast.Assign() if any(_named(target) in _NAMES_OF_THINGS for target in parent.targets):
                    return False
                case ast.keyword() if parent.arg in ("key", *_NAMES_OF_THINGS):
                    return False
                case ast.Call() if child is not parent.func:
                    called = ast.unparse(parent.func)
                    if _called(parent) in MARKS and child in parent.args[: MARKS[_called(parent)]]:
                        return False
                    if _NOT_FOR_PEOPLE.search(called) or called in _TO_MACHINES:
                        return False
                case ast.FunctionDef() if parent.name in {"__str__", "__repr__"} and not self.kept:
                    return False
                case _:
                    pass
            child = parent
        return True

    def _stands_alone(self, node: ast.Constant) -> bool:
        """Whether a small word is what a cell or a choice says, and not a key."""
        match self.parents.get(node):
            case ast.BoolOp() | ast.IfExp() | ast.Return():
                return True
            case ast.Tuple(elts=[ast.Constant(value=""), *_]):
                return True
            case _:
                return False

    def _act_of_journal(self, node: ast.AST) -> bool:
        parent = self.parents.get(node)
        return (
            isinstance(parent, ast.Call)
            and ast.unparse(parent.func).endswith("journal.write")
            and bool(parent.args)
            and parent.args[0] is node
        )

    def mark_of(self, node: ast.expr) -> str:
        """How its place marks it: told, where it is kept or raised; else not at all."""
        if self.kept or self._act_of_journal(node):
            return TOLD
        child: ast.AST = node
        while (parent := self.parents.get(child)) is not None:
            if isinstance(parent, ast.Assign) and any(_named(target) in _KEPT_NAMES for target in parent.targets):
                return TOLD
            if (
                isinstance(parent, ast.Call)
                and ast.unparse(parent.func).endswith(_KEEPERS)
                and child is not parent.func
            ):
                return TOLD
            if isinstance(parent, ast.Raise) and "ValidationError" not in ast.unparse(parent)[:40]:
                return "" if "Http404" in ast.unparse(parent)[:14] else TOLD
            if isinstance(parent, ast.ClassDef):
                bases = {ast.unparse(base).rpartition(".")[2] for base in parent.bases}
                if bases & _ERRORS or any(base.endswith("Choices") for base in bases):
                    return TOLD
            child = parent
        return ""

    def where(self, node: ast.AST) -> str:
        return f"{self.name}:{getattr(node, 'lineno', 0)}"


_ERRORS = {"PortalError", "Conflict", "NotAllowed", "NotFound", "InvalidInput"}
_TO_MACHINES = {"Right", "registry.due_work.register", "registry.today.register", "registry.searches.register"}
_NAMES_OF_THINGS = ("permissions", "acts_in_timeline", "TYPES", "number_format", "site_header", "site_title")
"""Names that the code knows things by; nobody reads them."""
_KEPT_NAMES = ("section", "SECTIONS")
"""Names that the code knows things by, and that are told where they are shown."""
_INCIDENTS = (
    "APPROVAL_BROKEN_GLASS", "APPROVAL_FOUND_WRONG", "CANCEL_REFUSED", "CONTRADICTION", "DISABLED", "FAILED",
    "FEE_DRIFT", "FORGERY", "GIVEN_UP", "JOURNAL_BROKEN", "LAYOUT_CHANGED", "NOT_SENT", "PAUSED", "REFRESH_REFUSED",
    "REFUND_CONTRADICTION", "REFUND_UNKNOWN", "REVERSALS", "REVOKE_REFUSED", "UNAPPLIED", "UNBELIEVED",
    "UNKNOWN_TOO_LONG", "WORK_FAILED",
)  # fmt: skip
"""Constants that hold a kind of incident."""
_KEEPERS = ("journal.write", "raise_incident", "incidents.settle", "approvals.permit", "_permit", "_write", "_draft")
"""Calls that keep what they are given."""


def _called(node: ast.Call) -> str:
    return node.func.id if isinstance(node.func, ast.Name) else ""


def _named(target: ast.expr) -> str:
    if isinstance(target, ast.Tuple):
        return _named(target.elts[0])
    return ast.unparse(target).rpartition(".")[2]


_CODES_IN = {
    "portal": (
        "portal/acquirer/diagnosis.py", "portal/acquirer/client.py", "portal/acquirer/errors.py",
        "portal/outbox/sending.py", "portal/actor.py", "portal/acquirer/results.py:SignatureVerdict",
    ),
    "payments": ("payments/states.py:ReasonCode",),
    "reconciliation": ("reconciliation/models.py:Resolution",),
}  # fmt: skip
"""Modules, or classes of theirs, whose codes the desk shows as words: ``read_timeout``, ``MERCHANT_SERVER``."""


def of_codes(app: str) -> Iterator[Sentence]:
    """Codes as words, written small."""
    for place in _CODES_IN.get(app, ()):
        name, _, wanted = place.partition(":")
        tree: ast.AST = ast.parse((ROOT / name).read_text())
        if wanted:
            tree = next(node for node in ast.walk(tree) if isinstance(node, ast.ClassDef) and node.name == wanted)
        for node in ast.walk(tree):
            text = node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
            is_code = re.fullmatch(r"[a-z]+(_[a-z]+)+", text)
            if is_code or (re.fullmatch(r"[A-Z]+(_[A-Z]+)*", text) and (wanted or "actor" in name)):
                yield Sentence(text.replace("_", " ").lower(), TOLD, f"{name}:{getattr(node, 'lineno', 0)}")


_OF_TELLING = (
    Sentence(", or ", "say", "portal/words.py", sense="between"),
    Sentence(" or ", "say", "portal/words.py", sense="between"),
    Sentence(" and ", "say", "portal/words.py", sense="between"),
    Sentence("{year}{month}-{day}{hour}", "say", "portal/words.py", sense="a day"),
    Sentence("{year}-{month}", "say", "portal/words.py", sense="a month"),
)
"""What telling again itself says."""

# Models: the names that lists and menus make from them.


def of_models(app: str) -> Iterator[Sentence]:
    """How the desk calls the kinds of things of an app, and the fields its lists show as they are."""
    for model_admin in site._registry.values():
        opts = model_admin.opts
        where = f"{opts.label}"
        if app_of(opts.app_label) != app:
            continue
        for text in (opts.verbose_name, opts.verbose_name_plural):
            yield Sentence(str(text).lower() if str(text).isupper() else str(text), TOLD, where)
        shown = {name for name in (*model_admin.list_display, *model_admin.list_filter) if isinstance(name, str)}
        for field in opts.get_fields():
            if getattr(field, "name", "") in shown and not hasattr(model_admin, field.name):
                yield Sentence(str(getattr(field, "verbose_name", field.name)), TOLD, f"{where}.{field.name}")


def app_of(label: str) -> str:
    """Whose catalogue holds the words about a Django app."""
    return label if label in APPS else "portal"


# Templates.

_TEMPLATE_SILENT = ("api/*",)
"""The page that describes the API: it is English like the API."""
_BLOCK = re.compile(r"^(?:block)?trans(?:late)?\b|^block(?:trans|translate)\b")
_TAGS = re.compile(r"<(script|style|symbol)\b.*?</\1>|<!--.*?-->|<[^>]*>", re.DOTALL)
_ATTRIBUTES = re.compile(
    r'\b(?:title|aria-label|placeholder|alt|data-closed|data-again|data-place|data-copied|data-units|data-left|data-passed)="([^"]*)"'
)
_LITERAL = re.compile(r'^(?:trans|translate)\s+"([^"]*)"(?: context "([^"]*)")?')
_IN_TAG = re.compile(r'_\("([^"]*)"\)')


def template_files(app: str) -> Iterator[Path]:
    """The templates of an app that people read."""
    folder = ROOT / "templates"
    for file in sorted(folder.rglob("*.html")):
        name = str(file.relative_to(folder))
        owner = name.split("/", maxsplit=1)[0] if name.split("/", maxsplit=1)[0] in APPS else "portal"
        if owner == app and not any(fnmatch(name, pattern) for pattern in _TEMPLATE_SILENT):
            yield file


def of_template(file: Path, source: str | None = None) -> Iterator[Sentence]:
    """The sentences of a template: what is marked, and the visible text that is not."""
    text = file.read_text() if source is None else source
    where = str(file.relative_to(ROOT))
    plain, tokens = "", iter(Lexer(text).tokenize())
    for token in tokens:
        place = f"{where}:{token.lineno}"
        if token.token_type == TokenType.TEXT:
            plain += token.contents
            continue
        yield from (Sentence(found, "say", place) for found in _IN_TAG.findall(token.contents))
        if token.token_type != TokenType.BLOCK:
            continue
        if found := _LITERAL.match(token.contents):
            yield Sentence(found[1].replace("%", "%%"), "say", place, sense=found[2] or "")
        elif token.contents.startswith("blocktrans"):
            yield _block(tokens, place)
    for visible in (*_ATTRIBUTES.findall(plain), *re.split(r"\n|\s{2,}", _TAGS.sub("\n", plain))):
        if re.search(r"[A-Za-z]{2}", re.sub(r"&\w+;", "", visible)) and visible.strip() not in _AS_THEY_ARE:
            yield Sentence(visible.strip(), "", where)


_AS_THEY_ARE = frozenset(
    (
        "Autodebit",
        "· Autodebit",
        "HTTP",
        "URL",
        "CSV",
        "XLSX",
        "Authorization: Bearer …",
        "goodwaitbad",
        "goodbad",
        "good",
        "wait",
        "bad",
    )
)


def _block(tokens: Iterator[object], where: str) -> Sentence:
    one, held = "", ""
    for token in tokens:
        kind, contents = token.token_type, token.contents  # type: ignore[attr-defined]
        if kind == TokenType.BLOCK and contents.startswith("endblocktrans"):
            break
        if kind == TokenType.BLOCK and contents == "plural":
            one, held = held, ""
        elif kind == TokenType.VAR:
            held += f"%({contents})s"
        else:
            held += contents.replace("%", "%%")
    if one:
        return Sentence(one, "say", where, held)
    return Sentence(held, "say", where)


@cache
def everything(app: str) -> list[Sentence]:
    """All sentences of an app, marked and unmarked."""
    with translation.override("en"):
        names = list(of_models(app))
    found = [sentence for file in python_files(app) for sentence in of_python(file)]
    found += [sentence for file in template_files(app) for sentence in of_template(file)]
    return [*found, *names, *of_codes(app), *(_OF_TELLING if app == "portal" else ())]
