"""One open record in words and drawings: its path, the time in its step, its forecast and its promise.

A tower draws its rows as lists do: what depends on the definition, the rights and the reader is kept as a ``Look``,
what repeats on a page is worked out once by its ``Brush``, and a row is then put together from finished pieces.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from markupsafe import escape

from engine import formats, towers
from engine.columns import Columns, rights
from engine.definition import Form, State
from engine.errors import Message
from engine.formats import Reader
from engine.plans import FormPlan, TransitionPlan
from engine.queries import ListQuery
from engine.texts import say
from engine.towers import RISKS, Terms
from engine.views import TowerView
from engine.waiting import ICONS, Wait, next_step
from engine.web import cards, path
from engine.web.context import actor, application, reader
from engine.web.render import icon, label, translate
from engine.web.rows import Row, Show, shower
from engine.workflow import target_of

BEFORE, SPAN = 7, 42  # days a time line shows before today, and in all


class Drawn(NamedTuple):
    """One record as it is shown. ``group``: the value that the heading above it says; ``html``: finished, every part
    of it escaped."""

    id: int
    group: Any
    html: str


# --- what is the same for all records --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Standing:
    """A place on the path. ``step``: the main path as segments and the state as a badge; ``badge``: without the path;
    ``following``: where the next step leads, empty where there is none."""

    state: State | None
    step: str
    badge: str
    ahead: bool
    following: str


@dataclass(frozen=True)
class Look:
    """What the rows of a tower look like to whoever has these rights and reads like this."""

    plan: FormPlan
    card: cards.CardPlan
    owner: Show
    risks: Mapping[str, str]
    promised: str  # what stands before a promise
    nudge: tuple[str, str, str]  # the button that asks whoever is responsible, around the record's id and its title
    icons: Mapping[str, str]
    standings: dict[tuple[str, str], Standing] = field(default_factory=dict)

    def standing(self, row: Row) -> Standing:
        key = row["state"] or "", row.get("_previous") or ""
        found = self.standings.get(key)
        if found is None:
            found = self.standings[key] = _standing(self.plan, *key)
        return found

    def owner_of(self, row: Row, found: Any) -> str:
        return str(self.owner(row["owner"], row, found)) if row["owner"] is not None else ""


def look_of(form: Form, columns: Columns, view: TowerView) -> Look:
    """Kept per definition, rights and reader."""
    app, person = application(), reader()
    key = ("tower", form.name, view.name, rights(actor()), person)
    found: Look | None = app.plans.kept.get(key)
    if found is None:
        found = app.plans.kept[key] = Look(
            app.plans.form(form), cards.card_plan(form, columns, view.columns), shower(columns["owner"], person, None),
            {name: str(escape(said(risk.label))) for name, risk in RISKS.items()},
            f'<span class="tw-promised" title="{escape(translate("Promised"))}">{icon("flag", "icon-small")}',
            _nudge(form.name),
            {name: str(icon(name, "icon-small")) for name in ("arrow-right", *ICONS.values())},
        )  # fmt: skip
    return found


def _nudge(form: str) -> tuple[str, str, str]:
    before, _, after = escape(translate("Message about {title}")).partition("{title}")
    return (
        f'<button type="button" class="btn btn-icon btn-ghost tw-nudge" data-nudge="/{form}/',
        f'/nudge" aria-label="{before}',
        f'{after}" title="{escape(translate("Write a message"))}">{icon("message-2", "icon-small")}</button>',
    )


def _standing(plan: FormPlan, here: str, previous: str) -> Standing:
    state = plan.states.get(here)
    aside = state is not None and state.aside
    colour = state.colour if state else "gray"
    text = escape(label(state) if state else here)
    halt = icon("player-pause", "icon-small") if aside else ""
    steps = _segments(plan, previous if aside else here, "halted" if aside else "now")
    row = {"state": here, "_previous": previous or None}
    ahead = next_step(plan, row)
    return Standing(
        state, f'<span class="tw-step">{steps}<span class="badge bg-{colour}-lt">{halt}{text}</span></span>',
        f'<span class="badge bg-{colour}-lt">{text}</span>', ahead is not None, _following(plan, ahead, row),
    )  # fmt: skip


def _segments(plan: FormPlan, standing: str, mark: str) -> str:
    """The main path: what is past, where it stands, what is to come."""
    main = [name for name, one in plan.states.items() if not one.aside]
    at = main.index(standing) if standing in main else -1
    marks = [*["past"] * at, *([mark] if at >= 0 else []), *[""] * len(main)]
    words = translate("Step {place} of {all}", place=at + 1, all=len(main))
    titles = [escape(label(plan.states[name])) for name in main]
    steps = "".join(f'<i class="{mark}" title="{title}"></i>' for mark, title in zip(marks, titles, strict=False))
    return f'<span class="tw-path" role="img" aria-label="{escape(words)}">{steps}</span>'


def _following(plan: FormPlan, step: TransitionPlan | None, row: Row) -> str:
    target = plan.states.get(target_of(step, row) or "") if step is not None else None
    return str(escape(label(target))) if target is not None else ""


def said(text: Any) -> str:
    return say(text, reader().language) if isinstance(text, Message) else label(text)


# --- what is the same for the records of a page ----------------------------------------------------------------------


class Days:
    """Moments and days in the reader's words: day and month, with the time where it is today."""

    def __init__(self, person: Reader, now: dt.datetime) -> None:
        self.zone, self.language = person.zone, person.language
        self.today = now.astimezone(self.zone).date()
        self._said: dict[dt.date, str] = {}
        self._lengths: dict[int, str] = {}

    def moment(self, moment: dt.datetime | None) -> str:
        if moment is None:
            return ""
        local = moment.astimezone(self.zone)
        if local.date() == self.today:
            return formats.time(local.time().replace(second=0, microsecond=0))
        return self.day(local.date())

    def day(self, day: dt.date) -> str:
        found = self._said.get(day)
        if found is None:
            found = self._said[day] = _short(day, self.today, self.language)
        return found

    def length(self, days: int) -> str:
        found = self._lengths.get(days)
        if found is None:
            found = self._lengths[days] = formats.duration(dt.timedelta(days=days), self.language)
        return found

    def promise(self, value: dt.date | dt.datetime | None) -> str:
        if isinstance(value, dt.datetime):
            return self.moment(value)
        return "" if value is None else self.day(value)


