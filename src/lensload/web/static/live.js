// The live page: it asks for the state each second, draws it, and sends what a person wants.

import { bar, clock, duration, heat, legend, lines, perSecond, share, table } from "./charts.js";

const at = (id) => document.getElementById(id);
const POLL_MS = 1000;
const STAGE_NAMES = {
  schedule_lag: "schedule lag", encode: "encode", serialize: "serialize", queue: "client queue", ack: "ack", end_to_end: "end to end", response: "response",
};
const PHASES = {
  idle: ["No run yet", "Start one below."],
  starting: ["Starting", "Processes start and connect; nothing is sent yet."],
  "warm-up": ["Warming up", "Events are sent; nothing counts until the warm-up is over."],
  measuring: ["Measuring", ""],
  draining: ["Draining", "Nothing more is sent. Waiting until every event sent is acknowledged and observed."],
  over: ["The run is over", ""],
};
const QUANTILES = [
  { key: "p50", name: "p50", className: "k1" },
  { key: "p99", name: "p99", className: "k2" },
  { key: "p999", name: "p99.9", className: "k4" },
];
const PLACES = [
  { key: "generator_us", name: "generator (schedule lag)", className: "f1" },
  { key: "client_us", name: "client (queue and linger)", className: "f2" },
  { key: "broker_us", name: "broker", className: "f3" },
  { key: "consumer_us", name: "consumer", className: "f4" },
];
const COUNTS = ["produced", "acked", "failed", "observed", "lost", "duplicated", "reordered", "corrupt"];
const ALWAYS = ["requests", "answered", "unanswered", "late"];
const DRAFT = "lensload-form";
const LONG = 40; // characters of a default that a field of a third of the page would cut off

const seen = { run: "", generation: -1, version: -1 };
let entries = [];
let state = null;
let started = "";
let finished = "";
let dialTouched = false;
let posting = false;
// What is to be loaded beside the state; what cannot be had now is asked for again by the next poll.
const wanted = new Set([loadForm, loadRuns]);

// -- asking and telling ------------------------------------------------------------------------------------------

async function post(path, body) {
  const answer = await fetch(`api/${path}`, {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
  });
  const found = await answer.json();
  if (!answer.ok) throw found.error;
  return found;
}

async function get(path) {
  const answer = await fetch(`api/${path}`, { cache: "no-store" });
  if (answer.status === 401) location.reload(); // which shows the login
  if (!answer.ok) throw new Error(`${answer.status} ${answer.statusText}`);
  return answer.json();
}

async function poll() {
  try {
    take(await get(`state?${new URLSearchParams(seen)}`));
    at("offline").hidden = true;
    draw();
    for (const load of wanted) {
      await load();
      wanted.delete(load);
    }
  } catch (error) {
    at("offline").hidden = false;
    at("offline").textContent = `The process behind this page does not answer (${error.message}). It has ended, or cannot be reached. The figures below are the last that came.`;
  }
}

function take(fresh) {
  const { course } = fresh;
  if (fresh.run !== seen.run || course.generation !== seen.generation) entries = [];
  for (const entry of course.entries) entries[entry.number] = entry;
  Object.assign(seen, { run: fresh.run, generation: course.generation, version: course.version });
  state = fresh;
}

// -- drawing -----------------------------------------------------------------------------------------------------

function draw() {
  const running = ["starting", "warm-up", "measuring", "draining"].includes(state.phase);
  const shown = running || state.phase === "over";
  at("version").textContent = `lensload ${state.lensload}`;
  at("locust").hidden = !state.address;
  at("locust").href = state.address;
  drawPhase(running);
  at("embedded").hidden = !(shown && state.embedded);
  at("now").hidden = !shown;
  at("dial").hidden = !running;
  at("charts").hidden = at("tables").hidden = !entries.length;
  drawStart(running);
  if (shown) drawVerdict();
  if (running) drawDial();
  if (entries.length) { drawCharts(); drawTables(); }
  if (running && started !== state.run) {
    started = state.run;
    if (!sessionStorage.getItem(DRAFT)) wanted.add(loadForm); // somebody else may have started it
  }
  if (state.phase === "over" && finished !== state.run) {
    finished = state.run;
    wanted.add(loadRuns).add(loadForm);
  }
}

