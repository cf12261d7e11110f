"""Requests on their way through the steps of an ``approve``: opened, decided, sent back, handed over."""