def _short(day: dt.date, today: dt.date, language: str) -> str:
    if day.year != today.year:
        return formats.date(day, language)
    return f"{day.month}月{day.day}日" if language == "zh" else formats.date(day, "en").rsplit(" ", 1)[0]


@dataclass(frozen=True)
class Brush:
    """Draws the rows of one page. ``nudges``: whoever is responsible may be written to from here."""

    form: Form
    look: Look
    terms: Terms
    person: Reader
    days: Days
    group: str
    nudges: bool
    waits: dict[tuple[int, int], str] = field(default_factory=dict)

    @classmethod
    def of(cls, form: Form, columns: Columns, view: TowerView, query: ListQuery) -> Brush:
        who, person, terms = actor(), reader(), towers.terms_of(application(), form.name)
        nudges = form.comments and who.view_as is None and who.id is not None and who.scopes is None
        group = query.tower.group if query.tower else ""
        return cls(form, look_of(form, columns, view), terms, person, Days(person, terms.now), group, nudges)

    def draw(self, shape: str, rows: Iterable[Row], found: Any, waits: Mapping[int, Sequence[Wait]]) -> list[Drawn]:
        """``shape``: one of SHAPES."""
        drawing = SHAPES[shape]
        return [self._drawn(drawing, row, found, waits.get(row["id"], ())) for row in rows]

    def _drawn(self, drawing: Drawing, row: Row, found: Any, waits: Sequence[Wait]) -> Drawn:
        risk = towers.risk_of(row, self.terms)
        group = row.get(self.group) if self.group and self.group != "risk" else risk
        return Drawn(row["id"], group, drawing(self, row, found, waits, risk))

    # --- the parts of a row

    def owner(self, row: Row, found: Any, title: str) -> str:
        begin, middle, end = self.look.nudge
        button = f"{begin}{row['id']}{middle}{title}{end}" if self.nudges and row["owner"] is not None else ""
        return f'<span class="tw-owner">{self.look.owner_of(row, found)}{button}</span>'

    def time(self, row: Row, state: State | None) -> str:
        due, now = row["state_due"], self.terms.now
        over = " over" if due is not None and due < now else ""
        stay = path.lasting(row, state, self.person, now) if state else ""
        bar = stay_bar(row["state_since"], due, now)
        return f'<span class="tw-time{over}">{bar}<span class="tw-stay">{stay}</span></span>'

    def following(self, row: Row, standing: Standing) -> str:
        if not standing.following:
            return ""
        due, now = row["state_due"], self.terms.now
        when = f"<small>{self.days.moment(max(due, now))}</small>" if due is not None and standing.ahead else ""
        return f"<span>{self.look.icons['arrow-right']}{standing.following}</span>{when}"

    def end(self, row: Row) -> str:
        expected, promised = towers.expected_end(row, self.terms), self.promised(row)
        flag = f"{self.look.promised}{self.days.promise(promised)}</span>" if promised is not None else ""
        forecast, gap = self.days.moment(expected) or "–", self.gap(promised, expected)
        return f'<span class="tw-end"><span class="tw-forecast">{forecast}</span>{flag}{gap}</span>'

    def promised(self, row: Row) -> Any:
        return row[self.terms.promised] if self.terms.promised else None

    def gap(self, promised: Any, expected: dt.datetime | None) -> str:
        """How far the forecast lies from the promise, where it lies after it."""
        if promised is None or expected is None:
            return ""
        days = (self.terms.day(expected) - self.terms.promised_day(promised)).days
        return f'<span class="tw-gap">+{self.days.length(days)}</span>' if days > 0 else ""

    def waits_of(self, waits: Sequence[Wait], most: int) -> str:
        """Records that wait for the same have the same tuple, which lives as long as the page."""
        if not waits:
            return ""
        key = id(waits), most
        drawn = self.waits.get(key)
        if drawn is None:
            each = [self._wait(wait) for wait in waits]
            more = f'<details class="tw-more"><summary>+{len(each) - most}</summary>{"".join(each[most:])}</details>'
            drawn = self.waits[key] = "".join(each[:most]) + (more if len(each) > most else "")
        return drawn

    def _wait(self, wait: Wait) -> str:
        whole = f' title="{escape(said(wait.whole))}"' if wait.whole else ""
        return f'<span class="tw-wait"{whole}>{self.look.icons[wait.icon]}{escape(said(wait.text))}</span>'

    def line(self, row: Row, risk: str) -> str:
        return line(row, self.terms, towers.expected_end(row, self.terms), self.promised(row), RISKS[risk].colour)

    def plan(self, row: Row) -> str:
        forecast = self.days.moment(towers.expected_end(row, self.terms)) or "–"
        promised = self.days.promise(self.promised(row)) or "–"
        return str(escape(translate("Forecast {forecast}, promised {promised}", forecast=forecast, promised=promised)))


