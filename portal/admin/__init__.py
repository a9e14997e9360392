"""The desk's pages of the ground: accounts, messages, records, people. Apps build theirs on ``portal.admin.ledger``."""
