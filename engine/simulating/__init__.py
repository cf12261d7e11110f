"""A simulated day after day: people who act through the application's own doors, in time that jumps."""
