"""Delivery: what changes leave to be done is done, once, in order, whatever ends in between."""
