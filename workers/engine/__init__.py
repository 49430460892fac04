"""All that imports torch: the training loop, its parts, and the inspection of models.

An engine runs in a child process and sees its pipe and its folder, nothing else: no database, no Redis, no secrets.
"""
