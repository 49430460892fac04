"""Vectors

Meaning as a place, and words that move.
"""

order = 2
