"""A small Django application: books with a file and several tags."""
