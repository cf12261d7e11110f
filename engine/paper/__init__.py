"""A record on paper: its print page, as a file."""
