"""Imports go down: every module stands in a layer, since an unlisted module is an unchecked one."""

import pkgutil
import tomllib
from pathlib import Path

import portal

ROOT = Path(portal.__file__).parent.parent
OUTSIDE = {"sandbox", "migrations"}
"""The other party has contracts of its own; migrations are imported by nobody."""


def test_every_module_of_portal_stands_in_a_layer() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = next(contract for contract in contracts if contract["type"] == "layers")["layers"]
    listed = {name.strip(" ()") for layer in layers for name in layer.split("|")}
    present = {f"portal.{module.name}" for module in pkgutil.iter_modules(portal.__path__)} - {
        f"portal.{name}" for name in OUTSIDE
    }
    assert present <= listed


def test_the_package_itself_stays_empty() -> None:
    assert Path(portal.__file__).read_text() == ""


def test_the_top_level_holds_what_it_should() -> None:
    seen = {path.name for path in ROOT.iterdir() if not path.name.startswith(".")} - {"var", "screenshots"}
    assert seen == {
        "README.md",
        "authorizations",
        "manage.py",
        "payments",
        "portal",
        "pyproject.toml",
        "reconciliation",
        "requirements-dev.txt",
        "requirements.txt",
        "templates",
        "tests",
    }
