"""The desk's pages of the ground: accounts, messages, records, people. Apps build theirs on ``portal.admin.ledger``."""

from portal.admin import accounts, approvals, people, records, webhooks, wire

__all__ = ["accounts", "approvals", "people", "records", "webhooks", "wire"]
