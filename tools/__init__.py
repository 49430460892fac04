"""Programs for those who work on Vitrine; nothing of it runs in an installation."""
