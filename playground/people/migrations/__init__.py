"""Migrations of the database tables."""
