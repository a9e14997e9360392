"""The payments desk: read everything, edit nothing, act through operations."""

from payments.admin import bulk, declarations, orders, payments, plans, products, retry_policies, returns, subscriptions

__all__ = [
    "bulk",
    "declarations",
    "orders",
    "payments",
    "plans",
    "products",
    "retry_policies",
    "returns",
    "subscriptions",
]
