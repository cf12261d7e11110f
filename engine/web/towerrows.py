"""One open record in words and drawings: its path, the time in its step, its forecast and its promise."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup, escape

from engine import formats, towers
from engine.columns import Columns
from engine.definition import Form
from engine.errors import Message
from engine.queries import ListQuery
from engine.texts import say
from engine.towers import RISKS, Terms
from engine.views import TowerView
from engine.waiting import Wait, next_step
from engine.web import cards, path
from engine.web.context import actor, application, reader
from engine.web.render import label, translate
from engine.web.rows import shower
from engine.workflow import target_of

BEFORE, SPAN = 7, 42  # days a time line shows before today, and in all


@dataclass(frozen=True)
class Shown:
    """One record, in words and drawings. ``over``: its present step takes longer than expected."""

    id: int
    version: int
    url: str
    title: str
    facts: Markup
    risk: str
    risk_label: str
    colour: str
    path: Markup
    state: str
    state_colour: str
    aside: bool
    owner: Markup
    may_write: bool
    stay: str
    bar: Markup
    over: bool
    following: str
    following_due: str
    forecast: str
    promised: str
    gap: str
    waits: tuple[tuple[str, str, str], ...]  # icon, text, more
    group: Any
    line: Markup


@dataclass(frozen=True)
class Brush:
    """What drawing a page of rows looks up once."""

    form: Form
    columns: Columns
    view: TowerView
    terms: Terms
    plan: Any
    card: cards.CardPlan
    owner: Any
    group: str
    may_write: bool
    paths: dict[tuple[str, str], tuple[Markup, str, str, bool]]

    @classmethod
    def of(cls, form: Form, columns: Columns, view: TowerView, query: ListQuery) -> Brush:
        app, who = application(), actor()
        terms = towers.terms_of(app, form.name)
        may_write = form.comments and who.view_as is None and who.id is not None and who.scopes is None
        return cls(form, columns, view, terms, app.plans.form(form), cards.card_plan(form, columns, view.columns),
                   shower(columns["owner"], reader(), None), query.tower.group if query.tower else "", may_write,
                   {})  # fmt: skip

    def draw(self, row: Any, found: Any, waits: Sequence[Wait]) -> Shown:
        now, language = self.terms.now, reader().language
        state = self.plan.states.get(row["state"])
        path_html, state_text, colour, aside = self.path_of(row)
        step = next_step(self.plan, row)
        risk = RISKS[towers.risk_of(row, self.terms)]
        due = row["state_due"]
        promised = row[self.terms.promised] if self.terms.promised else None
        expected = towers.expected_end(row, self.terms)
        return Shown(
            id=row["id"], version=row["version"], url=f"/{self.form.name}/{row['id']}",
            title=Markup(self.card.title(row, found)),  # noqa: S704 - escaped there
            facts=self.card.facts_of(row, found), risk=risk.name, risk_label=said(risk.label),
            colour=risk.colour, path=path_html, state=state_text, state_colour=colour, aside=aside,
            owner=self.owner_of(row, found),
            may_write=self.may_write and row["owner"] is not None,
            stay=path.lasting(row, state, reader(), now) if state else "", bar=stay_bar(row["state_since"], due, now),
            over=due is not None and due < now, following=self.following(step, row),
            following_due=_day(max(due, now), language) if due is not None and step is not None else "",
            forecast=_day(expected, language), promised=_promise(promised, language),
            gap=self.gap(promised, expected, language),
            waits=tuple((wait.icon, said(wait.text), said(wait.whole) if wait.whole else "") for wait in waits),
            group=row.get(self.group) if self.group and self.group != "risk" else risk.name,
            line=line(row, self.terms, expected, promised, risk.colour),
        )  # fmt: skip

    def owner_of(self, row: Any, found: Any) -> Markup:
        shown = self.owner(row["owner"], row, found) if row["owner"] is not None else ""
        return Markup(shown)  # noqa: S704 - escaped there

    def following(self, step: Any, row: Any) -> str:
        target = target_of(step, row) if step is not None else None
        return label(self.plan.states[target]) if target in self.plan.states else ""

    def gap(self, promised: Any, expected: dt.datetime | None, language: str) -> str:
        """How far the forecast lies from the promise, where it lies after it."""
        if promised is None or expected is None:
            return ""
        days = (self.terms.day(expected) - self.terms.promised_day(promised)).days
        return f"+{formats.duration(dt.timedelta(days=days), language)}" if days > 0 else ""

    def path_of(self, row: Any) -> tuple[Markup, str, str, bool]:
        """The main path as segments, the label and colour of the state, whether it stands aside."""
        key = row["state"] or "", row.get("_previous") or ""
        found = self.paths.get(key)
        if found is None:
            found = self.paths[key] = self._path(*key)
        return found

    def _path(self, here: str, previous: str) -> tuple[Markup, str, str, bool]:
        state = self.plan.states.get(here)
        main = [name for name, one in self.plan.states.items() if not one.aside]
        aside = state is not None and state.aside
        standing = previous if aside else here
        at = main.index(standing) if standing in main else -1
        marks = [*["past"] * at, *([("halted" if aside else "now")] if at >= 0 else []), *[""] * len(main)]
        words = translate("Step {place} of {all}", place=at + 1, all=len(main))
        titles = [escape(label(self.plan.states[name])) for name in main]
        steps = "".join(f'<i class="{mark}" title="{title}"></i>' for mark, title in zip(marks, titles, strict=False))
        html = Markup(f'<span class="tw-path" role="img" aria-label="{escape(words)}">{steps}</span>')  # noqa: S704
        return html, label(state) if state else here, state.colour if state else "gray", aside


def said(text: Any) -> str:
    return say(text, reader().language) if isinstance(text, Message) else label(text)


def _day(moment: dt.datetime | None, language: str) -> str:
    """Day and month, with the time where it is today."""
    if moment is None:
        return ""
    now = application().clock().astimezone(reader().zone)
    local = moment.astimezone(reader().zone)
    if local.date() == now.date():
        return formats.time(local.time().replace(second=0, microsecond=0))
    return _short(local.date(), now.date(), language)


def _short(day: dt.date, today: dt.date, language: str) -> str:
    if day.year != today.year:
        return formats.date(day, language)
    return f"{day.month}月{day.day}日" if language == "zh" else formats.date(day, "en").rsplit(" ", 1)[0]


def _promise(value: Any, language: str) -> str:
    if isinstance(value, dt.datetime):
        return _day(value, language)
    today = application().clock().astimezone(reader().zone).date()
    return "" if value is None else _short(value, today, language)


def stay_bar(since: dt.datetime | None, due: dt.datetime | None, now: dt.datetime) -> Markup:
    """The time in the present step against the time it may take: full is the larger of both, red what is beyond."""
    if since is None or due is None or due <= since:
        return Markup("")
    spent, allowed = max(0.0, (now - since).total_seconds()), (due - since).total_seconds()
    whole = max(spent, allowed)
    within, beyond = round(100 * min(spent, allowed) / whole, 1), round(100 * max(0.0, spent - allowed) / whole, 1)
    red = f'<rect class="over" x="{within}" width="{beyond}" height="6"/>' if beyond else ""
    return Markup(  # noqa: S704 - numbers
        f'<svg class="tw-bar" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">'
        f'<rect class="all" width="100" height="6"/><rect class="in" width="{within}" height="6"/>{red}</svg>'
    )


# --- the time line ---------------------------------------------------------------------------------------------------


def line(row: Any, terms: Terms, expected: dt.datetime | None, promised: Any, colour: str) -> Markup:
    """From where the present step began over now to the forecast, with the promise as a mark."""
    since = row["state_since"] or terms.now

    def at(moment: dt.datetime) -> float:
        days = (moment - terms.now).total_seconds() / 86400 + BEFORE
        return round(max(0.0, min(float(SPAN), days)) * 100 / SPAN, 2)

    now, start = at(terms.now), at(since)
    end = at(expected) if expected is not None else now
    mark = ""
    if promised is not None:
        place = at(terms.end(promised))
        broken = " broken" if terms.promised_day(promised) < terms.today else ""
        mark = f'<rect class="tw-promise{broken}" x="{max(0.0, place - 0.4)}" width="0.8" height="20"/>'
    return Markup(  # noqa: S704 - numbers and names of our own
        f'<svg class="tw-line tone-{colour}" viewBox="0 0 100 20" preserveAspectRatio="none" aria-hidden="true">'
        f'<rect class="been" x="{start}" y="6" width="{max(0.3, now - start)}" height="8"/>'
        f'<rect class="ahead" x="{now}" y="6" width="{max(0.0, end - now)}" height="8"/>'
        f'<rect class="tw-now" x="{now}" width="0.2" height="20"/>{mark}</svg>'
    )


def scale(language: str) -> list[str]:
    """The days a week apart from the first of the time line, which is told in weeks around today."""
    today = application().clock().astimezone(reader().zone).date()
    return [_short(today + dt.timedelta(days=days - BEFORE), today, language) for days in range(0, SPAN, 7)]
