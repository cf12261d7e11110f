"""Automation over the API, for administrators: a token needs the scope ``admin`` (or none that narrows it)."""

from engine.web.api_automation import messages, outside, rules, runs
from engine.web.api_automation.door import blueprint

__all__ = ["blueprint", "messages", "outside", "rules", "runs"]
