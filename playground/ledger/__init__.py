"""The ledger: jobs, attempts and events, and the few statements that may change them.

Ownership of a job is decided here and nowhere else: by compare-and-swap on the attempt number, which is the fencing
token. All of it is conditional UPDATEs whose row count is the verdict, so that SQLite and PostgreSQL behave alike.
"""
