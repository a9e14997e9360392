"""Pages for merchants without a mini program: a buyer's wallets, and a cashier for one order.

They are a client of the public API and of nothing else (``calling``): what a page shows and does, a merchant's own
front end can show and do. The merchant's server asks for a link (``POST hosted-pages``) and sends the buyer's browser
there; the link opens once, in one browser, which from then on holds a session in a cookie that no script can read.
There is no script on these pages at all.
"""
