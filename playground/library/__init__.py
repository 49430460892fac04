"""What jobs read and make: corpora, tokenizers and models, named by the hash of their content."""
