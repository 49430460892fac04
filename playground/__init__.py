"""Vitrine: a see-through playground for language models, as one Django project."""

VERSION = "0.1.0"
