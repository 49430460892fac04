"""Training

Press a button, watch a model learn, and look inside while it does.
"""

order = 5
