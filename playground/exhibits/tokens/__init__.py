"""Tokens

Where text is cut, and who decided that.
"""

order = 1
