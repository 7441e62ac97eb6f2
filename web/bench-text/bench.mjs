// Times the text replica beside yjs in one run, on generated sessions and on the
// recorded ones of a folder (argument, default ../../shared/traces).
import { existsSync, readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import * as Y from "yjs";
import { loadText, random } from "./load.mjs";

const { TextReplica } = await loadText();
const traces = process.argv[2] ?? new URL("../../../shared/traces", import.meta.url).pathname;

const engines = {
  flowsync: {
    make: (client, update) => new TextReplica({ client, update }),
    edit: (d, pos, del, ins) => d.replace(pos, del, ins).update,
    apply: (d, update) => d.apply(update),
    encode: (d) => d.encode(),
    text: (d) => d.toString(),
  },
  yjs: {
    make(client, update) {
      const doc = new Y.Doc();
      doc.clientID = client;
      if (update) Y.applyUpdate(doc, update);
      doc.getText("text");
      doc.on("update", (u) => {
        doc.last = u;
      });
      return doc;
    },
    edit(doc, pos, del, ins) {
      const text = doc.getText("text");
      doc.transact(() => {
        if (del) text.delete(pos, del);
        if (ins) text.insert(pos, ins);
      });
      return doc.last;
    },
    apply: (doc, update) => Y.applyUpdate(doc, update),
    encode: (doc) => Y.encodeStateAsUpdate(doc),
    text: (doc) => doc.getText("text").toString(),
  },
};

/** A document of n units that was edited all over: every few units are an item of their own. */
function fragmented(n) {
  const next = random(7);
  const edits = [];
  for (let size = 0; size < n; ) {
    const pos = next() % (size + 1);
    if (next() % 5 === 0 && size > 20) {
      const del = Math.min(1 + (next() % 6), size - pos);
      edits.push([pos, del, ""]);
      size -= del;
    } else {
      const ins = "word ".slice(0, 1 + (next() % 5));
      edits.push([pos, 0, ins]);
      size += ins.length;
    }
  }
  return edits;
}

function recorded(name) {
  const file = `${traces}/${name}.json.gz`;
  if (!existsSync(file)) {
    console.log(`${name}: SKIP, there is no ${name}.json.gz in the folder of traces`);
    return null;
  }
  const { txns, endContent } = JSON.parse(gunzipSync(readFileSync(file)));
  return { edits: txns.flatMap((t) => t.patches), endContent };
}

const ms = (f) => {
  const began = performance.now();
  const result = f();
  return [performance.now() - began, result];
};

const quantiles = (times) => {
  times.sort((a, b) => a - b);
  const at = (q) => (1000 * times[Math.min(times.length - 1, Math.floor(q * times.length))]).toFixed(1);
  return `median ${at(0.5)} µs, p99 ${at(0.99)} µs, most ${at(1)} µs`;
};

function session(name, edits, endContent) {
  const result = {};
  for (const [engine, e] of Object.entries(engines)) {
    const doc = e.make(12345);
    const [local, updates] = ms(() => edits.map(([pos, del, ins]) => e.edit(doc, pos, del, ins)));
    if (endContent !== undefined && e.text(doc) !== endContent) throw new Error(`${engine} ends with another text`);
    const other = e.make(54321);
    const [remote] = ms(() => {
      for (const u of updates) if (u) e.apply(other, u);
    });
    const [encode, state] = ms(() => e.encode(other));
    const [load] = ms(() => e.make(1, state));
    result[engine] = { local, remote, encode, load, state };
  }
  const { flowsync: a, yjs: b } = result;
  if (Buffer.compare(a.state, b.state) !== 0) throw new Error(`${name}: the states differ`);
  const part = (k) =>
    `${k} ${((1000 * a[k]) / (k === "local" || k === "remote" ? edits.length : 1)).toFixed(1)} µs (${(b[k] / a[k]).toFixed(2)}× yjs)`;
  console.log(`${name}: ${edits.length} edits, equal states; ${["local", "remote", "encode", "load"].map(part).join(", ")}`);
}

function latency(n) {
  const edits = fragmented(n);
  for (const [engine, e] of Object.entries(engines)) {
    const doc = e.make(12345);
    for (const [pos, del, ins] of edits) e.edit(doc, pos, del, ins);
    const other = e.make(54321, e.encode(doc));
    const next = random(9);
    const local = [];
    const remote = [];
    for (let i = 0; i < 3000; i++) {
      const pos = next() % (n - 100);
      const edit = i % 3 === 2 ? [pos, 1 + (next() % 8), ""] : [pos, 0, "x"];
      const [t, update] = ms(() => e.edit(other, ...edit));
      if (i >= 500) local.push(t);
      const [u] = ms(() => {
        e.apply(doc, update);
        if (engine === "flowsync") e.text(doc); // yjs keeps no string; a field needs one
      });
      if (i >= 500) remote.push(u);
    }
    console.log(`${n} units, edited all over, ${engine}: local ${quantiles(local)}; remote ${quantiles(remote)}`);
  }
}

latency(100_000);
session("edited all over", fragmented(30_000));
session("typed on", Array.from({ length: 50_000 }, (_, i) => [i, 0, "x"]));
for (const name of ["sveltecomponent", "rustcode", "automerge-paper"]) {
  const trace = recorded(name);
  // Positions of traces count code points: the same as units in these.
  if (trace) session(name, trace.edits, /^[\0-\uffff]*$/.test(trace.endContent) ? trace.endContent : undefined);
}
