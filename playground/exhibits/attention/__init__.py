"""Attention

Which word asks which, in every layer and every head.
"""

order = 3
