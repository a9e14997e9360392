"""The desk's pages of the ground: accounts, messages, records, people. Apps build theirs on ``portal.admin.ledger``."""

from portal.admin import accounts, records, wire

__all__ = ["accounts", "records", "wire"]
