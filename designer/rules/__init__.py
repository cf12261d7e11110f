"""Rules in the designer: what people do to them, and what a draft's rule means.

Operations (``designer.operations``): ``rule.add duplicate remove enable shadow label``, ``trigger.set``, ``action.add
move duplicate remove``, ``branch.add remove``, ``condition.set``. A place for a step is the path of its list, such as
``("rules", name, "actions", 1, "then")``, and an index. What would keep the file from loading is refused with the
reason; what was broken before may stay so.

    reading.rule_of(workspace, name) -> Read    # the rule as far as it can be understood, to say it and to draw it
    starting.action / trigger                   # a new step or trigger with all it must have
"""

from designer.rules import conditions, rules, steps, triggers

__all__ = ["conditions", "rules", "steps", "triggers"]
