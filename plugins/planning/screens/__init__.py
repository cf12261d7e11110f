"""What people see of planning beyond lists and pages: parts of records, drawn from what the core found."""
