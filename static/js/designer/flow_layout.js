// Where states and transitions stand: worked out by dagre from their order in the file, so the same flow always looks
// the same and no position has to be kept.

export const SIZE = { width: 208, height: 74 };
export const BACK = { width: 30, height: 30 };

const WIDE = /[\u1100-\uffff]/;

// How wide a text is about, in pixels.
export function width(text, size = 13) {
  let found = 0;
  for (const letter of text) found += WIDE.test(letter) ? size : size * 0.56;
  return found;
}

// The beginning of a text that fits.
export function fitted(text, room, size = 13) {
  if (width(text, size) <= room) return text;
  let kept = "";
  for (const letter of text) {
    if (width(`${kept}${letter}…`, size) > room) break;
    kept += letter;
  }
  return `${kept}…`;
}

// The parts of the picture: states, and for each state a transition leaves one line. Transitions between the same two
// states in the same direction lie side by side.
export function partsOf(flow) {
  const lines = [];
  const backs = [];
  const known = new Set(flow.stages.map((one) => one.name));
  for (const arrow of flow.arrows) {
    for (const source of arrow.sources.filter((name) => known.has(name))) {
      let target = arrow.target;
      if (target === "previous") {
        target = `previous:${arrow.name}:${source}`;
        backs.push(target);
      } else if (!known.has(target)) continue;
      lines.push({ id: `${arrow.name}~${source}`, arrow, source, target });
    }
  }
  return { lines, backs };
}

const ALIGNS = [undefined, "UL", "UR", "DL", "DR"];

// Of the ways dagre can align things, the one whose main path is straightest and that needs least room.
export function laidOut(flow, parts, labels) {
  const main = flow.stages.filter((one) => !one.aside).map((one) => one.name);
  let best = null;
  for (const align of ALIGNS) {
    const found = aligned(flow, parts, labels, align);
    const bends = main.slice(1).reduce((sum, name, at) => sum + Math.abs(found.nodes.get(name).x - found.nodes.get(main[at]).x), 0);
    const cost = 2 * bends + found.width;
    if (!best || cost < best.cost) best = { ...found, cost };
  }
  return best;
}

function aligned(flow, parts, labels, align) {
  const graph = new window.dagre.graphlib.Graph({ multigraph: true });
  graph.setGraph({ rankdir: "TB", ranksep: 20, nodesep: 28, edgesep: 14, marginx: 20, marginy: 20, align });
  graph.setDefaultEdgeLabel(() => ({}));
  const place = new Map(flow.stages.map((one, index) => [one.name, index]));
  for (const one of flow.stages) graph.setNode(one.name, { ...SIZE });
  for (const back of parts.backs) graph.setNode(back, { ...BACK });
  const aside = new Set(flow.stages.filter((one) => one.aside).map((one) => one.name));
  for (const line of parts.lines) {
    const label = labels.get(line.id);
    const main = !aside.has(line.source) && !aside.has(line.target) && place.get(line.target) === place.get(line.source) + 1;
    graph.setEdge(line.source, line.target, { width: label.width, height: label.height, labelpos: "c", weight: main ? 50 : 1 }, line.id);
  }
  window.dagre.layout(graph);
  const nodes = new Map(graph.nodes().map((id) => [id, graph.node(id)]));
  const edges = new Map(graph.edges().map((one) => [one.name, graph.edge(one)]));
  return { nodes, edges, width: graph.graph().width };
}

// How far along its line a label stands, 0 to 1.
export function share(points, label) {
  let nearest = 0.5;
  let best = Infinity;
  let length = 0;
  const lengths = [0];
  for (let at = 1; at < points.length; at += 1) {
    length += Math.hypot(points[at].x - points[at - 1].x, points[at].y - points[at - 1].y);
    lengths.push(length);
  }
  points.forEach((point, at) => {
    const away = Math.hypot(point.x - label.x, point.y - label.y);
    if (away < best) { best = away; nearest = length ? lengths[at] / length : 0.5; }
  });
  return nearest;
}