function drawStart(running) {
  at("start-button").disabled = running || posting;
  at("start-button").textContent = posting ? "Starting" : running ? "A run is on: stop it first" : "Start";
}

function drawPhase(running) {
  const [title, text] = PHASES[state.phase];
  const failed = state.error;
  at("phase").textContent = failed && !running ? "The run did not take place" : title;
  document.title = `${title}: lensload`;
  const { acked, failed: lost, produced, observed } = state.events;
  const waiting = state.phase === "draining"
    ? ` ${perSecond(Math.max(0, produced - acked - lost))} wait for an acknowledgement, ${perSecond(Math.max(0, acked - observed))} to be observed.` : "";
  at("phase-text").textContent = failed && !running ? [failed.message, failed.advice].filter(Boolean).join(" ") : text + waiting;
  at("progress").hidden = !running || state.phase === "starting";
  const total = state.total_s;
  if (total) { at("bar").max = total; at("bar").value = Math.min(total, state.elapsed_s); }
  else at("bar").removeAttribute("value");
  at("clock").textContent = clock(state.elapsed_s) + (total && state.phase !== "draining" ? ` of ${clock(total)}` : "");
}

function drawVerdict() {
  const { verdict } = state;
  const card = at("card");
  card.classList.remove("pass", "fail", "invalid");
  if (verdict) card.classList.add(verdict.verdict);
  at("verdict").textContent = headline(verdict);
  at("means").textContent = meaning(verdict);
  at("reasons").replaceChildren(...(verdict?.reasons ?? []).map((reason) => item(`${reason.text} ${reason.advice}`)));
  const end = state.latency_us.end_to_end ?? {};
  const lag = state.latency_us.schedule_lag ?? {};
  const facts = [
    [state.phase === "over" ? "acked/s, mean" : "acked/s now", perSecond(state.result ? state.result.load.achieved_per_s : state.acked_per_s)],
    ["asked for", perSecond(state.result ? state.result.load.target_per_s : state.target_per_s)],
    ["end to end, p50", duration(end.p50)], ["end to end, p99", duration(end.p99)], ["end to end, p99.9", duration(end.p999)],
    ["schedule lag, p99", duration(lag.p99)],
    ["failed", perSecond(state.events.failed), state.events.failed > 0],
    ["in the client's queue", perSecond(state.queue)],
  ];
  at("facts").replaceChildren(...facts.map(([name, value, bad]) => {
    const [box, term, figure] = ["div", "dt", "dd"].map((tag) => document.createElement(tag));
    term.textContent = name;
    figure.textContent = value;
    if (bad) box.className = "bad";
    box.append(term, figure);
    return box;
  }));
  drawLinks();
}

function headline(verdict) {
  if (!verdict) return state.phase === "over" ? "No result" : "No verdict yet";
  const says = verdict.final
    ? { pass: "Passed", fail: "Failed", invalid: "Invalid" }
    : { pass: "Good so far", fail: "Would fail", invalid: "Would be invalid" };
  return says[verdict.verdict];
}

function meaning(verdict) {
  if (!verdict) return state.phase === "over" ? "The run ended without one." : "Nothing has been measured yet.";
  const judged = verdict.objectives.length > 0;
  if (verdict.verdict === "invalid") return "Do not use the figures: they are not, or may not be, those of the load that was asked for.";
  if (verdict.verdict === "fail") return "The figures can be trusted, and do not meet what was asked, for the reasons given.";
  return judged ? "The figures can be trusted, and every objective holds." : "The figures can be trusted. No objective was set, so none was judged.";
}

