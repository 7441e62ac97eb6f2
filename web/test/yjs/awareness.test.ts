import { describe, expect, it } from "vitest";
import * as protocol from "y-protocols/awareness";
import * as Y from "yjs";
import { applyAwareness, bindDoc, encodeAwareness } from "../../src/yjs/index.js";
import { hex } from "../text/vectors.js";
import { Hub } from "./hub.js";

function join(hub: Hub, name: string) {
  const doc = new Y.Doc();
  const awareness = new protocol.Awareness(doc);
  const stream = hub.connect(name);
  const binding = bindDoc(doc, stream, { awareness });
  return { doc, awareness, stream, binding, id: doc.clientID };
}

describe("awareness", () => {
  it("is encoded as y-protocols does, and taken as there", () => {
    const [mine, theirs] = [new protocol.Awareness(new Y.Doc()), new protocol.Awareness(new Y.Doc())];
    const from = new protocol.Awareness(new Y.Doc());
    const events = { mine: [] as unknown[], theirs: [] as unknown[] };
    for (const event of ["change", "update"] as const) {
      mine.on(event, (c: unknown) => events.mine.push([event, c]));
      theirs.on(event, (c: unknown) => events.theirs.push([event, c]));
    }
    for (const state of [
      { user: { name: "Ädä 😀" } },
      { user: { name: "Ädä 😀" } },
      { n: 1 },
      null,
      { n: 2 },
    ]) {
      from.setLocalState(state);
      const update = encodeAwareness(from, [from.clientID]);
      expect(hex(update)).toBe(hex(protocol.encodeAwarenessUpdate(from, [from.clientID])));
      for (let twice = 0; twice < 2; twice++) {
        expect(applyAwareness(mine, update, "x")).toEqual([from.clientID]);
        protocol.applyAwarenessUpdate(theirs, update, "x");
      }
      expect(mine.states.get(from.clientID)).toEqual(theirs.states.get(from.clientID));
    }
    expect(events.mine).toEqual(events.theirs);
    for (const a of [mine, theirs, from]) a.destroy();
  });

  it("lets nobody remove another's own state", () => {
    const [mine, theirs] = [new protocol.Awareness(new Y.Doc()), new protocol.Awareness(new Y.Doc())];
    mine.setLocalState({ here: true });
    theirs.clientID = mine.clientID;
    theirs.setLocalState({});
    theirs.setLocalState(null);
    theirs.meta.set(mine.clientID, { clock: 99, lastUpdated: 0 });
    applyAwareness(mine, encodeAwareness(theirs, [mine.clientID]), "x");
    expect(mine.getLocalState()).toEqual({ here: true });
    for (const a of [mine, theirs]) a.destroy();
  });

  it("travels as the stream's presence", () => {
    const hub = new Hub();
    const [a, b] = [join(hub, "a"), join(hub, "b")];
    a.awareness.setLocalState({ name: "Ada", cursor: 3 });
    expect(b.awareness.getStates().get(a.id)).toEqual({ name: "Ada", cursor: 3 });
    const c = join(hub, "c");
    expect(c.awareness.getStates().get(a.id)).toEqual({ name: "Ada", cursor: 3 });
    a.awareness.setLocalState(null);
    expect(b.awareness.getStates().has(a.id)).toBe(false);
    a.awareness.setLocalState({ name: "Ada" });
    expect(b.awareness.getStates().has(a.id)).toBe(true);
    a.binding.destroy(); // as when a tab goes away
    expect(b.awareness.getStates().has(a.id)).toBe(false);
    expect([...a.awareness.getStates().keys()]).toEqual([a.id]);
    for (const x of [a, b, c]) x.awareness.destroy();
  });

  it("is not disturbed by presence of another kind", () => {
    const hub = new Hub();
    const [a, b] = [join(hub, "a"), join(hub, "b")];
    for (const odd of [
      { name: "Ada" },
      "x",
      1,
      { awareness: 1 },
      { awareness: "!" },
      { awareness: "AQ==" },
      { awareness: "AQEBAjEx" },
    ]) {
      b.stream.presence.set(odd as never);
      expect([...a.awareness.getStates().keys()]).toContain(a.id);
    }
    for (const x of [a, b]) x.awareness.destroy();
  });
});
