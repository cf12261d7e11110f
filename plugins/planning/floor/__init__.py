"""The planning core on the records of an application: what is read from them, and what a plan writes."""
