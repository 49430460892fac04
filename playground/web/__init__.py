"""The Django app of pages, HTTP API and websockets."""
