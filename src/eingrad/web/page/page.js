// The page: what is written is asked of the engine and shown. Nothing is computed here.

import { ask, start, where } from "./engine.js";

const $ = (id) => document.getElementById(id);
const PAUSE = 250; // milliseconds without a key before a model is looked at

// --- elements ---------------------------------------------------------------------------------

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "onclick") made.addEventListener("click", value);
    else if (value !== null && value !== false) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.filter((x) => x !== null && x !== undefined));
  return made;
}

function errorBox(error) {
  const box = element("div", { class: "error" }, element("p", {}, error.message));
  if (error.caret) box.append(element("pre", {}, error.caret));
  if (error.hint) box.append(element("p", {}, `Hint: ${error.hint}`));
  return box;
}

async function copy(text, button) {
  const said = button.textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    button.textContent = "Select and copy it";
  }
  setTimeout(() => (button.textContent = said), 1500);
}

function codeBlock(text) {
  const button = element("button", { type: "button" }, "Copy");
  button.addEventListener("click", () => copy(text, button));
  const pre = element("pre", { tabindex: "0" }, element("code", {}, text));
  return element("div", { class: "code" }, pre, button);
}

// --- the state, which a link holds ---------------------------------------------------------------

const state = { text: "", of: "", wrt: null, order: 1, tab: "steps", claim: "" };

function encoded() {
  const bytes = new TextEncoder().encode(JSON.stringify(state));
  const base64 = btoa(String.fromCodePoint(...bytes));
  return base64.replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

function decoded(hash) {
  try {
    const base64 = hash.replace(/^#/, "").replaceAll("-", "+").replaceAll("_", "/");
    const bytes = Uint8Array.from(atob(base64), (c) => c.codePointAt(0));
    const found = JSON.parse(new TextDecoder().decode(bytes));
    return typeof found.text === "string" ? found : null;
  } catch {
    return null;
  }
}

function remember() {
  history.replaceState(null, "", `#${encoded()}`);
}

// --- the model --------------------------------------------------------------------------------

let asked = 0; // counts looks, so that an answer that comes late is dropped
let labels = new Set();

async function look() {
  asked += 1;
  const mine = asked;
  state.text = $("model").value;
  remember();
  if (!state.text.trim()) {
    $("heard").replaceChildren();
    return;
  }
  const found = await ask({ ask: "look", text: state.text });
  if (mine !== asked) return;
  if (found.error) {
    $("heard").replaceChildren(errorBox(found.error));
    $("model").setAttribute("aria-invalid", "true");
    $("panel").setAttribute("aria-busy", "true");
    return;
  }
  $("model").removeAttribute("aria-invalid");
  showModel(found);
  await derive();
}

function showModel(found) {
  labels = new Set([...found.tensors, ...found.outputs].flatMap((x) => x.labels));
  const shaped = (x) => (x.labels.length ? `${x.name}[${x.labels.join(", ")}]` : x.name);
  const names = (list) => list.map(shaped).join("   ") || "none";
  const heard = element("table", {});
  heard.append(
    element("tr", {}, element("td", {}, "inputs"), element("td", {}, element("code", {}, names(found.tensors)))),
    element("tr", {}, element("td", {}, "defined"), element("td", {}, element("code", {}, names(found.outputs)))),
  );
  const notes = found.notes.map((note) => element("p", { class: "soft" }, `Note: ${note}`));
  $("heard").replaceChildren(element("div", { class: "scroll" }, heard), ...notes);
  const outputs = found.outputs.map((x) => x.name);
  if (!outputs.includes(state.of)) state.of = outputs.at(-1);
  $("of").replaceChildren(...outputs.map((x) => element("option", { selected: x === state.of }, x)));
  const inputs = found.tensors.map((x) => x.name);
  const known = [...inputs, ...outputs];
  const wanted = (state.wrt ?? inputs).filter((x) => known.includes(x));
  state.wrt = wanted.length ? wanted : inputs;
  $("wrt").replaceChildren(...known.filter((x) => x !== state.of).map((x) => wrtBox(x)));
}

function wrtBox(name) {
  const box = element("input", { type: "checkbox", value: name });
  box.checked = state.wrt.includes(name);
  return element("label", {}, box, ` ${name}`);
}

function question(more) {
  return { text: state.text, of: state.of, wrt: state.wrt, order: state.order, ...more };
}

// --- the derivation ---------------------------------------------------------------------------

let derived = null;

async function derive() {
  const mine = asked;
  $("panel").setAttribute("aria-busy", "true");
  const found = await ask(question({ ask: "derive" }));
  if (mine !== asked) return;
  derived = found;
  remember();
  await showTab(state.tab);
}

const TABS = {
  steps: ["Steps", showSteps],
  try: ["You try", showTrial],
  picture: ["Picture", showPictures],
  index: ["Index form", () => showResults("index")],
  matrix: ["Matrix form", () => showResults("matrix")],
  numpy: ["NumPy", () => showCode("numpy")],
  torch: ["PyTorch", () => showCode("torch")],
  jax: ["JAX", () => showCode("jax")],
  latex: ["LaTeX", () => showCode("latex")],
};

function buildTabs() {
  for (const [name, [title]] of Object.entries(TABS)) {
    const attributes = { role: "tab", type: "button", id: `tab-${name}`, "aria-controls": "panel" };
    $("tabs").append(element("button", { ...attributes, onclick: () => showTab(name) }, title));
  }
  $("tabs").addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const names = Object.keys(TABS);
    const next = names.at((names.indexOf(state.tab) + step) % names.length);
    showTab(next);
    $(`tab-${next}`).focus();
    event.preventDefault();
  });
}

