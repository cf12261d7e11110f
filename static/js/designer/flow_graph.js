// The picture of a flow: drawn by X6 from the model, laid out by dagre. What people do to it is told to `tell`; the
// picture itself changes only when the model does.

import { SIZE, fitted, laidOut, partsOf, share, width } from "./flow_layout.js";

const LINE_HEIGHT = 15;
const READABLE = 0.78;
const LABEL = [{ tagName: "rect", selector: "box" }, { tagName: "text", selector: "first" }, { tagName: "text", selector: "second" }];

function load(address) {
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = address;
    script.onload = resolve;
    script.onerror = () => reject(new Error(address));
    document.head.append(script);
  });
}

let loading = null;

// Both libraries, once they are wanted: a phone that shows the table never fetches them.
export function libraries(x6, dagre) {
  loading ??= Promise.all([load(x6), load(dagre)]).then(() => {
    window.X6.Config.autoInsertCSS = false; // its styles are a file of ours: nothing inline is allowed
    register();
  });
  return loading;
}

function register() {
  const { Graph } = window.X6;
  Graph.registerNode("flow-stage", {
    width: SIZE.width,
    height: SIZE.height,
    markup: [
      { tagName: "rect", selector: "body" }, { tagName: "rect", selector: "stripe" },
      { tagName: "text", selector: "title" }, { tagName: "text", selector: "owner" }, { tagName: "text", selector: "marks" },
      { tagName: "rect", selector: "countBox" }, { tagName: "text", selector: "count" },
      { tagName: "circle", selector: "remarkDot" }, { tagName: "text", selector: "remark" },
    ],
    attrs: {
      body: { width: SIZE.width, height: SIZE.height, rx: 8, ry: 8, class: "flow-body" },
      stripe: { x: 0, y: 8, width: 4, height: SIZE.height - 16, rx: 2, ry: 2, class: "flow-stripe" },
      title: { x: 14, y: 24, class: "flow-text-title", textAnchor: "start" },
      owner: { x: 14, y: 43, class: "flow-text-owner", textAnchor: "start" },
      marks: { x: 14, y: 62, class: "flow-text-marks", textAnchor: "start" },
      countBox: { class: "flow-count-box", rx: 9, ry: 9, width: 0, height: 18, x: 0, y: 10 },
      count: { class: "flow-count", textAnchor: "middle", x: 0, y: 23 },
      remarkDot: { class: "flow-remark-dot", r: 0, cx: SIZE.width, cy: 0 },
      remark: { class: "flow-remark-count", textAnchor: "middle", x: SIZE.width, y: 4 },
    },
    ports: {
      groups: {
        out: { position: { name: "bottom" }, attrs: { circle: { r: 7, magnet: true, class: "flow-port" } } },
      },
      items: [{ id: "out", group: "out" }],
    },
  }, true);
  Graph.registerEdge("flow-line", { inherit: "edge", defaultLabel: { markup: LABEL, attrs: {}, position: { distance: 0.5 } } }, true);
  Graph.registerNode("flow-back", {
    inherit: "circle", width: 30, height: 30,
    attrs: { body: { class: "flow-back" }, label: { text: "↩", class: "flow-back-text" } },
  }, true);
}

const lineShape = (extra = {}) => ({
  shape: "flow-line",
  zIndex: 0,
  connector: { name: "rounded", args: { radius: 10 } },
  attrs: { line: { class: "flow-line", stroke: "currentColor", strokeWidth: 1.5, targetMarker: { name: "block", width: 9, height: 7 } } },
  ...extra,
});

export class Picture {
  constructor(place, words, tell) {
    this.place = place;
    this.words = words;
    this.tell = tell;
    this.figures = null;
    this.marked = { states: new Set(), steps: new Set() };
    this.selected = null;
    this.from = null;
    const { Graph } = window.X6;
    this.graph = new Graph({
      container: place,
      async: false,
      autoResize: true,
      background: false,
      grid: false,
      panning: { enabled: true, eventTypes: ["leftMouseDown"] },
      mousewheel: { enabled: true, modifiers: ["ctrl", "meta"], minScale: 0.3, maxScale: 1.6 },
      interacting: { nodeMovable: false, edgeMovable: false, edgeLabelMovable: false, vertexMovable: false, arrowheadMovable: false },
      connecting: {
        allowBlank: false, allowEdge: false, allowLoop: true, allowMulti: true, allowNode: true, allowPort: true, highlight: true,
        createEdge: () => this.graph.createEdge(lineShape()),
        validateConnection: ({ targetCell }) => Boolean(targetCell?.isNode() && targetCell.shape === "flow-stage"),
      },
    });
    this.listen();
  }

