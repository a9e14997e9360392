"""Which browser the stories and the pictures run in."""

from pathlib import Path

BROWSERS = (Path("/usr/bin/chromium-headless-shell"), Path("/usr/bin/chromium"))
"""Debian's. The shell is the same engine without the windows and pages nobody sees: a third less processor time."""

MISSING = "Chromium is missing: install the package chromium-headless-shell, or chromium."
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]


def found() -> Path | None:
    """The first that is installed."""
    return next((path for path in BROWSERS if path.exists()), None)
