"""Tests of pages, API and websockets."""
