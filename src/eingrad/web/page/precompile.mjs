// Compile the modules of zip archives by the Python of a Pyodide, which then need not do so
// in the reader's browser: node precompile.mjs PYODIDE ARCHIVE... (each is replaced).

import { readFileSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const COMPILE = `
import _imp, marshal, zipfile
from importlib.util import MAGIC_NUMBER

def compiled(name, source):  # with the hash of its source, which is never compared
    code = compile(source, name, "exec", dont_inherit=True, optimize=2)
    return MAGIC_NUMBER + b"\\1\\0\\0\\0" + _imp.source_hash(0, source) + marshal.dumps(code)

with zipfile.ZipFile("in.zip") as old, zipfile.ZipFile("out.zip", "w", zipfile.ZIP_DEFLATED) as new:
    for name in old.namelist():
        content = old.read(name)
        if name.endswith(".py"):
            name, content = name + "c", compiled(name, content)
        new.writestr(name, content)
`;

const [folder, ...archives] = process.argv.slice(2);
const { loadPyodide } = await import(pathToFileURL(`${folder}/pyodide.mjs`).href);
const python = await loadPyodide();
for (const archive of archives) {
  python.FS.writeFile("in.zip", new Uint8Array(readFileSync(archive)));
  python.runPython(COMPILE);
  writeFileSync(archive, python.FS.readFile("out.zip"));
}
