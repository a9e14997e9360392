"""A portal with people, goods and a past, made by the real flow: for ``manage.py demo`` and ``manage.py tour``.

Nothing here writes a row of money itself. Buyers agree in the sandbox's wallets, operations charge them over signed
HTTP, notifications come back to a running portal, and the clock both sides share is moved from one moment at which
something falls due to the next. So what a visitor looks at is what production would have kept.
"""
