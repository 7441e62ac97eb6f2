/**
 * Many nodes in one process, for tests that play hundreds of worlds. A line is the name of a node, a space,
 * and a command of docs/node.md or one of these:
 *
 *     {"do":"start","url":…,"client":…,"queue":…,"token":…}   a node on a queue file
 *     {"do":"drop"}                                           ends it as if its process had died
 *
 * Answers come back behind the name of their node. Events are left out.
 */
import { FileStorage } from "./file.mjs";
import { lines } from "./input.mjs";
import { format } from "./line.mjs";
import { Loop } from "./loop.mjs";
import { Replica } from "./replica.mjs";

/** Of the nodes: their loop, and when it is done with what it was given. */
const nodes = new Map();

function start(name, { url, client, queue, token }) {
  const file = new FileStorage(queue, client, false);
  const replica = new Replica({
    url,
    client,
    file,
    tell() {},
    authToken: () => token,
    reconnect: { minMs: 5, maxMs: 100 },
  });
  const loop = new Loop(replica, 10_000, (line) => answer(name, line));
  nodes.set(name, { loop, replica });
}

const answer = (name, line) => process.stdout.write(`${name} ${format(line)}`);

async function carryOut(name, command) {
  const { do: what, ...fields } = JSON.parse(command);
  const node = nodes.get(name);
  if (what === "start") start(name, fields);
  else if (what === "drop") {
    nodes.delete(name);
    node.replica.destroy(true);
  } else return node.loop.serve(command);
  answer(name, { ok: true });
}

/** By node: its commands run one after the other, those of different nodes do not wait for each other. */
const tails = new Map();
for await (const line of lines(process.stdin)) {
  const at = line.indexOf(32);
  const name = line.toString("latin1", 0, at);
  const command = Buffer.from(line.subarray(at + 1));
  const run = () => carryOut(name, command);
  tails.set(
    name,
    (tails.get(name) ?? Promise.resolve())
      .then(run)
      .catch((e) => answer(name, { error: { code: "internal", msg: e.stack } })),
  );
}
process.exit(0);
