"""The tokenizer child: a small process in which files that a visitor brought are opened, and nowhere else.

It has no torch, no database and no Redis; the kernel bounds its memory and time. The web process starts one for a
visitor when it is needed (`playground.web.apart`), speaks to it over its standard input and output, and ends it when
it takes too long. Teaching exhibits that compute for more than a moment run here too.
"""
