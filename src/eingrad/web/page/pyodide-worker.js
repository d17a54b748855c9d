// eingrad on Pyodide. Its files are verified where they come from outside; NumPy is loaded when
// a formula is first judged.

const tell = (message) => postMessage(message);
let python, engine;

// Import a module whose bytes have the digest that the page names.
async function verified(url, integrity) {
  const response = await fetch(url, { integrity });
  const source = new Blob([await response.arrayBuffer()], { type: "text/javascript" });
  return import(URL.createObjectURL(source));
}

async function runtime() {
  const base = new URL(engine.runtime, location).href;
  const wheels = new URL(engine.wheels, location).href;
  const digests = engine.integrity;
  if (!Object.keys(digests).length) {
    const { loadPyodide } = await import(`${base}pyodide.mjs`);
    return loadPyodide({ indexURL: base, packageBaseUrl: wheels });
  }
  const plain = self.fetch;
  self.fetch = (url, options) => {
    const name = String(url.url ?? url).replace(base, "");
    return plain(url, name in digests ? { ...options, integrity: digests[name] } : options);
  };
  const [{ loadPyodide }, asm, lock] = await Promise.all([
    verified(`${base}pyodide.mjs`, digests["pyodide.mjs"]),
    verified(`${base}pyodide.asm.mjs`, digests["pyodide.asm.mjs"]),
    fetch(`${base}pyodide-lock.json`).then((x) => x.text()),
  ]);
  return loadPyodide({
    indexURL: base,
    packageBaseUrl: wheels,
    lockFileContents: lock,
    createPyodideModule: asm.default,
  });
}

async function start() {
  engine = await (await fetch("engine.json")).json();
  tell({ doing: "Python is loading" });
  const [loaded, archive] = await Promise.all([
    runtime(),
    fetch("eingrad.zip").then((x) => x.arrayBuffer()),
  ]);
  python = loaded;
  tell({ doing: "eingrad is loading" });
  python.unpackArchive(archive, "zip");
  python.runPython(`
import json
from eingrad.web.answers import answer

def answer_text(text):
    return json.dumps(answer(json.loads(text)))

answer_text('{"ask": "look", "text": "y_i = x_i"}')
`);
  tell({ ready: true });
}

const needsNumbers = new Set(["judge", "document"]);

async function answerTo(question) {
  if (needsNumbers.has(question.ask)) {
    if (!engine.numpy) {
      const hint = "eingrad serve, or pip install eingrad, judges formulas";
      return { error: { message: "formulas are judged with NumPy, which this page lacks", hint } };
    }
    tell({ doing: "NumPy is loading" });
    await python.loadPackage("numpy");
    tell({ doing: "" });
  }
  return JSON.parse(python.globals.get("answer_text")(JSON.stringify(question)));
}

self.onmessage = async ({ data }) => {
  try {
    tell({ id: data.id, answer: await answerTo(data.question) });
  } catch (error) {
    const message = `eingrad has failed at this: ${String(error).trim().split("\n").pop()}`;
    tell({ id: data.id, answer: { error: { message, hint: null } } });
  }
};

start().catch((error) => tell({ failed: String(error) }));
