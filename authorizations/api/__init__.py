"""The doors for sessions, payment methods, bound wallets and attempts to bind."""

from authorizations.api import problems  # noqa: F401 - declares the codes before any door is described with them
