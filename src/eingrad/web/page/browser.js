// Answers from a worker of this browser, in which eingrad itself runs.

export const where = "in this browser; nothing that you write leaves it";

const waiting = new Map();
let worker, count = 0;

// Starts the worker; resolves when it can answer. `tell` hears what it is doing.
export function start(tell) {
  return new Promise((resolve, reject) => {
    worker = new Worker("pyodide-worker.js", { type: "module" });
    worker.onerror = (event) => reject(new Error(event.message || "the worker did not start"));
    worker.onmessage = ({ data }) => {
      if (data.doing) tell(data.doing);
      if (data.failed) reject(new Error(data.failed));
      if (data.ready) resolve("");
      if ("id" in data) {
        waiting.get(data.id)(data.answer);
        waiting.delete(data.id);
      }
    };
  });
}

export function ask(question) {
  count += 1;
  const id = count;
  return new Promise((resolve) => {
    waiting.set(id, resolve);
    worker.postMessage({ id, question });
  });
}
