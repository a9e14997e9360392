"""The sentence for every code that the API may give a buyer, from the same tables as the API's own answers.

``payment``, ``authorization`` and ``trouble`` are the reasons of the answers, by the acquirer's result codes;
``problem`` the refusals; ``signing`` what ``my.signContract`` reports. Where one code has two sentences,
``CODE/action`` tells them apart.
"""

from authorizations.api import reasons as binding
from payments.api import reasons as paying
from portal.acquirer.adapters import ADAPTERS
from portal.api import problems
from portal.miniprogram import words

OTHERWISE = "OTHERWISE"
"""The name of what is said of a code that is in no table."""


def catalogue() -> dict[str, dict[str, object]]:
    """All sentences, by kind and code."""
    return {
        "signing": dict(words.SIGNING),
        "authorization": _authorization(),
        "payment": _payment(),
        "trouble": {
            **{trouble: text for trouble, (text, _) in paying.TROUBLES.items()},
            OTHERWISE: paying.OTHERWISE[0],
        },
        "problem": {
            **{code: words.PROBLEMS.get(code, words.PROBLEMS[OTHERWISE]) for code, _ in problems.kinds()},
            OTHERWISE: words.PROBLEMS[OTHERWISE],
        },
    }


def _authorization() -> dict[str, object]:
    failing = {code for adapter in ADAPTERS.values() for code, _ in adapter.authorization_refusals}
    found = {code: binding.text_of(code) for code in sorted(failing | binding.TEXTS.keys())}
    return {**found, OTHERWISE: binding.OTHERWISE}


def _payment() -> dict[str, object]:
    """Raises ValueError where nothing in an answer would tell two sentences of a code apart."""
    said: dict[str, set[tuple[str, str]]] = {
        "CANCELLED": {paying.CANCELLED_UNPAID, paying.CANCELLED_PAID},
        "REVERSED": {paying.REVERSED},
        "FAILED": {paying.OTHERWISE},
        **{code: {words} for code, words in paying.TEXTS.items()},
    }
    for adapter in ADAPTERS.values():
        for code, advice in adapter.payment_refusals:
            said.setdefault(code, set()).add(paying.said_of(code, advice))
    found: dict[str, object] = {}
    for code, sentences in sorted(said.items()):
        if len(sentences) == 1:
            found[code] = next(iter(sentences))[0]
            continue
        by_action = {action: text for text, action in sorted(sentences)}
        if len(by_action) < len(sentences):
            raise ValueError(f"{code} has two sentences with one action")
        found |= {f"{code}/{action}": text for action, text in sorted(by_action.items())}
    return {**found, OTHERWISE: paying.OTHERWISE[0]}
