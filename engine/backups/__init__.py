"""Backups: one moment of a database and the files it names, as an archive that either kind of database takes back."""
