"""Nothing above the gateway knows which acquirer it speaks to: not by an import, not by a word.

What is searched is the source as it is written, comments and docstrings too; only links to public pages may carry a
name, since they say where something is documented. Aside are the places whose subject is one acquirer:

    portal/acquirer                the adapters themselves
    portal/sandbox                 the other party
    portal/demonstration           makes accounts to show
    portal/simulation              has a shop at each, to tell histories of both
    migrations                     what was once written into rows
    AcquirerAccount.Adapter        the choice of an account

The report layouts of ``reconciliation`` are documents of an acquirer, and are not aside: a file is recognised by its
header, whoever sent it, so the words for it are the report's own (``settlement``, ``transactionItems``).
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import portal
from portal.acquirer.adapters import ADAPTERS
from portal.models import AcquirerAccount

ROOT = Path(portal.__file__).parent.parent
APPS = ("portal", "authorizations", "payments", "reconciliation", "templates")
KINDS = {".py", ".html", ".txt", ".js", ".css", ".svg", ".json"}
ASIDE = ("portal/acquirer/", "portal/sandbox/", "portal/demonstration/", "portal/simulation/")
CHOICES = "portal/models/accounts.py"
_CHOICE = re.compile(r'^        [A-Z]+ = "\w+", "[^"]+"$|\bdefault=Adapter\.[A-Z]+\b')
_LINK = re.compile(r"https?://[^\s\"'<>)]+")


def _names() -> set[str]:
    """What each acquirer is called: its package, the choice's value, its label."""
    packages = {path.parent.name for path in (ROOT / "portal/acquirer").glob("*/__init__.py")}
    chosen = {word for value, label in AcquirerAccount.Adapter.choices for word in (value, str(label))}
    return {name.lower() for name in packages | chosen | set(ADAPTERS)}


_NAME = re.compile("|".join(re.escape(name).replace("\\+", r"(?:\+|[ _-]?plus)") for name in sorted(_names())), re.I)


def _found_in(text: str) -> Iterator[tuple[int, str]]:
    """The lines that name an acquirer outside a link."""
    for number, line in enumerate(text.splitlines(), 1):
        if _NAME.search(_LINK.sub("", line)):
            yield number, line


def _files() -> Iterator[Path]:
    for app in APPS:
        for path in sorted((ROOT / app).rglob("*")):
            name = path.relative_to(ROOT).as_posix()
            if path.suffix in KINDS and not name.startswith(ASIDE) and "/migrations/" not in name:
                yield path


def test_no_acquirer_is_named_above_the_gateway() -> None:
    said = {
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in _files()
        for number, line in _found_in(path.read_text())
        if not (path == ROOT / CHOICES and _CHOICE.search(line))
    }
    assert said == set()


@pytest.mark.parametrize(
    "line",
    [
        "from portal.acquirer.antom import codes",
        "if account.adapter == Adapter.ALIPAYPLUS:",
        "# Antom says so, https://docs.antom.com/ac/ams/authconsult",
        'say("Alipay+ wants")',
        "alipay_plus = 1",
    ],
)
def test_a_name_is_found(line: str) -> None:
    assert list(_found_in(line)) == [(1, line)]


@pytest.mark.parametrize("line", ["Source: https://docs.antom.com/ac/ams/authconsult", 'wallet = "ALIPAY_CN"'])
def test_a_link_and_a_wallet_are_no_names(line: str) -> None:
    assert list(_found_in(line)) == []


def test_every_choice_of_an_account_that_is_offered_speaks() -> None:
    assert set(ADAPTERS) <= set(AcquirerAccount.Adapter.values)