  listen() {
    this.graph.on("edge:connected", ({ isNew, edge }) => {
      if (!isNew) return;
      const [source, target] = [edge.getSourceCellId(), edge.getTargetCellId()];
      edge.remove();
      if (source && target) this.tell.connect(source, target);
    });
    this.graph.on("cell:click", ({ cell }) => {
      if (this.from && cell.isNode()) this.finish(cell.id);
      else this.choose(cell);
    });
    this.graph.on("blank:click", () => { if (this.from) this.cancel(); else this.tell.choose(null); });
    this.place.addEventListener("keydown", (event) => this.key(event));
    this.place.addEventListener("focusin", (event) => {
      const cell = this.cellOf(event.target);
      if (cell?.isNode()) this.bringIntoView(cell);
    });
  }

  cellOf(element) {
    const id = element.closest?.("[data-cell-id]")?.dataset.cellId;
    return id ? this.graph.getCellById(id) : null;
  }

  choose(cell) {
    const { path } = cell.getData() ?? {};
    if (path) this.tell.choose(path);
  }

  // --- drawing

  draw(flow) {
    const focus = this.cellOf(document.activeElement)?.id;
    const first = !this.flow;
    this.flow = flow;
    const parts = partsOf(flow);
    const labels = new Map(parts.lines.map((line) => [line.id, this.label(line)]));
    const layout = laidOut(flow, parts, labels);
    this.graph.clearCells();
    for (const line of parts.backs) this.addBack(line, layout.nodes.get(line));
    for (const stage of flow.stages) this.addStage(stage, layout.nodes.get(stage.name));
    for (const line of parts.lines) this.addLine(line, layout.edges.get(line.id), labels.get(line.id));
    this.reachable(flow, parts);
    this.mark();
    this.showFigures(this.figures);
    if (first) requestAnimationFrame(() => this.fit());
    if (focus) this.view(focus)?.focus({ preventScroll: true });
  }

  // The first line of a transition that leaves several states is labelled in full, the others with its name.
  label({ arrow, source }) {
    const who = arrow.role_names.length ? arrow.roles.join(this.words.comma) : `⚡ ${arrow.badges[0]?.label ?? this.words.rules}`;
    const guard = arrow.guard ? "  ◇" : "";
    const first = fitted(arrow.label + guard, 170, 12.5);
    if (arrow.sources[0] !== source) return { first: fitted(arrow.label, 90, 11), second: "", width: Math.min(width(arrow.label, 11), 90) + 10, height: LINE_HEIGHT + 4 };
    const second = fitted(who, 130, 11);
    return { first, second, width: Math.max(width(first, 12.5), width(second, 11)) + 16, height: 2 * LINE_HEIGHT + 8 };
  }

  addStage(stage, at) {
    const marks = [];
    const timeouts = stage.badges.filter((one) => one.kind === "timeout").length;
    const asks = stage.badges.filter((one) => one.kind === "ask").length;
    if (stage.expected) marks.push(`◷ ${stage.expected}`);
    if (stage.deliverables.length) marks.push(`☑ ${stage.deliverables.length}`);
    if (timeouts) marks.push(`⏰ ${timeouts}`);
    if (asks) marks.push(`✋ ${asks}`);
    const worst = ["error", "warning", "note"].find((kind) => stage.remarks.some((one) => one.severity === kind)) ?? "";
    const kind = stage.initial ? `▶ ${this.words.start}` : stage.final ? `■ ${this.words.end}` : "";
    this.graph.addNode({
      id: stage.name, shape: "flow-stage", x: at.x - SIZE.width / 2, y: at.y - SIZE.height / 2, zIndex: 2,
      data: { path: stage.path, label: stage.label, kind: "state" },
      attrs: {
        title: { text: fitted(stage.label, SIZE.width - 70, 14) },
        owner: { text: fitted([kind, stage.owner].filter(Boolean).join(" · "), SIZE.width - 24, 12) },
        marks: { text: marks.join("   ") },
        stripe: { class: `flow-stripe is-${stage.colour}` },
        body: { class: `flow-body${stage.final ? " is-final" : ""}${stage.aside ? " is-aside" : ""}${stage.initial ? " is-initial" : ""}` },
        remarkDot: { r: worst ? 9 : 0, class: `flow-remark-dot is-${worst}` },
        remark: { text: worst ? String(stage.remarks.length) : "" },
      },
    });
  }

