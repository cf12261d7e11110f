"""What must be true of the data of every application, looked at afterwards and told record by record."""
