// Two runs compared, as `lensload compare` does it.

import { duration, perSecond, table } from "./charts.js";

const query = new URLSearchParams(location.search);
const at = (id) => document.getElementById(id);
// The runs' list marks two runs under one name; a link may name base and new.
const marked = query.getAll("run");
const [base, next] = [query.get("base") ?? marked[1], query.get("new") ?? marked[0]];

function percent(value) {
  if (value === null) return "-";
  return Math.abs(value) < 10 ? `${value > 0 ? "+" : ""}${(100 * value).toFixed(1)} %` : "more than 10-fold";
}

function shown(value, unit) {
  if (value === null) return "-";
  return unit === "us" ? duration(value) : `${perSecond(value)} ${unit}`;
}

async function compare() {
  const asked = new URLSearchParams({ base, new: next });
  if (query.has("all_the_same")) asked.set("all_the_same", "1");
  const answer = await fetch(`api/compare?${asked}`);
  const found = await answer.json();
  at("sides").textContent = `Base: ${base}. New: ${next}.`;
  if (!answer.ok) {
    at("title").textContent = "These runs were not compared";
    at("outcome").textContent = "No comparison";
    at("error").hidden = false;
    at("error").textContent = [found.error.message, found.error.advice].filter(Boolean).join("\n");
    asked.set("all_the_same", "1");
    at("all-the-same").href = `?${asked}`;
    at("all-the-same").hidden = !found.error.all_the_same;
    return;
  }
  at("title").textContent = "Two runs compared";
  at("card").classList.add({ regression: "fail", improvement: "pass" }[found.outcome] ?? "neutral");
  at("outcome").textContent = found.outcome[0].toUpperCase() + found.outcome.slice(1);
  at("method").textContent = found.method;
  table(at("changes"), ["figure", "base", "new", "change", "interval", ""], found.changes.map((change) => [
    change.name,
    shown(change.base, change.unit),
    shown(change.new, change.unit),
    percent(change.change),
    `[${percent(change.low)}, ${percent(change.high)}]`,
    { text: change.limit === null ? "" : change.call, className: `call-${change.call.replaceAll(" ", "-")}` },
  ]));
  at("remarks").replaceChildren(...[...found.remarks, ...found.changes.filter((one) => one.note).map((one) => `${one.name}: ${one.note}.`)].map((text) => {
    const item = document.createElement("li");
    item.textContent = text;
    return item;
  }));
}

compare().catch((error) => {
  at("title").textContent = "These runs were not compared";
  at("error").hidden = false;
  at("error").textContent = `The process behind this page does not answer (${error.message}). Reload the page when it runs again.`;
});