  addBack(id, at) {
    this.graph.addNode({ id, shape: "flow-back", x: at.x - 15, y: at.y - 15, zIndex: 1, data: { label: this.words.before, kind: "back" } });
  }

  addLine(line, edge, label) {
    const { arrow } = line;
    const middle = edge.points.slice(1, -1).map(({ x, y }) => ({ x, y }));
    const worst = arrow.remarks.length ? ` is-${arrow.remarks[0].severity}` : "";
    const style = `${arrow.roles.length ? "" : " by-rules"}${arrow.style === "danger" ? " is-danger" : ""}${worst}`;
    this.graph.addEdge(lineShape({
      id: line.id, source: { cell: line.source }, target: { cell: line.target }, vertices: middle,
      data: { path: arrow.path, label: arrow.label, kind: "transition", arrow },
      attrs: { line: { class: `flow-line${style}`, stroke: "currentColor", strokeWidth: 1.5, targetMarker: { name: "block", width: 9, height: 7 } } },
      labels: [{
        attrs: {
          box: { class: `flow-label-box${worst}`, x: -label.width / 2, y: -label.height / 2, width: label.width, height: label.height, rx: 5 },
          first: { text: label.first, class: `flow-label-first${label.second ? "" : " is-again"}`, textAnchor: "middle", y: label.second ? -3 : 4 },
          second: { text: label.second, class: "flow-label-second", textAnchor: "middle", y: 12 },
        },
        position: { distance: share(edge.points, edge) },
      }],
    }));
  }

  // --- for those who use keys or listen

  reachable(flow, parts) {
    const name = new Map(flow.stages.map((one) => [one.name, one.label]));
    for (const stage of flow.stages) {
      const said = [stage.label, stage.initial && this.words.start, stage.final && this.words.end, stage.owner, stage.expected,
        stage.deliverables.length && this.words.deliverables.replace("%", stage.deliverables.length),
        stage.remarks.length && this.words.remarks.replace("%", stage.remarks.length)];
      this.makeButton(stage.name, said.filter(Boolean).join(", "));
    }
    for (const { id, arrow, source, target } of parts.lines) {
      const leads = this.words.leads.replace("%s", name.get(source)).replace("%t", name.get(target) ?? this.words.before);
      this.makeButton(id, [arrow.label, leads, arrow.roles.join(this.words.comma), arrow.guard].filter(Boolean).join(", "));
    }
    for (const back of parts.backs) this.view(back)?.setAttribute("aria-hidden", "true");
  }

  view(id) {
    const cell = this.graph.getCellById(id);
    return cell ? this.graph.findViewByCell(cell)?.container : null;
  }

  makeButton(id, words) {
    const element = this.view(id);
    element.setAttribute("tabindex", "0");
    element.setAttribute("role", "button");
    element.setAttribute("aria-label", words);
  }

  key(event) {
    if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
    const cell = this.cellOf(event.target);
    const does = KEYS[event.key];
    if (!does || does(this, cell) === false) return;
    event.preventDefault();
    event.stopPropagation();
  }

  // From a state to the one that is chosen next.
  begin(name) {
    this.from = name;
    this.place.classList.add("is-connecting");
    this.view(name)?.classList.add("is-from");
    this.tell.say(this.words.connect);
  }

  finish(target) {
    const source = this.from;
    this.release();
    this.tell.connect(source, target);
  }

  cancel() {
    this.release();
    this.tell.say(this.words.ended);
  }

  release() {
    this.view(this.from)?.classList.remove("is-from");
    this.place.classList.remove("is-connecting");
    this.from = null;
  }

  // The nearest part in a direction gets the focus.
  step(cell, dx, dy) {
    const here = centre(this.graph, cell);
    let best = null;
    for (const other of this.graph.getNodes()) {
      if (other.id === cell.id || other.shape !== "flow-stage") continue;
      const there = centre(this.graph, other);
      const along = (there.x - here.x) * dx + (there.y - here.y) * dy;
      const across = Math.abs((there.x - here.x) * dy) + Math.abs((there.y - here.y) * dx);
      if (along > 1 && (!best || along + 2 * across < best.far)) best = { far: along + 2 * across, id: other.id };
    }
    if (best) this.view(best.id).focus();
  }

  bringIntoView(cell) {
    const box = this.graph.localToGraph(cell.getBBox());
    const { clientWidth, clientHeight } = this.place;
    if (box.x < 0 || box.y < 0 || box.x + box.width > clientWidth || box.y + box.height > clientHeight) this.graph.centerCell(cell);
  }

  // --- what is shown on top of the model

