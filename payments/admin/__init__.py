"""The payments desk: read everything, edit nothing, act through operations."""

from payments.admin import bulk, orders, payments, products, returns

__all__ = ["bulk", "orders", "payments", "products", "returns"]
