"""Models as GGUF files, the single-file form that llama.cpp and what is built on it read.

`architecture` says what llama.cpp calls a network and its tensors, `vocabulary` writes its tokenizer, `file` puts both
into a file of a chosen precision.
"""