function drawLinks() {
  at("result-links").hidden = !state.result;
  if (!state.result) return;
  const file = encodeURIComponent(state.result.run_file);
  at("result-links").replaceChildren(
    link(`runs/${file}/report`, "HTML report"), link(`runs/${file}/report?download`, "Download the report"),
    link(`runs/${file}`, `Download ${state.result.run_file}`), link("#runs", "Compare with another run"),
  );
}

function drawDial() {
  const { steering } = state;
  const parts = {
    dial: `The dial steers: ${perSecond(steering.dial_per_s)} ${steering.of}/s`,
    rate: steering.rate_per_s === null
      ? "As fast as acknowledgements allow" : `The configured rate steers: ${perSecond(steering.rate_per_s)} ${steering.of}/s`,
    users: `Locust's users steer: ${steering.users} ${steering.users === 1 ? "user" : "users"}`,
  };
  const profile = steering.constant ? "" : `, times the profile ${steering.profile}`;
  const after = steering.by === "dial" && steering.users !== null ? " Locust's users decide only the mix of behaviours." : "";
  const clicks = steering.of === "requests" ? ", with what people do after the answers" : "";
  at("steering").textContent = `${parts[steering.by]}${profile}. Asked for now: ${perSecond(state.target_per_s)} events/s${clicks}.${after}`;
  at("rate-unit").textContent = steering.of;
  at("give-back").hidden = steering.by !== "dial";
  at("give-back").textContent = steering.users === null ? "Back to the configured rate" : "Back to Locust's users";
  for (const node of at("dial-form").elements) node.disabled = state.phase === "draining";
  if (!dialTouched && document.activeElement !== at("rate")) showRate(baseRate());
}

function baseRate() {
  const { dial_per_s: dial, rate_per_s: rate } = state.steering;
  return dial ?? rate ?? state.target_per_s;
}

function showRate(value) {
  at("rate").value = String(Number(value.toPrecision(6)));
  at("slider").value = String(Math.round(200 * (Math.log10(Math.max(10, value)) - 1)));
}

// Until librdkafka has reported, the client's part is not known, and is in the broker's.
function partsOf(breakdown) {
  const known = PLACES.filter((place) => breakdown[place.key] !== null);
  const alone = breakdown.client_us !== null;
  return known.map((place) => ({
    ...place,
    name: place.key === "broker_us" && !alone ? "client and broker" : place.name,
    value: breakdown[place.key],
  }));
}

function drawCharts() {
  const changes = state.rate_changes.filter((change) => change.at_s > 0); // a rate from the form is no change
  const rates = [
    { name: "acknowledged", className: "k1", step: true, value: (entry) => entry.acked_per_s },
    { name: "target", className: "target", step: true, value: (entry) => entry.target_per_s },
  ];
  legend(at("load-legend"), [...rates, ...(changes.length ? [{ name: "rate changed by hand", className: "change" }] : [])]);
  lines(at("load-chart"), { name: "Acknowledged rate against target", entries, lines: rates, label: short, changes, warmup_s: state.warmup_s });
  legend(at("latency-legend"), QUANTILES);
  at("response").hidden = !entries.some((entry) => entry.latency_us.response);
  for (const stage of ["end_to_end", "ack", "schedule_lag", "response"]) {
    const of = QUANTILES.map(({ key, ...line }) => ({ ...line, value: (entry) => entry.latency_us[stage]?.[key] ?? null }));
    lines(at(`${stage}-chart`), { name: `${STAGE_NAMES[stage]}, p50, p99 and p99.9`, entries, lines: of, log: true, label: duration, changes, warmup_s: state.warmup_s });
  }
  heat(at("heat"), entries, state.course.rows_a_decade);
  const { breakdown } = state;
  const parts = breakdown ? partsOf(breakdown) : [];
  bar(at("breakdown-chart"), parts, "Where the mean end-to-end time went");
  legend(at("breakdown-legend"), parts.map((one) => ({ ...one, area: true, name: `${one.name}: ${duration(one.value)}` })));
  at("breakdown-text").textContent = breakdown ? `${breakdown.says} Mean end to end: ${duration(breakdown.end_to_end_us)}.` : "Not known yet.";
  at("slow-brokers").hidden = !state.slow_brokers.length;
  at("slow-brokers").textContent = state.slow_brokers.join(" ");
}