async function showTab(name) {
  state.tab = name in TABS ? name : "steps";
  for (const tab of $("tabs").children) {
    const selected = tab.id === `tab-${state.tab}`;
    tab.setAttribute("aria-selected", String(selected));
    tab.tabIndex = selected ? 0 : -1;
  }
  $("panel").setAttribute("aria-labelledby", `tab-${state.tab}`);
  if (!derived) return;
  remember();
  const mine = asked;
  const [, shown] = TABS[state.tab];
  const content = derived.error ? [errorBox(derived.error)] : await shown();
  if (mine !== asked || !content) return;
  $("panel").replaceChildren(...content);
  $("panel").setAttribute("aria-busy", "false");
}

function showSteps() {
  const parts = derived.html.map((html) => {
    const part = element("div", {});
    part.innerHTML = html; // the engine's own, escaped; the page allows no script in it
    return part;
  });
  parts.forEach(markLabels);
  return parts;
}

function showResults(form) {
  const names = { index: "index notation", matrix: "matrix notation" };
  return derived.results.flatMap((result) => {
    const text = form === "matrix" && result.matrix ? `${result.name}: ${result.matrix}` : result[form];
    const title = element("h2", {}, element("code", {}, result.head));
    if (!text) return [title, element("p", { class: "soft" }, `It has no form in ${names[form]}.`)];
    const tested = form === "matrix" && !result.tested;
    const doubt = tested ? element("p", { class: "soft" }, "Not tested by values: NumPy is not here.") : null;
    return [title, codeBlock(form === "matrix" ? result.matrix : text), doubt].filter(Boolean);
  });
}

async function showCode(target) {
  const tab = state.tab;
  $("panel").setAttribute("aria-busy", "true");
  const found = await ask(question({ ask: "code", target }));
  if (tab !== state.tab) return null;
  if (found.error) return [errorBox(found.error)];
  const lines = target === "numpy" ? derived.results.map((x) => x.numpy).filter(Boolean) : [];
  const short = lines.length ? [element("h2", {}, "In a few lines"), codeBlock(lines.join("\n"))] : [];
  const title = target === "latex" ? "The derivation" : "A module that stands alone";
  return [...short, element("h2", {}, title), codeBlock(found.text)];
}

async function showPictures() {
  const { tab } = state;
  $("panel").setAttribute("aria-busy", "true");
  const found = await ask(question({ ask: "picture" }));
  if (tab !== state.tab) return null;
  if (found.error) return [errorBox(found.error)];
  const networks = Object.entries(found.networks);
  const words = "Solid lines go forward; dashed ones are the way back of the gradient.";
  return [
    element("h2", {}, "The graph"), element("p", { class: "soft" }, words), drawn("graph", found.graph),
    ...(networks.length ? [element("h2", {}, "The products, as tensor networks")] : []),
    element("div", { class: "networks" }, ...networks.map(([title, svg]) => drawn(title, svg))),
  ];
}

