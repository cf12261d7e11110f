"""Conditions as people build them, and as the definition writes them.

    group = parse("record.amount > 100 and record.level in ('a', 'b')", scope)   # None: more than the builder can show
    written(group)                                                              # the same condition as an expression
    as_json(group), from_json(data)                                             # between page and server
    terms(scope, language), operators_for(kind), entry_for(…)                    # what can be chosen in each place

Every expression that is parsed comes back with the same meaning; whatever cannot be shown without loss is left alone.
"""

from designer.conditions.json_form import as_json, from_json
from designer.conditions.model import Condition, Group, Value
from designer.conditions.offers import Entry, Term, entry_for, kind_of, term_of, terms
from designer.conditions.operators import OPERATORS, Operator, label_of, operators_for
from designer.conditions.reading import parse
from designer.conditions.sentences import described
from designer.conditions.writing import written

__all__ = [
    "OPERATORS", "Condition", "Entry", "Group", "Operator", "Term", "Value", "as_json", "described", "entry_for",
    "from_json", "kind_of", "label_of", "operators_for", "parse", "term_of", "terms", "written",
]  # fmt: skip
