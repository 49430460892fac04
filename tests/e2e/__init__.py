"""The browser tests: a real Chromium over a whole running site."""
