// Read a JSON list of formulas from stdin, render each with MathJax 3 and its default packages of
// TeX, and write the JSON list of [number, message] of what it refuses, shows in red or leaves as a
// raw command. MATHJAX_DIR is where npm installed mathjax-full.
const path = require("path");
const base = path.join(process.env.MATHJAX_DIR || ".", "node_modules", "mathjax-full", "js");
const { mathjax } = require(path.join(base, "mathjax.js"));
const { TeX } = require(path.join(base, "input", "tex.js"));
require(path.join(base, "input", "tex", "base", "BaseConfiguration.js"));
require(path.join(base, "input", "tex", "ams", "AmsConfiguration.js"));
require(path.join(base, "input", "tex", "newcommand", "NewcommandConfiguration.js"));
require(path.join(base, "input", "tex", "noundefined", "NoUndefinedConfiguration.js"));
const { SerializedMmlVisitor } = require(path.join(base, "core", "MmlTree", "SerializedMmlVisitor.js"));
const { liteAdaptor } = require(path.join(base, "adaptors", "liteAdaptor.js"));
const { RegisterHTMLHandler } = require(path.join(base, "handlers", "html.js"));
const { STATE } = require(path.join(base, "core", "MathItem.js"));

RegisterHTMLHandler(liteAdaptor());
const packages = ["base", "ams", "newcommand", "noundefined"];
const page = mathjax.document("", { InputJax: new TeX({ packages, formatError(jax, error) { throw error; } }) });
const visitor = new SerializedMmlVisitor();
const refused = [];
JSON.parse(require("fs").readFileSync(0, "utf8")).forEach((formula, number) => {
  try {
    const shown = visitor.visitTree(page.convert(formula, { display: true, end: STATE.CONVERT }));
    const raw = shown.replace(/<[^>]*>/g, " ").match(/\\\S*/);
    if (raw) refused.push([number, `shows ${raw[0]}`]);
    else if (/mathcolor="red"|<merror/.test(shown)) refused.push([number, "shows an error"]);
  } catch (error) {
    refused.push([number, error.message]);
  }
});
process.stdout.write(JSON.stringify(refused));
