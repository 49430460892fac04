"""Foundations

Neurons, gradients and loss: what all of it is made of.
"""

order = 6