function short(value) {
  return value >= 1e6 ? `${value / 1e6}M` : value >= 1e4 ? `${value / 1e3}k` : perSecond(value);
}

function drawTables() {
  const limits = state.verdict?.limits ?? [];
  const show = (value, unit) => (unit === "us" ? duration(value) : share(value));
  const held = (limit) => limit.value === null || (limit.least === undefined ? limit.value <= limit.most : limit.value >= limit.least);
  const objectives = state.verdict?.objectives ?? [];
  table(at("limits"), ["", state.verdict?.final ? "measured" : "so far", "limit", ""], [
    ...limits.map((limit) => [limit.name, show(limit.value, limit.unit), limit.least === undefined ? `at most ${show(limit.most, limit.unit)}` : `at least ${show(limit.least, limit.unit)}`, mark(held(limit))]),
    ...objectives.map((one) => [one.expression, one.figure === null ? "-" : one.unit === "us" ? duration(one.figure) : `${perSecond(one.figure)} ${one.unit}`, "objective", mark(one.held)]),
  ]);
  const stages = Object.entries(state.latency_us).filter(([, found]) => found.count);
  table(at("latency"), ["", "events", "p50", "p90", "p99", "p99.9", "max"], stages.map(([stage, found]) => [
    STAGE_NAMES[stage], perSecond(found.count), ...["p50", "p90", "p99", "p999", "max"].map((key) => duration(found[key])),
  ]));
  drawBrokers();
  drawService();
  const row = (name, counts) => [name, ...COUNTS.map((key) => ({ text: perSecond(counts[key]), className: ["failed", "lost", "corrupt"].includes(key) && counts[key] ? "bad" : "" }))];
  table(at("topics"), ["topic", ...COUNTS], [...Object.entries(state.topics).map(([topic, counts]) => row(topic, counts)), row("all", state.total)]);
  at("topics-aid").textContent = state.result
    ? "Measured events. Lost: acknowledged, and never seen by the observer."
    : "Measured events so far. What is lost is known at the end: until then it may be on its way.";
  at("no-errors").hidden = state.errors.length > 0;
  at("errors").hidden = !state.errors.length;
  at("no-notices").hidden = state.notices.length > 0;
  table(at("errors"), ["topic", "error", "events"], state.errors.map((one) => [one.topic, one.error, perSecond(one.count)]));
  table(at("workers"), ["worker", "", "events/s", "of", "behind", "queue", "generator CPU", "observer CPU", "memory"], state.workers.map((one) => [
    String(one.worker), { text: one.state, className: ["reports", "ended"].includes(one.state) ? "" : "bad" }, perSecond(one.achieved_per_s), perSecond(one.target_per_s), duration(one.behind_us),
    perSecond(one.queue), share(one.generator_cpu), share(one.observer_cpu), `${Math.round(((one.generator_bytes ?? 0) + (one.observer_bytes ?? 0)) / 2 ** 20)} MB`,
  ]));
  at("notices").replaceChildren(...state.notices.map((notice) => item(`${clock(notice.at_s)}  ${notice.text}`)));
}

function drawBrokers() {
  const found = Object.entries(state.brokers);
  at("brokers").hidden = !found.length;
  table(at("brokers-table"), ["broker", "acked", "ack, p50", "ack, p99", "end to end, p50", "end to end, p99"], found.map(([broker, { ack, end_to_end: end }]) => [
    broker, perSecond(ack?.count ?? 0), duration(ack?.p50), duration(ack?.p99), duration(end?.p50), duration(end?.p99),
  ]));
}

