"""What a role never does and never reads. The grants are asked, and then every door: a computed field, a title or a
notice can let out what no grant names."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from engine.definition import Form
from engine.errors import Message, message
from engine.people import Actor
from engine.permissions import label_of_role, may, readable_fields
from engine.scenario import Expected
from engine.scenarios.canaries import Place, Planted, plant
from engine.scenarios.doors import Visitor, addresses, changing, questions_about
from engine.scenarios.playing import Story
from engine.scenarios.recorder import Sent
from engine.scenarios.results import Otherwise

Asked = tuple[int, Expected]  # its place in ``then``
RECORDS = 3  # of a form, the newest, are asked for one by one
REFUSED = (403, 404)


def kept_out(story: Story, never: Sequence[Asked]) -> Iterator[Otherwise]:
    for asked in never:
        if asked[1].never:
            yield from _verbs(story, asked)
    by_role: dict[str, list[Asked]] = {}
    for asked in never:
        if asked[1].never_reads:
            by_role.setdefault(asked[1].role or "", []).append(asked)
    if by_role:
        planted = _plant(story, [asked for several in by_role.values() for asked in several])
        for role, several in by_role.items():
            yield from _Reading(story, role, several, planted).look()


def _role(story: Story, role: str) -> Any:
    return label_of_role(story.world.definition, role)


# --- verbs -----------------------------------------------------------------------------------------------------------


def _verbs(story: Story, asked: Asked) -> Iterator[Otherwise]:
    place, one = asked
    actor, form = story.world.actor(one.role or ""), story.world.definition.forms[one.form or ""]
    visitor = Visitor(story.world, one.role or "")
    for index, verb in enumerate(one.never):
        role = _role(story, one.role or "")
        wanted = message("{role} never may {verb} {form}", role=role, verb=verb, form=form.label)
        path = ("then", place, "never", index)
        verdict = may(story.world.app, actor, verb, form)
        if verdict:
            yield Otherwise(path, wanted, message("it is granted: {why}", why=verdict.reason))
            continue
        for method, address, data, body in changing(verb, form, _versions(story, form)):
            answer = visitor.send(method, address, data=data, json=body)
            if answer.status_code not in REFUSED:
                yield Otherwise(path, wanted, message("{door} answers {status}", door=f"{method} {address}",
                                                      status=answer.status_code))  # fmt: skip
            answer.close()


def _versions(story: Story, form: Form) -> list[tuple[int, int]]:
    table = story.world.app.tables.form[form.name]
    query = sa.select(table.c.id, table.c.version).where(table.c.deleted_at.is_(None)).order_by(table.c.id.desc())
    with story.world.app.database.read() as conn:
        return [(row.id, row.version) for row in conn.execute(query.limit(RECORDS))]


# --- reading ---------------------------------------------------------------------------------------------------------


def _plant(story: Story, several: Sequence[Asked]) -> Planted:
    places = [(one.form or "", name) for _place, one in several for name in one.never_reads]
    return plant(story.world.app, places, story.file)


class _Reading:
    """One role before every door, once for everything it must not read."""

    def __init__(self, story: Story, role: str, several: Sequence[Asked], planted: Planted) -> None:
        self.story, self.role, self.planted = story, role, planted
        self.app, self.definition = story.world.app, story.world.definition
        self.actor: Actor = story.world.actor(role)
        self.visitor = Visitor(story.world, role)
        self.ids = {name: [id for id, _ in _versions(story, form)] for name, form in self.definition.forms.items()}
        self.paths: dict[Place, tuple[str | int, ...]] = {
            (one.form or "", name): ("then", place, "never_reads", index)
            for place, one in several
            for index, name in enumerate(one.never_reads)
        }

    def look(self) -> Iterator[Otherwise]:
        told: set[Place] = set()
        for place in self.paths:
            got = self._granted(place) or self._idle(place)
            if got is not None:
                told.add(place)
                yield self._otherwise(place, got)
        found = self._found(self.paths.keys() - told)
        for place in sorted(found):
            yield self._otherwise(place, found[place])

    def _otherwise(self, place: Place, got: Message) -> Otherwise:
        form = self.definition.forms[place[0]]
        wanted = message("{role} never reads {field} of {form}", role=_role(self.story, self.role),
                         field=form.fields[place[1]].title, form=form.label)  # fmt: skip
        return Otherwise(self.paths[place], wanted, got)

    # --- before the doors

    def _granted(self, place: Place) -> Message | None:
        form = self.definition.forms[place[0]]
        around = form.parent_form or form.name
        if not may(self.app, self.actor, "read", around):
            return None
        if form.parent_field and not readable_fields(self.app, self.actor, around).ever(form.parent_field):
            return None
        if not readable_fields(self.app, self.actor, form).ever(place[1]):
            return None
        return message("its grant lets it read the field")

    def _idle(self, place: Place) -> Message | None:
        """Nothing was tried, so nothing is shown: that is told, and never taken for a yes."""
        form = self.definition.forms[place[0]]
        around = form.parent_form or form.name
        if not self.ids[place[0]]:
            return message("there is no {form} in the scenario to look for", form=form.label)
        if not may(self.app, self.actor, "read", around):
            return None
        answers = (self.visitor.get(f"/api/v1/records/{around}/{id}") for id in self.ids[around])
        if any(status == 200 for status, _text in answers):
            return None
        return message("it sees none of the records of the scenario, so nothing was tried")

    # --- the doors

    def _found(self, places: set[Place]) -> dict[Place, Message]:
        """Where each of these came out, if it did."""
        found: dict[Place, Message] = {}
        if not places:
            return found
        for address, text in self._canaries_found(places):
            found.setdefault(self.planted.texts[text], message("{door} shows {text}", door=address, text=text))
        for place in places - found.keys():
            door = self._told_of(place)
            if door is not None:
                found[place] = message("{door} tells of the field", door=door)
        for file, place in self.planted.files.items():
            if place in places - found.keys() and self.visitor.get(f"/files/{file}")[0] == 200:
                found[place] = message("{door} gives the file", door=f"/files/{file}")
        return found

    def _canaries_found(self, places: set[Place]) -> Iterator[tuple[str | Message, str]]:
        texts = sorted((text for text, place in self.planted.texts.items() if place in places), key=len, reverse=True)
        if not texts:
            return
        pattern = re.compile("|".join(map(re.escape, texts)))
        for address, body in self._answers(places):
            yield from ((address, text) for text in dict.fromkeys(pattern.findall(body)))
        for sent in self._sent_to():
            said = message("a {kind} to {who}", kind=sent.kind, who=", ".join(sorted(sent.addresses)))
            yield from ((said, text) for text in dict.fromkeys(pattern.findall(sent.text)))
        yield from self._searched(texts)

    def _sent_to(self) -> list[Sent]:
        user = self.app.tables.user
        with self.app.database.read() as conn:
            address = conn.scalar(sa.select(user.c.email).where(user.c.id == self.actor.id))
        return [sent for sent in self.story.world.recorder.sent if address in sent.addresses]

    def _answers(self, places: set[Place]) -> Iterator[tuple[str, str]]:
        named: dict[str, list[str]] = {}
        for form, name in sorted(places):
            named.setdefault(form, []).append(name)
        files = [file for file, place in self.planted.files.items() if place in places]
        for address in addresses(self.definition, self.ids, files, named, self._closed(named)):
            yield address, self.visitor.get(address)[1]
        for form in named:
            around = self.definition.forms[form].parent_form or form
            for address in (f"/{around}/react", *(f"/{around}/react?id={id}" for id in self.ids[around])):
                yield f"POST {address}", self.visitor.send("POST", address, data={"_version": "1"}).text
            for id in self.ids[around]:
                for at in (f"/{around}/{id}", f"/api/v1/records/{around}/{id}"):
                    for name in named[form]:
                        yield f"POST {at}/reveal/{name}", self.visitor.send("POST", f"{at}/reveal/{name}").text

    def _closed(self, named: Collection[str]) -> list[str]:
        """All but one of the forms the role may read nothing of: what keeps it out of one keeps it out of each."""
        forms = (form for form in self.definition.forms.values() if form.parent_form is None and form.name not in named)
        return [form.name for form in forms if not may(self.app, self.actor, "read", form)][1:]

    def _searched(self, texts: Sequence[str]) -> Iterator[tuple[str, str]]:
        """A value that finds its record has been told, too."""
        firsts = {place: text for text, place in reversed(self.planted.texts.items()) if text in texts}
        for (form, _name), text in firsts.items():
            around = self.definition.forms[form].parent_form or form
            for address in (f"/search?q={text}", f"/{around}?q={text}", f"/{around}/options?q={text}",
                            f"/{around}/quick?q={text}"):  # fmt: skip
                if re.search(rf'href="/{around}/\d+"', self.visitor.get(address)[1]):
                    yield address, text

    def _told_of(self, place: Place) -> str | None:
        """A door that names the field, or lets it be asked about, whatever its value."""
        form = self.definition.forms[place[0]]
        around = form.parent_form or form.name
        for id in self.ids[around]:
            address = f"/api/v1/records/{around}/{id}"
            status, told = self.visitor.get(address)
            if status == 200 and any(place[1] in one for one in _of_form(form, json.loads(told))):
                return address
            if form.parent_form is None and f'id="show-{place[1]}"' in self.visitor.get(f"/{around}/{id}")[1]:
                return f"/{around}/{id}"
        if form.parent_form is None:
            for address in questions_about(form, place[1], self.ids[around]):
                if self.visitor.get(address)[0] < 400:
                    return address
        return None


def _of_form(form: Form, told: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """The record, or its lines, as the API tells them."""
    if form.parent_field is None:
        return (told,)
    lines = told.get(form.parent_field)
    return lines if isinstance(lines, list) else ()