function drawn(title, svg) {
  const part = element("div", { class: "scroll drawn", tabindex: "0", role: "group", "aria-label": title });
  part.innerHTML = svg; // the engine's own, escaped
  return part;
}

// A label that is touched is lit wherever it stands.
function markLabels(part) {
  for (const mi of part.querySelectorAll("mi")) {
    if (labels.has(mi.textContent) && mi.closest("msub, msup, msubsup, munder, munderover")) {
      mi.dataset.label = mi.textContent;
    }
  }
}

function light(label) {
  for (const mi of $("panel").querySelectorAll("mi[data-label]")) {
    mi.classList.toggle("lit", mi.dataset.label === label);
  }
}

// --- you try ----------------------------------------------------------------------------------

function showTrial() {
  return derived.results.map((result) => {
    const box = element("div", {}, element("h2", {}, element("code", {}, result.head)));
    let left = result.head;
    const steps = result.steps.map((step) => ({ ...step, left: (left = step.left ?? left) }));
    askLine(box, steps, 0);
    return box;
  });
}

function askLine(box, steps, at) {
  const said = (step) => element("p", {}, element("code", {}, `${step.left} = ${step.after}`));
  while (at < steps.length && !steps[at].asked) {
    box.append(said(steps[at]));
    at += 1;
  }
  if (at >= steps.length) {
    box.append(element("p", {}, "That is the whole derivation."));
    return;
  }
  const step = steps[at];
  const name = `${step.left} =`;
  const input = element("input", { spellcheck: "false", autocapitalize: "off", "aria-label": name });
  const heard = element("div", { "aria-live": "polite" });
  const form = element("form", { class: "line" }, element("code", {}, name), input,
    element("button", {}, "Answer"));
  const next = () => {
    form.remove();
    show.remove();
    heard.remove();
    box.append(said(step));
    askLine(box, steps, at + 1);
  };
  const show = element("button", { type: "button", onclick: next }, "Show the line");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const found = await ask({ ask: "judge", text: state.text, claim: `${name} ${input.value}` });
    heard.replaceChildren(...verdicts(found));
    if (!found.error && found.verdicts.every((x) => x.outcome === "right")) {
      heard.append(element("button", { type: "button", onclick: next }, "Next line"));
    }
  });
  box.append(form, show, heard);
}

// --- formulas and papers judged -------------------------------------------------------------------

function verdicts(found) {
  if (found.error) return [errorBox(found.error)];
  return found.verdicts.map((verdict) => {
    const kind = verdict.outcome.replaceAll(" ", "-");
    const box = element("div", { class: `verdict ${kind}` });
    box.append(element("p", {}, element("strong", {}, verdict.outcome), `: ${verdict.reason || verdict.claim}`));
    const line = (word, text) => element("p", {}, `${word}: `, element("code", {}, text));
    if (verdict.fixed && verdict.outcome !== "right") box.append(line("Repaired", verdict.fixed));
    if (verdict.outcome !== "right" && verdict.correct) box.append(line("Correct", verdict.correct));
    const at = verdict.counterexample;
    if (at) box.append(element("p", { class: "soft" }, failure(at)));
    for (const note of verdict.notes) box.append(element("p", { class: "soft" }, `Note: ${note}`));
    return box;
  });
}

function failure({ sizes, index, claimed, right }) {
  const list = (map) => Object.entries(map).map(([k, v]) => `${k} = ${v}`).join(", ");
  const place = Object.keys(index).length ? ` at ${list(index)}` : "";
  return `For instance, with sizes ${list(sizes) || "none"}${place}: claimed ${claimed}, right ${right}.`;
}

async function judge(event) {
  event.preventDefault();
  state.claim = $("claim").value;
  remember();
  $("verdict").replaceChildren(element("p", { class: "soft" }, "Checking"));
  const found = await ask({ ask: "judge", text: state.text, claim: state.claim });
  $("verdict").replaceChildren(...verdicts(found));
}

