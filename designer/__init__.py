"""The visual editors of a definition file will stand here; today it is edited as text (`appmill check`)."""