  select(path) {
    this.selected = path ? JSON.stringify(path) : null;
    this.mark();
  }

  // Where records get stuck, and the way that leads there.
  stuck(found) {
    this.marked = {
      states: new Set(found.map((one) => one.state)),
      steps: new Set(found.flatMap((one) => one.path)),
      blocked: new Set(found.flatMap((one) => one.blocked)),
    };
    this.mark();
  }

  mark() {
    for (const cell of this.graph.getCells()) {
      const element = this.graph.findViewByCell(cell)?.container;
      const { path, arrow } = cell.getData() ?? {};
      if (!element) continue;
      const chosen = Boolean(path) && JSON.stringify(path) === this.selected;
      element.classList.toggle("is-selected", chosen);
      element.classList.toggle("is-stuck", this.marked.states.has(cell.id));
      element.classList.toggle("is-way", Boolean(arrow && this.marked.steps.has(arrow.name)));
      element.classList.toggle("is-blocked", Boolean(arrow && this.marked.blocked?.has(arrow.name)));
    }
  }

  showFigures(figures) {
    this.figures = figures;
    for (const node of this.graph.getNodes()) {
      const one = figures?.[node.id];
      if (node.shape !== "flow-stage") continue;
      const text = one?.count ? String(one.count) : "";
      const wide = text ? width(text, 12) + 16 : 0;
      node.attr({
        countBox: { width: wide, x: SIZE.width - wide - 10, class: `flow-count-box is-${one?.heat || "calm"}` },
        count: { text, x: SIZE.width - wide / 2 - 10 },
      });
    }
    for (const stage of this.flow?.stages ?? []) this.addToLabel(stage.name, figures?.[stage.name]);
  }

  addToLabel(name, figure) {
    const element = this.view(name);
    if (!element) return;
    const plain = element.dataset.plainLabel ?? element.getAttribute("aria-label");
    element.dataset.plainLabel = plain;
    const said = figure?.count ? `, ${this.words.records.replace("%", figure.count)}` : "";
    element.setAttribute("aria-label", plain + said);
  }

  fit() {
    this.graph.zoomToFit({ padding: 16, maxScale: 1, minScale: 0.2 });
    if (this.graph.zoom() >= READABLE) return;
    const box = this.graph.getCellById(this.flow.initial)?.getBBox() ?? this.graph.getContentArea();
    this.graph.zoomTo(READABLE); // readable rather than whole: the beginning is shown
    const [room, all] = [this.place.clientWidth, this.graph.getContentArea()];
    const [left, right] = [16 - all.x * READABLE, room - 16 - (all.x + all.width) * READABLE];
    const wanted = room / 2 - box.center.x * READABLE;
    this.graph.translate(left < right ? wanted : Math.min(left, Math.max(right, wanted)), 20 - box.y * READABLE);
  }

  zoom(by) {
    if (by === "fit") this.graph.zoomToFit({ padding: 16, maxScale: 1, minScale: 0.2 });
    else this.graph.zoom(by === "in" ? 0.15 : -0.15);
  }

  dispose() {
    this.graph.dispose();
  }
}

function centre(graph, cell) {
  if (cell.isNode()) return cell.getBBox().center;
  return graph.findViewByCell(cell).path.pointAt(0.5);
}

const direction = (dx, dy) => (picture, cell) => (cell ? picture.step(cell, dx, dy) : false);

const KEYS = {
  Enter(picture, cell) {
    if (!cell) return false;
    if (picture.from && cell.isNode()) return picture.finish(cell.id);
    return picture.choose(cell);
  },
  " ": (picture, cell) => KEYS.Enter(picture, cell),
  Delete(picture, cell) {
    if (!cell) return false;
    const { kind, arrow } = cell.getData();
    return kind === "state" ? picture.tell.removeState(cell.id) : picture.tell.removeTransition(arrow.name, cell.getSourceCellId());
  },
  Backspace: (picture, cell) => KEYS.Delete(picture, cell),
  t: (picture, cell) => (cell?.isNode() ? picture.begin(cell.id) : false),
  T: (picture, cell) => KEYS.t(picture, cell),
  n: (picture) => picture.tell.newState(),
  N: (picture) => picture.tell.newState(),
  0: (picture) => picture.zoom("fit"),
  "+": (picture) => picture.zoom("in"),
  "-": (picture) => picture.zoom("out"),
  Escape: (picture) => (picture.from ? picture.cancel() : false),
  ArrowUp: direction(0, -1),
  ArrowDown: direction(0, 1),
  ArrowLeft: direction(-1, 0),
  ArrowRight: direction(1, 0),
};
