"""Tests of the library and its store."""
