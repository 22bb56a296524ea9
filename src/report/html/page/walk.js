// The path of a finding as rows: the code, with the code of other functions unfolded where the path enters it.

/** A definition with more lines is shown in parts. */
const WHOLE = 60;
/** How many lines around a step are shown of such a definition. */
const NEAR = 4;
/** Ways that leave the column of the nodes take one of so many tracks beside it. */
const TRACKS = 4;

const covers = (frame, place) => frame.file === place.file && frame.from <= place.line && place.line <= frame.to;

function frameAt(place, after) {
  return { file: place.file, from: place.from, to: place.to, after, marks: new Map(), inner: new Map() };
}

/** Adds to a list in a map. */
function into(map, key, value) {
  if (!map.has(key)) map.set(key, []);
  map.get(key).push(value);
}

/**
 * The functions that a path goes through: the outermost has the others inside, each behind the line from which the path
 * enters it. `marks` has the steps by their lines.
 */
function framesOf(finding) {
  const root = frameAt(finding.place, null);
  let stack = [root];
  // The line of each function from which the path went on.
  const last = new Map([[root, 0]]);
  for (const step of finding.steps) {
    const { place } = step;
    let depth = stack.length - 1;
    while (depth >= 0 && !covers(stack[depth], place)) depth -= 1;
    if (depth >= 0) {
      stack = stack.slice(0, depth + 1);
    } else if (place.file === root.file && place.from <= root.from && root.to <= place.to) {
      // A function around the one with the finding.
      [root.from, root.to] = [place.from, place.to];
      stack = [root];
    } else {
      const outer = stack.at(-1);
      const frame = frameAt(place, last.get(outer));
      into(outer.inner, frame.after, frame);
      stack.push(frame);
    }
    const frame = stack.at(-1);
    into(frame.marks, place.line, step);
    last.set(frame, place.line);
  }
  const isStep = finding.steps.some(({ place }) => keyOf(place) === keyOf(finding.place));
  if (!isStep) into(root.marks, finding.place.line, { place: finding.place, message: finding.label, number: 0 });
  return root;
}

/** The lines of a function that are shown; `opened` has the first lines of gaps that are not to be gaps. */
function linesOf(frame) {
  const lines = linesIn(frame.file);
  const all = [];
  for (let line = frame.from; line <= frame.to; line += 1) all.push(line);
  if (all.length <= WHOLE) return all.filter((line) => lines.has(line));
  const anchors = [...frame.marks.keys(), ...frame.inner.keys()];
  const isNear = (line) => line <= frame.from + 1 || anchors.some((at) => Math.abs(at - line) <= NEAR);
  return all.filter((line) => lines.has(line) && isNear(line));
}

/**
 * The rows of a frame and of what is inside it. A row is a `line` of code, a `mark` below it, a `head` or the `end` of a
 * frame, or a `gap`.
 */
function rowsOf(frame, opened, depth = 0, rows = []) {
  const lines = linesIn(frame.file);
  const unfold = (line) => {
    for (const inner of frame.inner.get(line) ?? []) {
      rows.push({ kind: "head", frame: inner, depth: depth + 1 });
      rowsOf(inner, opened, depth + 1, rows);
      rows.push({ kind: "end", depth: depth + 1 });
    }
  };
  const line = (number) => {
    rows.push({ kind: "line", frame, number, text: lines.get(number), marks: frame.marks.get(number) ?? [], depth });
    for (const step of frame.marks.get(number) ?? []) rows.push({ kind: "mark", step, depth });
    unfold(number);
  };
  unfold(0);
  let before = frame.from - 1;
  for (const number of linesOf(frame)) {
    if (number > before + 1) gap(before + 1, number - 1);
    line(number);
    before = number;
  }
  if (before < frame.to) gap(before + 1, frame.to);
  return rows;

  function gap(from, to) {
    const key = `${frame.file}:${from}`;
    const all = [];
    for (let number = from; number <= to; number += 1) if (lines.has(number)) all.push(number);
    if (opened.has(key)) all.forEach(line);
    else rows.push({ kind: "gap", key, count: to - from + 1, known: all.length > 0, depth });
  }
}

/**
 * The ways between the nodes: for each row, the pieces that are drawn there. A way to the next node below goes straight
 * down; one that goes back, or past other nodes, has a track of its own.
 */
function waysOf(rows) {
  const nodes = [];
  rows.forEach((row, at) => row.kind === "mark" && row.step.number > 0 && (nodes[row.step.number - 1] = at));
  const pieces = rows.map(() => []);
  const taken = [];
  for (let at = 1; at < nodes.length; at += 1) {
    const [from, to] = [nodes[at - 1], nodes[at]];
    const [top, bottom] = [Math.min(from, to), Math.max(from, to)];
    const passes = nodes.some((node) => node > top && node < bottom);
    const straight = from < to && !passes;
    let track = 0;
    if (!straight) {
      while (track < TRACKS - 1 && (taken[track] ?? []).some(([a, b]) => a <= bottom && top <= b)) track += 1;
      taken[track] = [...(taken[track] ?? []), [top, bottom]];
      track += 1;
    }
    const kind = `${straight ? "straight" : "aside"}${from > to ? " upwards" : ""}`;
    for (let row = top; row <= bottom; row += 1) {
      const part = row === top ? "lower" : row === bottom ? "upper" : "through";
      pieces[row].push({ kind: `${kind} ${part}${row === to && !straight ? " arrives" : ""}`, track, step: at + 1 });
    }
  }
  return { pieces, tracks: Math.min(taken.length, TRACKS) };
}
