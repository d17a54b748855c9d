// Read a JSON list of formulas from stdin, render each with KaTeX at its strictest, and write the
// JSON list of [number, message] of those that it refuses. KATEX_DIR is where npm installed it.
const path = require("path");
const katex = require(path.join(process.env.KATEX_DIR || ".", "node_modules", "katex"));

const formulas = JSON.parse(require("fs").readFileSync(0, "utf8"));
const refused = [];
formulas.forEach((formula, number) => {
  try {
    katex.renderToString(formula, { displayMode: true, throwOnError: true, strict: "error" });
  } catch (error) {
    refused.push([number, error.message]);
  }
});
process.stdout.write(JSON.stringify(refused));
