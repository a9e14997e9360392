"""A phone in the browser: the wallet's super app, and the merchant's mini program inside it.

Two things that never mix, as on a real phone. ``frame/`` is the container: it draws the phone, knows who is logged in
to which wallet, and gives the mini program its ``my`` object. ``shop/`` is the merchant's mini program: pages with
``data`` and handlers, templates, and nothing but ``my.*`` and the portal's public API. It sees no document and no
window, so it reads like the code that runs inside a real wallet.
"""
