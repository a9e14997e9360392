"""The wallets desk, by subject: wallets, attempts and buyers; and the care of consents."""

from authorizations.admin import consents, wallets

__all__ = ["consents", "wallets"]
