"""Bad and hostile inputs, and what must become of each: refused with a sentence, or handled and reported.

``python -m hostile`` in ``tests/`` tries them all and prints the tally.
"""
