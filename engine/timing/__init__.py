"""Time: which moments wake which rules, and the messages that say so."""
