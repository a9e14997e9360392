"""axe-core on a page that is open in the browser: what it finds that keeps somebody from using the page.

It comes from npm (``npm ci --prefix tests``) and is evaluated as a debugger would, which no content security policy
forbids: the page under test keeps its own.
"""

from functools import cache
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

SCRIPT = Path(__file__).resolve().parents[1] / "node_modules" / "axe-core" / "axe.min.js"
MISSING = "axe-core is missing: run `npm ci --prefix tests` (Debian: apt-get install nodejs npm) to look for it."
_LEVELS = ("serious", "critical")
_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
_NODES_TOLD = 3


@cache
def _source() -> str:
    return SCRIPT.read_text()


def findings(page: Page) -> list[str]:
    """Serious and critical issues, a line each: the rule, what it says, and the first elements it is about."""
    for frame in page.frames:  # it looks into frames where it finds itself
        frame.evaluate(_source())
    found: dict[str, Any] = page.evaluate(
        "rules => axe.run(document, {runOnly: {type: 'tag', values: rules}, resultTypes: ['violations']})", _RULES
    )
    return [
        f"{issue['id']}: {issue['help']} — "
        + "; ".join(
            f"{' '.join(str(part) for part in node['target'])} {_numbers(node)}".strip()
            for node in issue["nodes"][:_NODES_TOLD]
        )
        for issue in found["violations"]
        if issue["impact"] in _LEVELS
    ]


def _numbers(node: dict[str, Any]) -> str:
    """The measured contrast, where the issue is about one."""
    data = next((check["data"] for check in node["any"] if isinstance(check.get("data"), dict)), {})
    wanted = ("fgColor", "bgColor", "contrastRatio", "expectedContrastRatio")
    if not all(name in data for name in wanted):
        return ""
    return "({} on {}: {}, {} needed)".format(*(data[name] for name in wanted))
