"""Tests of who uses Vitrine."""
