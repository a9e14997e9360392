"""The desk's pages of the ground: accounts, messages, records, people. Apps build theirs on ``portal.admin.ledger``."""

from portal.admin import accounts, approvals, methods, people, records, webhooks, wire

__all__ = ["accounts", "approvals", "methods", "people", "records", "webhooks", "wire"]
