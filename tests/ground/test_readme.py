"""README draws the state tables as they are. ``python -m tests.ground.test_readme`` draws them anew."""

import importlib
import re
from pathlib import Path

import portal

README = Path(portal.__file__).parent.parent / "README.md"
DRAWN = re.compile(r"(<!-- diagram: ([\w.]+) -->\n```mermaid\n).*?(\n```)", re.DOTALL)


def drawn_anew(text: str) -> str:
    def draw(match: re.Match[str]) -> str:
        module, _, table = match[2].rpartition(".")
        return match[1] + str(getattr(importlib.import_module(module), table).diagram()) + match[3]

    return DRAWN.sub(draw, text)


def test_the_diagrams_are_those_of_the_tables() -> None:
    text = README.read_text()
    assert len(DRAWN.findall(text)) == 3
    assert drawn_anew(text) == text


if __name__ == "__main__":
    import os

    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    django.setup()
    README.write_text(drawn_anew(README.read_text()))