# --- a row, a card, a bar --------------------------------------------------------------------------------------------

Drawing = Callable[[Brush, Row, Any, Sequence[Wait], str], str]


def _row(brush: Brush, row: Row, found: Any, waits: Sequence[Wait], risk: str) -> str:
    look, key = brush.look, row["id"]
    standing, title = look.standing(row), look.card.title(row, found)
    return (
        f'<tr id="r{key}" data-v="{row["version"]}" class="tw-row tone-{RISKS[risk].colour}">\n<td class="tw-title">'
        f'<a class="open" href="/{brush.form.name}/{key}">{title}</a>'
        f'<span class="tw-facts">{look.card.facts_of(row, found)}</span></td>\n'
        f'<td class="tw-risk"><span class="tw-mark">{look.risks[risk]}</span></td>\n<td>{standing.step}</td>\n'
        f"<td>{brush.owner(row, found, title)}</td>\n<td>{brush.time(row, standing.state)}</td>\n"
        f'<td class="tw-next">{brush.following(row, standing)}</td>\n<td>{brush.end(row)}</td>\n'
        f'<td class="tw-waits">{brush.waits_of(waits, 2)}</td>\n</tr>\n'
    )


def _card(brush: Brush, row: Row, found: Any, waits: Sequence[Wait], risk: str) -> str:
    look, key = brush.look, row["id"]
    standing, title = look.standing(row), look.card.title(row, found)
    waiting = f'<span class="tw-waits">{brush.waits_of(waits, 1)}</span>' if waits else ""
    return (
        f'<article class="board-card tw-card tone-{RISKS[risk].colour}" id="r{key}" data-id="{key}"'
        f' data-v="{row["version"]}" tabindex="0">\n<a class="open" href="/{brush.form.name}/{key}">{title}</a>'
        f'<span class="card-facts">{look.card.facts_of(row, found)}</span>\n{standing.step}'
        f"{brush.time(row, standing.state)}{brush.end(row)}\n{waiting}\n{brush.owner(row, found, title)}\n"
        "</article>\n"
    )


