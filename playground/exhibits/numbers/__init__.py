"""Numbers

Memory, precision and cost: computed first, then measured.
"""

order = 7
