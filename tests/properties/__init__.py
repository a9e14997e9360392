"""What holds of every amount, text and history hypothesis can think of.

In the suite each property is tried a little, and with the same examples every time. ``python -m tests.properties
--times 50`` tries fifty times as many, other ones each time; a failure prints the smallest example.
"""
