"""The payments desk: read everything, edit nothing, act through operations."""

from payments.admin import orders, payments, products, returns

__all__ = ["orders", "payments", "products", "returns"]