def _bar(brush: Brush, row: Row, found: Any, waits: Sequence[Wait], risk: str) -> str:
    look, key = brush.look, row["id"]
    return (
        f'<tr id="r{key}" data-v="{row["version"]}" class="tw-row tone-{RISKS[risk].colour}">\n<td class="tw-title">'
        f'<a class="open" href="/{brush.form.name}/{key}">{look.card.title(row, found)}</a>'
        f'{look.standing(row).badge}</td>\n<td class="tw-plan" title="{brush.plan(row)}">{brush.line(row, risk)}</td>\n'
        f"<td>{brush.end(row)}</td>\n</tr>\n"
    )


def _on_wall(brush: Brush, row: Row, found: Any, waits: Sequence[Wait], risk: str) -> str:
    card, standing = brush.look.card, brush.look.standing(row)
    return (
        f'<tr id="r{row["id"]}" class="tone-{RISKS[risk].colour}"><td>{card.title(row, found)}<span class="tw-facts">'
        f"{card.facts_of(row, found)}</span></td><td>{standing.step}</td><td>{brush.look.owner_of(row, found)}</td>"
        f"<td>{brush.time(row, standing.state)}</td><td>{brush.end(row)}</td><td>{brush.waits_of(waits, 2)}</td></tr>\n"
    )


SHAPES: Mapping[str, Drawing] = {"table": _row, "kanban": _card, "timeline": _bar, "wall": _on_wall}


def stay_bar(since: dt.datetime | None, due: dt.datetime | None, now: dt.datetime) -> str:
    """The time in the present step against the time it may take: full is the larger of both, red what is beyond."""
    if since is None or due is None or due <= since:
        return ""
    spent, allowed = max(0.0, (now - since).total_seconds()), (due - since).total_seconds()
    whole = max(spent, allowed)
    within, beyond = round(100 * min(spent, allowed) / whole, 1), round(100 * max(0.0, spent - allowed) / whole, 1)
    red = f'<rect class="over" x="{within}" width="{beyond}" height="6"/>' if beyond else ""
    return (
        '<svg class="tw-bar" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">'
        f'<rect class="all" width="100" height="6"/><rect class="in" width="{within}" height="6"/>{red}</svg>'
    )


# --- the time line ---------------------------------------------------------------------------------------------------


def line(row: Any, terms: Terms, expected: dt.datetime | None, promised: Any, colour: str) -> str:
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
    return (
        f'<svg class="tw-line tone-{colour}" viewBox="0 0 100 20" preserveAspectRatio="none" aria-hidden="true">'
        f'<rect class="been" x="{start}" y="6" width="{max(0.3, now - start)}" height="8"/>'
        f'<rect class="ahead" x="{now}" y="6" width="{max(0.0, end - now)}" height="8"/>'
        f'<rect class="tw-now" x="{now}" width="0.2" height="20"/>{mark}</svg>'
    )


def scale(language: str) -> list[str]:
    """The days a week apart from the first of the time line, which is told in weeks around today."""
    today = application().clock().astimezone(reader().zone).date()
    return [_short(today + dt.timedelta(days=days - BEFORE), today, language) for days in range(0, SPAN, 7)]
