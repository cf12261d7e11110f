"""Figures for Prometheus: what this process counted, and how its database stands when it is asked."""

from engine.metrics.exposed import Exposed, expose

__all__ = ["Exposed", "expose"]
