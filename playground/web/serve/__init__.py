"""`manage.py serve`: one supervisor that starts Vitrine's processes, watches them and stops them."""
