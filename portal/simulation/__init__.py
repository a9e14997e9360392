"""Seeded histories of the real portal and the real sandbox, in one process, under a virtual clock.

A history is a list of steps, each with its own seed, so that leaving some out does not change what the others do: a
failure is shrunk by leaving out whatever does not matter. Between any two transactions a step may be killed, or another
one may run to its end while it waits; nothing yields inside a transaction, since a parked writer blocks everybody.
"""
