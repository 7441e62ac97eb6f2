import { afterEach, beforeEach, expect, test, vi } from "vitest";
import * as Y from "yjs";
import { FlowSyncClient, localStorageStorage, type QueueStorage } from "../src/core.js";
import { digestInput, TextReplica } from "../src/text/index.js";
import { fromBase64, toBase64 } from "../src/wire/base64.js";
import { digest, NO_HASH } from "../src/wire/hash.js";
import { bindDoc } from "../src/yjs/index.js";
import { QuotaStorage } from "./quota.js";
import { FakeSocket } from "./socket.js";

const clients: FlowSyncClient[] = [];

beforeEach(() => {
  vi.useFakeTimers();
  FakeSocket.all = [];
});

afterEach(async () => {
  for (const c of clients.splice(0)) c.destroy();
  await pass();
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

const pass = (ms = 0) => vi.advanceTimersByTimeAsync(ms);
const cursor = (off: number) => `0123456789abcdef.${off}.89abcdef.0011223344556677`;

function client(storage: QueueStorage = localStorageStorage(new QuotaStorage())): FlowSyncClient {
  const c = new FlowSyncClient({ url: "ws://hub", WebSocket: FakeSocket.ctor, storage, clientId: "me" });
  clients.push(c);
  return c;
}

/** Answers the last open of the stream, as it was asked for. */
function answer(doc: Y.Doc, off: number): void {
  const s = FakeSocket.last;
  const hello = s.of("hello")[0]?.streams as { as: string }[] | undefined;
  const sub = s.of("sub").at(-1);
  const as = sub?.as ?? hello?.[0]?.as;
  const update = toBase64(Y.encodeStateAsUpdate(doc));
  s.say({
    t: "synced",
    ...(sub ? { ref: sub.ref } : {}),
    stream: "notes:1",
    rule: "crdt-doc",
    mode: "rw",
    outcome: "snapshot",
    cursor: cursor(off),
    ...(as === "value" ? { value: doc.toJSON() } : { base: off, state: { authors: {}, update, v: 1 } }),
    yours: { seq: 0, hash: NO_HASH },
  });
}

const pushed = () => FakeSocket.last.of("push").flatMap((p) => p.ops as { update: string }[]);

test("a document shows the hub's value, and its state once a Y.Doc is bound", async () => {
  const hub = new Y.Doc();
  hub.getMap("meta").set("title", "x");
  const s = client().stream("notes:1");
  s.subscribe(() => {});
  await pass();
  FakeSocket.last.welcome();
  answer(hub, 1);
  await pass();
  answer(hub, 1); // the first was asked for as state, and this client shows no documents
  await pass();
  expect(FakeSocket.last.of("sub").at(-1)).toMatchObject({ as: "value" });
  expect(s.get()).toEqual({ meta: { title: "x" } });

  const doc = new Y.Doc();
  const codes: string[] = [];
  const binding = bindDoc(doc, s, { onDetached: (code) => codes.push(code) });
  await pass();
  expect(FakeSocket.last.of("sub").at(-1)).toMatchObject({ as: "state" });
  answer(hub, 1);
  await pass();
  expect(binding.status).toBe("bound");
  expect(doc.getMap("meta").toJSON()).toEqual({ title: "x" });
  expect(s.digest()).toBe(digest(digestInput(new TextReplica({ update: Y.encodeStateAsUpdate(hub) }))));

  // Own edits go out one after the other, although the second needs the first.
  doc.getXmlFragment("body").insert(0, [new Y.XmlElement("p")]);
  (doc.getXmlFragment("body").get(0) as Y.XmlElement).insert(0, [new Y.XmlText("hi")]);
  await pass();
  expect(pushed().length).toBe(2);
  for (const { update } of pushed()) Y.applyUpdate(hub, fromBase64(update));
  expect(hub.getXmlFragment("body").toString()).toBe("<p>hi</p>");

  // Others' edits come in.
  hub.on("update", (update: Uint8Array) => {
    const entry = {
      off: 2,
      client: "other",
      inc: "00000000000000b2",
      seq: 1,
      at: 1,
      op: { op: "update", update: toBase64(update) },
    };
    FakeSocket.last.say({ t: "ops", stream: "notes:1", from: 1, cursor: cursor(2), entries: [entry] });
  });
  hub.getMap("meta").set("by", "other");
  expect(doc.getMap("meta").toJSON()).toEqual({ title: "x", by: "other" });

  // What is refused for good cannot be taken out of a Y.Doc.
  FakeSocket.last.say({ t: "reject", stream: "notes:1", seq: 1, code: "too_large", msg: "no" });
  expect([codes, binding.status]).toEqual([["too_large"], "detached"]);
});

test("a document and its queue are there again after a reload, without a network", async () => {
  const storage = localStorageStorage(new QuotaStorage());
  const hub = new Y.Doc();
  hub.getText("text").insert(0, "kept");
  const first = client(storage);
  bindDoc(new Y.Doc(), first.stream("notes:1", { rule: "crdt-doc" }));
  await pass();
  FakeSocket.last.welcome();
  answer(hub, 1);
  await pass(3000);
  first.simulateOffline(true);
  const mine = new Y.Doc();
  Y.applyUpdate(mine, Y.encodeStateAsUpdate(hub));
  mine.on("update", (u: Uint8Array) => first.stream("notes:1").push({ op: "update", update: toBase64(u) }));
  mine.getText("text").insert(4, " and waiting");
  await pass(100);
  first.destroy();

  const again = client(storage);
  again.simulateOffline(true);
  const doc = new Y.Doc();
  const binding = bindDoc(doc, again.stream("notes:1"));
  await pass();
  expect(binding.status).toBe("bound");
  expect(doc.getText("text").toString()).toBe("kept and waiting");
  expect(again.pendingCount).toBe(1);
});