async function readPaper(file) {
  if (!file) return;
  $("report").replaceChildren(element("p", { class: "soft" }, `Reading ${file.name}`));
  const found = await ask({ ask: "document", name: file.name, text: await file.text() });
  if (found.error) {
    $("report").replaceChildren(errorBox(found.error));
    return;
  }
  const claims = found.formulas.filter((x) => x.kind === "claim");
  const judged = claims.filter((x) => x.outcome !== "not judged");
  const wrong = claims.filter((x) => x.outcome === "wrong");
  const summary = `${found.formulas.length} formulas, ${claims.length} claims, ${judged.length} judged, ${wrong.length} wrong`;
  $("report").replaceChildren(element("p", {}, summary), element("ol", {}, ...claims.map(paperLine)));
}

function paperLine(formula) {
  const kind = formula.outcome.replaceAll(" ", "-");
  const item = element("li", { class: `verdict ${kind}` });
  item.append(element("p", {}, element("strong", {}, formula.outcome), ` line ${formula.line}`));
  item.append(element("p", {}, element("code", {}, formula.formula)));
  if (formula.reason) item.append(element("p", { class: "soft" }, formula.reason));
  if (formula.repaired) item.append(element("p", {}, "Repaired: ", element("code", {}, formula.repaired)));
  return item;
}

// --- what is touched --------------------------------------------------------------------------

function show(found) {
  const { text, of = "", wrt = null, order = 1, claim = "", tab = state.tab } = found;
  Object.assign(state, { text, of, wrt, order, claim, tab });
  $("model").value = state.text;
  $("claim").value = state.claim;
  for (const radio of document.getElementsByName("order")) radio.checked = Number(radio.value) === state.order;
  $("verdict").replaceChildren();
  return look();
}

function listen() {
  let timer;
  $("model").addEventListener("input", () => {
    clearTimeout(timer);
    asked += 1; // what is still being answered is about another model
    $("panel").setAttribute("aria-busy", "true");
    timer = setTimeout(look, PAUSE);
  });
  $("choice").addEventListener("submit", (event) => event.preventDefault());
  $("choice").addEventListener("change", () => {
    state.of = $("of").value;
    const chosen = [...$("wrt").querySelectorAll("input:checked")].map((x) => x.value);
    state.wrt = chosen.length ? chosen : null;
    state.order = Number(document.querySelector("[name=order]:checked").value);
    look();
  });
  $("share").addEventListener("click", () => copy(location.href, $("share")));
  $("judging").addEventListener("submit", judge);
  $("paper").addEventListener("change", () => readPaper($("paper").files[0]));
  const drop = $("drop");
  for (const name of ["dragover", "dragleave", "drop"]) {
    drop.addEventListener(name, (event) => {
      event.preventDefault();
      drop.classList.toggle("over", name === "dragover");
      if (name === "drop") readPaper(event.dataTransfer.files[0]);
    });
  }
  for (const name of ["pointerover", "click"]) {
    $("panel").addEventListener(name, (event) => light(event.target.dataset?.label ?? null));
  }
  addEventListener("hashchange", () => {
    const found = decoded(location.hash);
    if (found && encoded() !== location.hash.slice(1)) show(found);
  });
}

async function begin() {
  $("where").textContent = where;
  buildTabs();
  listen();
  const examples = await (await fetch("examples.json")).json();
  $("example").append(...examples.map((x, k) => element("option", { value: String(k) }, x.title)));
  $("example").addEventListener("change", () => {
    const found = examples[Number($("example").value)];
    if (found) show(found);
  });
  const first = decoded(location.hash) ?? examples[0];
  $("model").value = first.text;
  try {
    await start((doing) => ($("engine").textContent = doing));
  } catch (error) {
    $("engine").textContent = "";
    $("heard").replaceChildren(errorBox({ message: `eingrad did not start: ${error.message}`, hint: null }));
    return;
  }
  $("engine").textContent = "";
  document.body.dataset.ready = "true";
  await show(first);
}

begin();
