"""The domain: what a job, an exhibit and a message are, in pure Python.

Nothing here knows Django, Celery, Redis or torch, so that the web process, the workers and the engine child can all
speak the same language without importing one another.
"""
