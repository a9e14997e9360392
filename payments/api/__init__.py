"""The doors for products, orders, paying, cancelling and refunding."""

from payments.api import problems  # noqa: F401 - declares the codes before any door is described with them
