"""What the mini program is checked and run with: Node, and the packages of ``tests/package.json``."""

import shutil
import subprocess
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
MODULES = TESTS / "node_modules"
MISSING = (
    "Node, TypeScript or ESLint is missing: run `npm ci --prefix tests` (Debian: apt-get install nodejs npm) to check "
    "and run the mini program."
)
_TSC = MODULES / "typescript" / "bin" / "tsc"
_ESLINT = MODULES / "eslint" / "bin" / "eslint.js"
_RULES = Path(__file__).parent / "eslint.config.mjs"
_PATIENCE_SECONDS = 150


def node() -> str | None:
    """The program, where all of it is there."""
    return shutil.which("node") if _TSC.exists() and _ESLINT.exists() else None


def type_check(folder: Path) -> str:
    """What TypeScript has against the folder; empty for nothing."""
    return _said([str(_TSC), "--project", str(folder), "--pretty", "false"], folder)


def lint(folder: Path) -> str:
    """What ESLint has against it."""
    return _said([str(_ESLINT), "--config", str(_RULES), "--max-warnings", "0", "."], folder)


def _said(command: list[str], folder: Path) -> str:
    program = node()
    assert program is not None
    done = subprocess.run(
        [program, *command], cwd=folder, capture_output=True, text=True, timeout=_PATIENCE_SECONDS, check=False
    )
    return "" if done.returncode == 0 else done.stdout + done.stderr or f"it ended with {done.returncode}"
