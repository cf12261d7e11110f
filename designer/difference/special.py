"""Options people have words of their own for, in each way they can differ.

``on`` and ``off`` for yes or no; ``added``, ``removed``, ``changed`` for a value; ``more``, ``less``, ``both``,
``order`` for a list.
"""

from __future__ import annotations

from collections.abc import Mapping

from engine.errors import Message, message

Ways = Mapping[str, Message]

SPECIAL: Mapping[str, Ways] = {
    "Field.required": {
        "on": message("{place} must be filled now"),
        "off": message("{place} need not be filled any more"),
    },
    "Field.required_when": {
        "added": message("{place} must be filled when {after}"),
        "removed": message("{place} need not be filled any more when {before}"),
        "changed": message("{place} must be filled when {after}, no longer when {before}"),
    },
    "Field.visible_when": {
        "added": message("{place} is now shown only when {after}"),
        "removed": message("{place} is now always shown, not only when {before}"),
        "changed": message("{place} is shown when {after}, no longer when {before}"),
    },
    "Field.readonly": {
        "on": message("{place} can no longer be changed by people"),
        "off": message("{place} can now be changed by people"),
    },
    "Field.readonly_when": {
        "added": message("{place} can no longer be changed by people when {after}"),
        "removed": message("{place} can now be changed by people also when {before}"),
        "changed": message("{place} cannot be changed by people when {after}, before when {before}"),
    },
    "Field.unique": {
        "on": message("{place} must now be different in every record"),
        "off": message("{place} may now be the same in several records"),
    },
    "Field.sensitive": {
        "on": message("{place} is now shown masked"),
        "off": message("{place} is now shown in clear"),
    },
    "Field.default": {
        "added": message("{place} is filled with “{after}” in new records"),
        "removed": message("{place} is no longer filled with “{before}” in new records"),
        "changed": message("{place} is filled with “{after}” in new records, no longer with “{before}”"),
    },
    "Form.workflow": {
        "added": message("{place} now has a flow: {after}"),
        "removed": message("{place} no longer has a flow (before: {before})"),
    },
    "Workflow.initial": {
        "changed": message("{place}: new records start in “{after}” instead of “{before}”"),
    },
    "State.within": {
        "added": message("{place} is expected to take {after}"),
        "removed": message("{place} no longer has an expected time (was {before})"),
        "changed": message("{place} is expected to take {after} instead of {before}"),
    },
    "State.final": {
        "on": message("{place} now ends the life of a record"),
        "off": message("{place} no longer ends the life of a record"),
    },
    "State.leave_with": {
        "more": message("{place} can now be left only with {more}"),
        "less": message("{place} can now be left without {less}"),
        "both": message("{place} can now be left only with {more}, and without {less}"),
    },
    "State.owner": {
        "added": message("{place} is now the responsibility of “{after}”"),
        "removed": message("{place} is no longer the responsibility of “{before}”"),
        "changed": message("{place} is the responsibility of “{after}” instead of “{before}”"),
    },
    "Transition.to": {
        "changed": message("{place} leads to “{after}” instead of “{before}”"),
    },
    "Transition.from": {
        "more": message("{place} can now also be taken from {more}"),
        "less": message("{place} can no longer be taken from {less}"),
        "both": message("{place} can now be taken from {more}, no longer from {less}"),
    },
    "Transition.when": {
        "added": message("{place} can now be taken only when {after}"),
        "removed": message("{place} can now be taken always, not only when {before}"),
        "changed": message("{place} can be taken when {after}, no longer when {before}"),
    },
    "Transition.ask": {
        "more": message("{place} now asks for {more}"),
        "less": message("{place} no longer asks for {less}"),
    },
    "Rule.enabled": {
        "on": message("{place} is switched on"),
        "off": message("{place} is switched off"),
    },
    "Rule.shadow": {
        "on": message("{place} now only watches and does nothing"),
        "off": message("{place} now really acts, it no longer only watches"),
    },
    "Rule.when": {
        "added": message("{place} now acts only when {after}"),
        "removed": message("{place} now acts always, not only when {before}"),
        "changed": message("{place} acts when {after}, no longer when {before}"),
    },
    "View.where": {
        "added": message("{place} now shows only records with {after}"),
        "removed": message("{place} now shows all records, not only those with {before}"),
        "changed": message("{place} shows records with {after}, no longer those with {before}"),
    },
    "Card.where": {
        "added": message("{place} now counts only records with {after}"),
        "removed": message("{place} now counts all records, not only those with {before}"),
        "changed": message("{place} counts records with {after}, no longer those with {before}"),
    },
    "ListView.columns": {
        "more": message("{place} now also shows {more}"),
        "less": message("{place} no longer shows {less}"),
        "both": message("{place} now shows {more}, no longer {less}"),
        "order": message("{place} shows its columns in another order"),
    },
    "Section.fields": {
        "more": message("{place} now also has {more}"),
        "less": message("{place} no longer has {less}"),
        "both": message("{place} now has {more}, no longer {less}"),
        "order": message("{place} shows its fields in another order"),
    },
    "MenuGroup.items": {
        "more": message("{place} now also leads to {more}"),
        "less": message("{place} no longer leads to {less}"),
        "both": message("{place} now leads to {more}, no longer to {less}"),
        "order": message("{place} has its entries in another order"),
    },
    "ComputedField.value": {
        "changed": message("{place} is worked out as {after} instead of {before}"),
    },
    "Check.that": {
        "changed": message("{place} now asks for {after} instead of {before}"),
    },
}
