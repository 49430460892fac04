"""Prediction

What a language model expects to read next, and how surprised it is by what it finds.
"""

order = 4
