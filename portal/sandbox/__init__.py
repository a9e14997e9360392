"""The other party: an acquirer and its wallets, speaking Antom's signed HTTP protocol, with books of their own.

It shares signing, money and clock with the portal and nothing else, so an error in an adapter cannot agree with
itself. ``engine`` decides and remembers and opens no socket; ``wsgi`` and ``server`` put it on the network.
"""
