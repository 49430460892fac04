"""Instructions and their answers: rows of a JSONL file, written out by a template, packed into blocks."""
