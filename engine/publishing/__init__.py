"""How a changed definition comes into force: draft, check, plan, publish, history, and back."""
