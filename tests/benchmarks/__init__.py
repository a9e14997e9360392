"""What the promises cost: each measure beside a floor that does only what the job demands, in the same run.

    python -m tests.benchmarks                                           on SQLite
    python -m tests.benchmarks --database-url postgres://…/postgres      on PostgreSQL, in a database of its own

Machines differ and this one may be busy, so no figure stands alone: subject and floor take turns, many times, over the
same rows, the same server, the same acquirer and the same client, and what counts is the ratio. Nothing here is a
test; the suite only proves that the benchmarks run.
"""
