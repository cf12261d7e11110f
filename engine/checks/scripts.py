"""Scripts: everything wrong with them is told at its line when the definition is read, not when they run."""

from __future__ import annotations

from engine.checks.review import Review
from engine.errands import RunScript
from engine.errors import message
from engine.scripts.errors import ScriptRefused
from engine.scripts.policy import CALLS, NAMES, compile_script

MORE = frozenset({"results", "payload", "mail", "due"})


def check_scripts(review: Review) -> None:
    for rule in review.definition.rules.values():
        for path, action, _form in rule.steps():
            if isinstance(action, RunScript):
                names = (NAMES if rule.form else NAMES - {"record", "old"}) | CALLS | MORE
                try:
                    compile_script(action.source, names)
                except ScriptRefused as refused:
                    for problem in refused.places:
                        said = message("Line {line}: {cause}", line=problem.line, cause=problem.message)
                        review.error(("rules", rule.name, *path, "source"), said)
