"""What leaves the process: one task in, one result out. Nothing here touches the database."""
