// Small charts drawn as SVG and on a canvas; colours are the style sheet's.

const SVG = "http://www.w3.org/2000/svg";
const MARGIN = { left: 62, right: 12, top: 10, bottom: 24 };

export function duration(us) {
  if (us === null || us === undefined) return "-";
  const value = Number(us.toPrecision(3));
  if (Math.abs(value) < 1e3) return `${three(value)} µs`;
  if (Math.abs(value) < 1e6) return `${three(value / 1e3)} ms`;
  return `${three(value / 1e6)} s`;
}

export function perSecond(value) {
  if (value === null || value === undefined) return "-";
  return value.toLocaleString("en", { maximumFractionDigits: value >= 100 || value === 0 ? 0 : 1 });
}

export function share(value) {
  if (value === null || value === undefined) return "-";
  return `${(100 * value).toLocaleString("en", { maximumFractionDigits: 2 })} %`;
}

export function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const pad = (n) => String(n).padStart(2, "0");
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return h ? `${h}:${pad(m)}:${pad(s)}` : `${pad(m)}:${pad(s)}`;
}

function three(value) {
  const digits = Math.abs(value) < 10 ? 2 : Math.abs(value) < 100 ? 1 : 0;
  return value.toLocaleString("en", { minimumFractionDigits: 0, maximumFractionDigits: digits });
}

function svg(parent, name, attributes, text) {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  if (text !== undefined) node.textContent = text;
  parent.append(node);
  return node;
}

function ticks(low, high, count) {
  const raw = (high - low) / count || 1;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].find((digit) => digit * power >= raw) * power;
  const found = [];
  for (let at = Math.ceil(low / step) * step; at <= high + step / 1e6; at += step) found.push(at);
  return found;
}

// Powers of ten; within two of them also their double and their fivefold, so that no axis has one number only.
function powers(low, high) {
  const steps = high / low > 100 ? [1] : [1, 2, 5];
  const found = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power += 1) found.push(...steps.map((step) => step * 10 ** power));
  return found.filter((at) => at >= low * (1 - 1e-9) && at <= high * (1 + 1e-9));
}

// Lines over time. options: entries, lines [{name, className, value(entry)}], log, label, changes, height.
export function lines(holder, options) {
  const width = Math.max(240, holder.clientWidth);
  const height = options.height ?? 170;
  const inner = { width: width - MARGIN.left - MARGIN.right, height: height - MARGIN.top - MARGIN.bottom };
  const root = document.createElementNS(SVG, "svg");
  root.setAttribute("viewBox", `0 0 ${width} ${height}`);
  root.setAttribute("role", "img");
  root.setAttribute("aria-label", options.name);
  const { entries } = options;
  const end = Math.max(10, ...entries.map((entry) => entry.to_s));
  const values = options.lines.flatMap((line) => entries.map(line.value)).filter((value) => value > 0);
  const high = Math.max(options.log ? 10 : 1, ...values) * (options.log ? 1.3 : 1.08);
  const low = options.log ? Math.min(high / 10, Math.min(...values, high) / 1.3) : 0;
  const x = (seconds) => MARGIN.left + (inner.width * seconds) / end;
  const part = options.log
    ? (value) => Math.log(Math.max(value, low) / low) / Math.log(high / low)
    : (value) => value / high;
  const y = (value) => MARGIN.top + inner.height * (1 - part(value));
  const warm = Math.min(options.warmup_s ?? 0, end);
  if (warm) svg(root, "rect", { class: "shade", x: x(0), y: MARGIN.top, width: x(warm) - x(0), height: inner.height });
  for (const at of options.log ? powers(low, high) : ticks(0, high, 4)) {
    svg(root, "line", { class: "grid", x1: MARGIN.left, x2: width - MARGIN.right, y1: y(at), y2: y(at) });
    svg(root, "text", { x: MARGIN.left - 6, y: y(at) + 4, "text-anchor": "end" }, options.label(at));
  }
  for (const at of ticks(0, end, width > 600 ? 8 : 4)) {
    svg(root, "text", { x: x(at), y: height - 6, "text-anchor": "middle" }, end > 600 ? clock(at) : `${at} s`);
  }
  for (const change of options.changes ?? []) {
    const line = svg(root, "line", { class: "change", x1: x(change.at_s), x2: x(change.at_s), y1: MARGIN.top, y2: MARGIN.top + inner.height });
    svg(line, "title", {}, change.rate_per_s === null ? "rate given back" : `${perSecond(change.rate_per_s)}/s`);
  }
  for (const line of options.lines) {
    let path = "";
    let pen = false;
    let last = 0;
    for (const entry of entries) {
      const value = line.value(entry);
      if (value === null || value === undefined) continue;
      if (entry.from_s - last > 1.5 * (entry.to_s - entry.from_s)) pen = false; // there are no gaps but of what has no value
      last = entry.to_s;
      const across = line.step ? `${pen ? "L" : "M"}${x(entry.from_s).toFixed(1)},${y(value).toFixed(1)}` : "";
      path += `${across}${pen || across ? "L" : "M"}${x(entry.to_s).toFixed(1)},${y(value).toFixed(1)}`;
      pen = true;
    }
    if (path) svg(root, "path", { class: `line ${line.className}`, d: path });
  }
  holder.replaceChildren(root);
}

