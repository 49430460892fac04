"""Tokens and vocabulary.

How a text becomes numbers: cut by a dozen tokenizers side by side, and watch each of them learn to cut.
"""
