"""Feeds at work: they look and are told, keep what arrives, and take each arrival once (``engine.feeds``)."""