// One bar of parts that add up. parts: [{name, className, value}].
export function bar(holder, parts, name) {
  const width = Math.max(240, holder.clientWidth);
  const root = document.createElementNS(SVG, "svg");
  root.setAttribute("viewBox", `0 0 ${width} 34`);
  root.setAttribute("role", "img");
  root.setAttribute("aria-label", name);
  const sum = parts.reduce((total, one) => total + one.value, 0) || 1;
  let at = 0;
  for (const one of parts) {
    const length = (width * one.value) / sum;
    const box = svg(root, "rect", { class: one.className, x: at, y: 4, width: Math.max(0, length - 1), height: 26 });
    svg(box, "title", {}, `${one.name}: ${duration(one.value)}`);
    at += length;
  }
  holder.replaceChildren(root);
}

export function legend(list, keys) {
  list.replaceChildren(...keys.map(({ name, className, area }) => {
    const item = document.createElement("li");
    const swatch = document.createElementNS(SVG, "svg");
    swatch.setAttribute("class", "swatch");
    swatch.setAttribute("viewBox", "0 0 22 10");
    if (area) svg(swatch, "rect", { class: className, width: 22, height: 10, rx: 2 });
    else svg(swatch, "line", { class: className, x2: 22, y1: 5, y2: 5 });
    item.append(swatch, name);
    return item;
  }));
}

const SHARES = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3];

// Columns of entries, rows of latencies; the darkness is the share of the column's events.
export function heat(canvas, entries, rowsADecade) {
  const style = getComputedStyle(document.documentElement);
  const colours = [1, 2, 3, 4, 5, 6, 7].map((n) => style.getPropertyValue(`--h${n}`).trim());
  const scale = window.devicePixelRatio || 1;
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  canvas.width = width * scale;
  canvas.height = height * scale;
  const pen = canvas.getContext("2d");
  pen.scale(scale, scale);
  const rows = entries.flatMap((entry) => entry.heat.map(([row]) => row));
  pen.fillStyle = style.getPropertyValue("--muted").trim();
  pen.font = "11px sans-serif";
  if (!rows.length) { pen.fillText("Nothing has been measured yet.", MARGIN.left, 24); return; }
  const [low, high] = [Math.min(...rows), Math.max(...rows) + 1];
  const end = Math.max(10, ...entries.map((entry) => entry.to_s));
  const inner = { width: width - MARGIN.left - MARGIN.right, height: height - MARGIN.top - MARGIN.bottom };
  const x = (seconds) => MARGIN.left + (inner.width * seconds) / end;
  const y = (row) => MARGIN.top + inner.height * (1 - (row - low) / (high - low));
  pen.textAlign = "right";
  for (const at of powers(10 ** (low / rowsADecade), 10 ** (high / rowsADecade))) {
    pen.fillText(duration(at), MARGIN.left - 6, y(Math.log10(at) * rowsADecade) + 4);
  }
  pen.textAlign = "center";
  for (const at of ticks(0, end, width > 600 ? 8 : 4)) pen.fillText(end > 600 ? clock(at) : `${at} s`, x(at), height - 6);
  for (const entry of entries) {
    const total = entry.heat.reduce((sum, [, count]) => sum + count, 0);
    for (const [row, count] of entry.heat) {
      pen.fillStyle = colours[SHARES.filter((one) => count / total >= one).length];
      const [left, top] = [Math.floor(x(entry.from_s)), Math.floor(y(row + 1))];
      pen.fillRect(left, top, Math.ceil(x(entry.to_s)) - left, Math.ceil(y(row)) - top);
    }
  }
}

export function table(node, heads, rows) {
  const cell = (name, content) => {
    const made = document.createElement(name);
    const { text, className, node: inside } = typeof content === "object" && content !== null ? content : { text: content };
    if (inside) made.append(inside);
    else made.textContent = text ?? "-";
    if (className) made.className = className;
    return made;
  };
  const head = document.createElement("thead");
  const first = head.insertRow();
  first.append(...heads.map((text) => cell("th", text)));
  const body = document.createElement("tbody");
  for (const row of rows) {
    const line = body.insertRow();
    line.append(...row.map((content, number) => cell(number ? "td" : "th", content)));
  }
  node.replaceChildren(head, body);
}
