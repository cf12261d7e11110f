"""The definition and its rules in the words people know, in every language.

    expressions.clause_text(compiled, form, definition)   # short: Amount ≤ Project › Budget
    Words(definition, registry, language)                 # words.py: labels of whatever a definition names
    occasions.occasion(words, trigger)                    # what wakes a rule
    steps.action(words, action, form)                     # a step: heading, icon, a few lines
    conditions.condition(words, source, form)             # in whole words: Amount is at most Project's Budget
    sentences.sentence(words, rule)                       # all of it in one sentence

Types of plugins are said by their palette text and what was chosen of their options.
"""

from engine.saying.expressions import clause_text, path_label, value_of, value_text, values_text

__all__ = ["clause_text", "path_label", "value_of", "value_text", "values_text"]
