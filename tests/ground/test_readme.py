"""README draws the tables as they are: states, roles. ``python -m tests.ground.test_readme`` draws them anew."""

import importlib
import re
from dataclasses import asdict
from pathlib import Path

import portal
from portal import registry
from portal.approvals import when_words
from portal.models import ApprovalRule

README = Path(portal.__file__).parent.parent / "README.md"
RULES = re.compile(r"(<!-- approvals -->\n)(?:\|[^\n]*\n)*\n")
ROLES = re.compile(r"(<!-- table: portal\.roles -->\n).*?(\n\n)", re.DOTALL)
DRAWN = re.compile(r"(<!-- diagram: ([\w.]+) -->\n```mermaid\n).*?(\n```)", re.DOTALL)


def drawn_anew(text: str) -> str:
    def draw(match: re.Match[str]) -> str:
        module, _, table = match[2].rpartition(".")
        return match[1] + str(getattr(importlib.import_module(module), table).diagram()) + match[3]

    roles = importlib.import_module("portal.roles")
    return ROLES.sub(lambda match: match[1] + str(roles.table()) + match[2], DRAWN.sub(draw, text))


def rules_table() -> str:
    """The approval rules as the code brings them."""
    lines = ["| Act | Asked for by | A second person | Who decides |", "|---|---|---|---|"]
    for kind, entry in registry.approvals.items():
        for default in entry.defaults:
            rule = ApprovalRule(kind=kind, **{**asdict(default), "approvers": list(default.approvers)})
            cells = (entry.label, rule.role or "anybody", when_words(rule), " or ".join(rule.approvers))
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def with_rules(text: str) -> str:
    return RULES.sub(lambda match: f"{match[1]}{rules_table()}\n\n", text)


def test_the_approval_rules_are_those_of_the_code() -> None:
    text = README.read_text()
    assert len(RULES.findall(text)) == 1
    assert with_rules(text) == text


def test_the_diagrams_are_those_of_the_tables() -> None:
    text = README.read_text()
    assert len(DRAWN.findall(text)) == 6
    assert len(ROLES.findall(text)) == 1
    assert drawn_anew(text) == text


if __name__ == "__main__":
    import os

    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    django.setup()
    README.write_text(with_rules(drawn_anew(README.read_text())))