function drawService() {
  const { service } = state;
  at("service").hidden = !service;
  if (!service) return;
  at("answers").textContent = service.requests === null
    ? ""
    : `${perSecond(service.requests)} requests, ${perSecond(service.answered)} answered, ${perSecond(service.unanswered)} ${state.result ? "unanswered" : "without an answer yet"}.`;
  const counts = Object.entries(service.counts).filter(([name, count]) => count || ALWAYS.includes(name));
  table(at("answers-table"), counts.length ? ["measured requests", "count", "of requests"] : [], counts.map(([name, count]) => [
    name.replaceAll("_", " "), { text: perSecond(count), className: count && !["requests", "answered"].includes(name) ? "bad" : "" },
    service.counts.requests ? share(count / service.counts.requests) : "-",
  ]));
  at("answers-text").textContent = service.says.join(" ");
  const groups = Object.entries(service.groups);
  table(at("lags"), groups.length ? ["consumer group", "seconds behind", "records behind", "members", "state"] : [], groups.map(([name, group]) => [
    name, group.lag_s.toFixed(1), perSecond(group.lag), String(group.members), group.state.toLowerCase().replaceAll("_", " "),
  ]));
}

function mark(held) {
  return { text: held ? "✓" : "✗", className: held ? "pass" : "fail" };
}

function item(text) {
  const node = document.createElement("li");
  node.textContent = text;
  return node;
}

function link(href, text) {
  const node = document.createElement("a");
  node.href = href;
  node.textContent = text;
  return node;
}

// -- the dial ----------------------------------------------------------------------------------------------------

let waiting = null;

async function setRate(value) {
  clearTimeout(waiting);
  dialTouched = true;
  try {
    await post("rate", { rate_per_s: value });
    at("rate-error").hidden = true;
  } catch (error) {
    complain(at("rate-error"), error);
  } finally {
    dialTouched = false;
  }
  poll();
}

at("dial-form").addEventListener("submit", (event) => {
  event.preventDefault();
  setRate(at("rate").value === "" ? "" : Number(at("rate").value));
});
at("dial-form").addEventListener("click", (event) => {
  const step = event.target.dataset?.step;
  if (!step) return;
  const value = Number((Number(at("rate").value) * Number(step)).toPrecision(6));
  showRate(value);
  setRate(value);
});
at("slider").addEventListener("input", () => {
  const value = Number((10 ** (1 + Number(at("slider").value) / 200)).toPrecision(2));
  at("rate").value = String(value);
  dialTouched = true;
  clearTimeout(waiting);
  waiting = setTimeout(() => setRate(value), 150);
});
at("give-back").addEventListener("click", () => setRate(null));
at("stop").addEventListener("click", async () => {
  at("stop").disabled = true;
  try {
    await post("stop", {});
    at("phase").textContent = "Stopping";
  } catch (error) {
    complain(at("rate-error"), error);
  }
});

function complain(node, error) {
  node.textContent = [error.message, error.advice].filter(Boolean).join("\n");
  node.hidden = false;
}

// -- the form ----------------------------------------------------------------------------------------------------

async function loadForm() {
  const { groups, target } = await get("form");
  at("target").textContent = target;
  const draft = JSON.parse(sessionStorage.getItem(DRAFT) ?? "{}");
  at("groups").replaceChildren(...groups.map((group, number) => fieldset(group, draft, number === 0 || group.title === "Load")));
  sum();
}

// What the fields add up to, before anybody has to try.
function sum() {
  const { rate, users, user_rate: each, profile, duration: time, recommender } = formValues();
  const unit = recommender === "external" ? "requests" : "events";
  const total = rate ? Number(rate) : users * each; // a shape has no users here
  const from = rate ? "" : `${users} users × ${each} = `;
  at("sum").textContent = !(total >= 0) ? "" : `Asked for: ${from}${perSecond(total)} ${unit}/s${profile === "constant" ? "" : `, times the profile ${profile}`}, ${time ? `measured for ${time}` : "until it is stopped"}.`;
}

