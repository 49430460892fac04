"""The processes that do the work: `python -m workers train` and `python -m workers inspect`.

Both are light: they speak to the database and to Redis and never import torch. All that does lives in
`workers.engine` and runs in child processes that know only their pipe and their folder (see `launch`).
"""
