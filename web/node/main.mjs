#!/usr/bin/env node
/**
 * `flowsync node` in JavaScript: one client, driven by lines of JSON. docs/node.md says what they mean.
 *
 *     node web/node/main.mjs --url ws://localhost:8765 --client tab-1 [--queue FILE] [--token T] [--timeout 10s]
 */
import { parseArgs } from "node:util";
import { FileStorage } from "./file.mjs";
import { lines } from "./input.mjs";
import { format } from "./line.mjs";
import { Loop } from "./loop.mjs";
import { Replica } from "./replica.mjs";

const DONE = 0;
const FAILED = 1;
const USAGE = 2;
const CONFIG = 78;
const INTERRUPTED = 130;

function end(status, ...words) {
  if (words.length) process.stderr.write(`flowsync node: ${words.join("")}\n`);
  process.exit(status);
}

/** A duration as Go writes it: 200ms, 10s, 2m. */
function duration(text) {
  const m = /^(\d+(?:\.\d+)?)(ms|s|m)$/.exec(text);
  if (!m) end(USAGE, `--timeout ${text} is not a duration; try 10s`);
  return Number(m[1]) * { ms: 1, s: 1000, m: 60_000 }[m[2]];
}

function flags() {
  const text = { type: "string" };
  try {
    const options = {
      url: text,
      client: text,
      queue: text,
      token: text,
      timeout: { ...text, default: "10s" },
    };
    return parseArgs({ options }).values;
  } catch (e) {
    return end(USAGE, e.message);
  }
}

const { url = "ws://localhost:8765", client, queue, token, timeout } = flags();
const patience = duration(timeout);
if (queue && !client) end(USAGE, "--queue needs --client: a queue file belongs to one client id");

let file;
try {
  if (queue) file = new FileStorage(queue, client);
} catch (e) {
  end(
    CONFIG,
    `the queue file ${queue} cannot be used: ${e.code === "ENOENT" ? "its directory does not exist" : e.message}`,
  );
}

const write = (line) => process.stdout.write(format(line));
for (const msg of file?.damaged ?? []) write({ event: "damaged", code: "store_corrupt", msg });
const id = client ?? `js-${Math.random().toString(36).slice(2, 12)}`;
const replica = new Replica({ url, client: id, file, tell: write, ...(token && { authToken: token }) });
const loop = new Loop(replica, patience, write);
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(INTERRUPTED));

try {
  for await (const line of lines(process.stdin)) await loop.serve(line);
} catch (e) {
  end(FAILED, e.message);
}
await loop.settle();
await replica.flush(performance.now() + patience).catch(() => {});
const left = replica.pending;
const why = replica.status;
replica.destroy();
if (left) {
  const ops = left === 1 ? "1 op" : `${left} ops`;
  const fate = queue ? `they stay in ${queue}` : "what it did not get is lost";
  end(FAILED, `stdin ended and the hub has not acked ${ops}: ${fate} (connection: ${why})`);
}
process.stdout.write("", () => process.exit(DONE));