function fieldset({ title, fields }, draft, open) {
  const [box, summary, inside] = ["details", "summary", "div"].map((tag) => document.createElement(tag));
  box.className = "group-of-fields";
  box.open = open || fields.some((field) => field.name in draft && draft[field.name] !== field.value);
  summary.textContent = title;
  inside.className = "fields";
  inside.append(...fields.map((field) => input(field, draft[field.name] ?? field.value)));
  box.append(summary, inside);
  return box;
}

function input(field, value) {
  const [box, label, help, error] = ["div", "label", "p", "p"].map((tag) => document.createElement(tag));
  const long = field.value.length > LONG;
  const node = document.createElement(field.choices.length ? "select" : long ? "textarea" : "input");
  box.className = long ? "field long" : "field";
  box.dataset.field = field.name;
  node.id = label.htmlFor = `field-${field.name}`;
  node.name = field.name;
  for (const choice of field.choices) node.append(new Option(choice, choice));
  node.value = value;
  if (!field.choices.length) node.placeholder = field.hint.toLowerCase();
  label.textContent = field.label;
  help.className = "help";
  help.textContent = field.help;
  error.className = "error";
  error.hidden = true;
  error.id = `${node.id}-error`;
  node.setAttribute("aria-describedby", error.id);
  box.append(label, node, error, help);
  return box;
}

function formValues() {
  return Object.fromEntries([...at("start-form").elements].filter((node) => node.name).map((node) => [node.name, node.value]));
}

at("start-form").addEventListener("input", () => {
  sessionStorage.setItem(DRAFT, JSON.stringify(formValues()));
  sum();
});
at("start-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  for (const box of document.querySelectorAll(".field")) {
    box.classList.remove("wrong");
    box.querySelector(".error").hidden = true;
  }
  at("start-error").hidden = true;
  try {
    posting = true;
    drawStart(false);
    await post("start", { values: formValues() });
    sessionStorage.removeItem(DRAFT);
    finished = "";
    window.scrollTo({ top: 0 });
  } catch (error) {
    showErrors(error);
  } finally {
    posting = false;
    drawStart(false);
  }
  poll();
});

function showErrors(error) {
  const names = Object.keys(error.fields ?? {});
  for (const name of names) {
    const box = document.querySelector(`[data-field="${CSS.escape(name)}"]`);
    if (!box) continue;
    box.classList.add("wrong");
    box.closest("details").open = true;
    complain(box.querySelector(".error"), { message: error.fields[name] });
    box.querySelector("input, select, textarea").focus();
  }
  if (!names.length) complain(at("start-error"), error);
}

// -- the runs of the folder --------------------------------------------------------------------------------------

async function loadRuns() {
  const { runs } = await get("runs");
  at("no-runs").hidden = runs.length > 0;
  at("compare-form").hidden = !runs.length;
  table(at("runs-table"), ["run", "", "started", "measured", "events/s", "p50", "p99", ""], runs.map((run) => {
    const file = encodeURIComponent(run.name);
    const links = document.createElement("span");
    links.append(link(`runs/${file}/report`, "report"), " ", link(`runs/${file}`, "file"));
    return [
      { node: chooser(run.name) }, { text: run.verdict, className: run.verdict }, new Date(run.started_at).toLocaleString(),
      `${run.measured_s.toFixed(1)} s`, perSecond(run.achieved_per_s), duration(run.p50_us), duration(run.p99_us), { node: links },
    ];
  }));
  choose();
}

function chooser(name) {
  const [label, box] = ["label", "input"].map((tag) => document.createElement(tag));
  box.type = "checkbox";
  box.name = "run";
  box.value = name;
  label.append(box, ` ${name}`);
  return label;
}

function choose() {
  const marked = at("compare-form").querySelectorAll("input:checked");
  at("compare-button").disabled = marked.length !== 2;
}

at("compare-form").addEventListener("change", choose);

// -- life --------------------------------------------------------------------------------------------------------

async function live() {
  if (!document.hidden) await poll();
  setTimeout(live, POLL_MS);
}

document.addEventListener("visibilitychange", () => { if (!document.hidden) poll(); });
window.addEventListener("resize", () => { if (state && entries.length) drawCharts(); });
live();
