"""One run of schemathesis against a portal: every check it has, every phase, in a process of its own.

The few places where a check and our API mean different things are here, each with its reason, and nowhere else.
"""

import copy
import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from portal.api.schema import BUYER, MERCHANT

ROOT = Path(__file__).resolve().parents[2]
_SHAPES = {BUYER: ("ByBuyer", "ByLogin"), MERCHANT: ("ByMerchant",)}
_SCHEMATHESIS = (sys.executable, "-m", "schemathesis.cli")
_MERCHANT_ONLY = "Merchant keys only"

CONFIGURATION = """
seed = {seed}
hooks = "tests.fuzz.hooks"
base-url = "{url}"
request-timeout = 20
suppress-health-check = ["all"]
# Of all that fails, not only the first; and a failure is told as it was met, since an order is paid but once.
continue-on-failure = true

[cache]
enabled = false

[auth.openapi.{scheme}]
bearer = "{token}"

[generation]
max-examples = {examples}
deterministic = {deterministic}
database = "none"
no-shrink = true

[phases.coverage]
enabled = {everywhere}
{bounds}
[phases.stateful]
generation = {{ max-examples = {histories} }}

# 400 says that a request is not well formed, 409 and 422 that a well-formed one is refused by a rule of the business
# (no such wallet in this currency, more than is left of the payment): positive data may well meet a rule.
[checks.positive_data_acceptance]
expected-statuses = ["2xx", "401", "403", "404", "409", "422", "503"]
"""


_BOUNDS = """
[[operations]]
include-operation-id = "{name}"
phases.coverage.enabled = true
"""


@dataclass
class Found:
    """What a run came to."""

    status: int
    output: str
    calls: dict[str, int] = field(default_factory=dict)
    """How often, by operation and status."""

    def summary(self) -> str:
        """In one line."""
        tried = sum(self.calls.values())
        done = sum(count for call, count in self.calls.items() if call.rpartition(" ")[2] < "300")
        verdict = "no failure" if self.status == 0 else "FAILURES"
        return f"{tried} requests, {done} of them carried out, {verdict}"


def as_seen_by(document: dict[str, Any], caller: str) -> dict[str, Any]:
    """The published schema, as it is for one kind of caller.

    A body that differs by caller is published as ``oneOf``, since OpenAPI cannot say which is for whom but in words;
    a buyer who sends the merchant's shape is refused, rightly. The same goes for the queries only a merchant may ask.
    """
    seen = copy.deepcopy(document)
    schemas = seen["components"]["schemas"]
    for scheme in set(seen["components"]["securitySchemes"]) - {caller}:
        del seen["components"]["securitySchemes"][scheme]
    for schema in schemas.values():
        shapes = [shape for shape in schema.get("oneOf", []) if "$ref" in shape]
        mine = [shape for shape in shapes if any(word in shape["$ref"] for word in _SHAPES[caller])]
        if mine:
            schema["oneOf"] = mine
    for methods in seen["paths"].values():
        for described in methods.values():
            known_here = [need for need in described["security"] if caller in need or not need]
            described["security"] = known_here
            described["parameters"] = [
                given
                for given in described.get("parameters", [])
                if caller == MERCHANT or not given.get("description", "").startswith(_MERCHANT_ONLY)
            ]
            taken = described.get("requestBody", {}).get("content", {}).get("application/json", {})
            if "examples" in taken:
                mine = Draft202012Validator({**taken["schema"], "components": seen["components"]})
                taken["examples"] = {
                    name: given for name, given in taken["examples"].items() if mine.is_valid(given["value"])
                }
    return seen


@dataclass(frozen=True, kw_only=True)
class Effort:
    """How hard to try. Without a seed every run is the same."""

    examples: int
    """Of each operation, well formed and not."""
    histories: int
    """Stories of several calls along the links."""
    bounds: tuple[str, ...] | None = None
    """Operations of which every bound of every field is tried too, from both sides; None: all."""
    seed: int | None = None
    seconds: int = 600


def run(
    folder: Path, url: str, document: dict[str, Any], *, caller: str, token: str, world: dict[str, Any], effort: Effort
) -> Found:
    """Let schemathesis loose on the portal at ``url`` as one caller."""
    schema, configuration, calls = folder / "schema.json", folder / "schemathesis.toml", folder / "calls.json"
    schema.write_text(json.dumps(as_seen_by(document, caller)))
    seed = effort.seed or 0
    configuration.write_text(
        CONFIGURATION.format(
            seed=seed,
            url=url,
            scheme=caller,
            token=token,
            examples=effort.examples,
            histories=effort.histories,
            deterministic=str(effort.seed is None).lower(),
            everywhere=str(effort.bounds is None).lower(),
            bounds="".join(_BOUNDS.format(name=name) for name in effort.bounds or ()),
        )
    )
    done = subprocess.run(
        [*_SCHEMATHESIS, "--config-file", str(configuration), "run", str(schema), "--checks", "all", "--no-color"],
        cwd=ROOT,
        env=os.environ | {"FUZZ_WORLD": json.dumps({**world, "token": token, "seed": seed, "calls": str(calls)})},
        capture_output=True,
        text=True,
        timeout=effort.seconds,
        check=False,
    )
    told = json.loads(calls.read_text()) if calls.exists() else {}
    return Found(done.returncode, done.stdout + done.stderr, told)
