import { describe, expect, it } from "vitest";
import * as Y from "yjs";
import { bindDoc, type DocBinding } from "../../src/yjs/index.js";
import { Random, setting } from "../text/random.js";
import { richEdit } from "../text/rich.js";
import { hex } from "../text/vectors.js";
import { type Client, Hub, settle } from "./hub.js";

function join(hub: Hub, name: string, doc = new Y.Doc(), online = true) {
  const stream = hub.connect(name);
  stream.online = online;
  const codes: string[] = [];
  const binding = bindDoc(doc, stream, { onDetached: (code) => codes.push(code) });
  return { doc, stream, binding, codes, text: doc.getText("text") };
}

const same = (...docs: Y.Doc[]) => {
  const states = docs.map((d) => hex(Y.encodeStateAsUpdate(d)));
  expect(new Set(states).size).toBe(1);
};

describe("a bound document", () => {
  it("follows the stream, and the stream it", () => {
    const hub = new Hub();
    const [a, b] = [join(hub, "a"), join(hub, "b")];
    a.text.insert(0, "hello");
    settle(hub);
    b.text.insert(5, " world");
    b.doc.getMap("meta").set("title", "x");
    settle(hub);
    expect(a.text.toString()).toBe("hello world");
    expect(a.doc.getMap("meta").toJSON()).toEqual({ title: "x" });
    same(a.doc, b.doc);
    expect(hub.log.length).toBe(3); // what came from the stream is not pushed again
  });

  it("queues edits while offline, from the first one on", () => {
    const hub = new Hub();
    const a = join(hub, "a", new Y.Doc(), false);
    expect(a.binding.status).toBe("waiting");
    a.text.insert(0, "one");
    a.text.insert(3, " two");
    expect(a.stream.queue.length).toBe(2);
    const b = join(hub, "b");
    b.text.insert(0, "zero ");
    settle(hub);
    a.stream.open();
    settle(hub);
    expect(a.binding.status).toBe("bound");
    expect(a.text.toString()).toBe(b.text.toString());
    expect(hub.log.length).toBe(3);
    same(a.doc, b.doc);
  });

  it("hands in what it brought, once, and waits for the state before", () => {
    const hub = new Hub();
    const doc = new Y.Doc();
    doc.getText("text").insert(0, "brought");
    const a = join(hub, "a", doc, false);
    a.text.insert(7, "!");
    expect(a.stream.queue).toEqual([]);
    a.stream.open();
    expect(a.stream.queue.length).toBe(1);
    settle(hub);
    const b = join(hub, "b");
    expect(b.text.toString()).toBe("brought!");
    const again = new Y.Doc();
    Y.applyUpdate(again, Y.encodeStateAsUpdate(doc));
    const c = join(hub, "c", again);
    expect(c.stream.queue).toEqual([]);
    c.text.delete(0, 1);
    settle(hub);
    same(a.doc, b.doc, c.doc);
  });

  it("hands in what it only deleted, too", () => {
    const hub = new Hub();
    const a = join(hub, "a");
    a.text.insert(0, "abc");
    settle(hub);
    const doc = new Y.Doc();
    Y.applyUpdate(doc, Y.encodeStateAsUpdate(a.doc));
    doc.getText("text").delete(0, 1);
    join(hub, "b", doc);
    settle(hub);
    expect(a.text.toString()).toBe("bc");
  });

  it("detaches when an op of it is refused, queued or not", () => {
    const hub = new Hub();
    const [a, b] = [join(hub, "a"), join(hub, "b")];
    hub.refuse = () => "too_large";
    a.text.insert(0, "x");
    settle(hub);
    expect([a.binding.status, a.codes]).toEqual(["detached", ["too_large"]]);
    a.text.insert(0, "y");
    expect(a.stream.queue).toEqual([]);
    hub.refuse = () => undefined;
    b.stream.full = true;
    b.text.insert(0, "z");
    expect([b.binding.status, b.codes]).toEqual(["detached", ["busy"]]);
    b.stream.full = false;
    const fresh = join(hub, "b2");
    fresh.text.insert(0, "z");
    settle(hub);
    expect(fresh.binding.status).toBe("bound");
  });

  it("detaches when the hub lost what it shows", () => {
    const hub = new Hub();
    const a = join(hub, "a");
    a.text.insert(0, "lost");
    settle(hub);
    hub.log.length = 0;
    a.stream.open();
    expect(a.codes).toEqual(["diverged"]);
  });

  it("detaches from bytes that are no update", () => {
    for (const update of ["!", "AQ==", "////"]) {
      const hub = new Hub();
      const a = join(hub, "a");
      hub.log.push({ author: a.stream, update });
      settle(hub);
      expect(a.codes).toEqual(["bad_op"]);
    }
  });

  it("follows no more once destroyed", () => {
    const hub = new Hub();
    const [a, b] = [join(hub, "a"), join(hub, "b")];
    a.binding.destroy();
    b.doc.destroy();
    a.text.insert(0, "x");
    expect([a.stream.queue, a.codes, b.binding.status]).toEqual([[], [], "detached"]);
  });

  it("converges: random histories", { timeout: 60_000 }, () => {
    for (let seed = 1; seed <= setting("FLOWSYNC_SEEDS", 30); seed++) {
      const r = new Random(seed);
      const hub = new Hub();
      const all: { doc: Y.Doc; stream: Client; binding: DocBinding }[] = [1, 2, 3].map((n) =>
        join(hub, `c${n}`),
      );
      for (let i = 0; i < 80; i++) {
        const { doc, stream } = r.pick(all);
        if (r.chance(50)) doc.transact(() => richEdit(r, doc, r.chance(50)));
        else if (r.chance(20) && stream.online) stream.online = false;
        else if (r.chance(30) && !stream.online) stream.open();
        else stream.step();
      }
      for (const { stream } of all) if (!stream.online) stream.open();
      settle(hub);
      expect(
        all.map((x) => x.binding.status),
        `seed ${seed}`,
      ).toEqual(["bound", "bound", "bound"]);
      same(...all.map((x) => x.doc));
    }
  });
});
