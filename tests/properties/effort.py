"""How hard a property is tried."""

import os

from hypothesis import HealthCheck, settings

TIMES = int(os.environ.get("PROPERTIES_TIMES", "0"))
"""0: the suite's few examples, always the same; else so many times as many, always others."""


def tried(examples: int, *, steps: int = 25) -> settings:
    """The settings of a property that the suite tries with this many examples."""
    return settings(
        max_examples=examples * max(TIMES, 1),
        stateful_step_count=steps,
        derandomize=TIMES == 0,
        database=None,
        deadline=None,
        print_blob=False,
        suppress_health_check=list(HealthCheck),
    )
