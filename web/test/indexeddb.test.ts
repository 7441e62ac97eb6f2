import "fake-indexeddb/auto";
import { afterEach, expect, test } from "vitest";
import { FlowSyncClient } from "../src/core.js";
import { indexedDBStorage } from "../src/indexeddb.js";
import { FakeSocket } from "./socket.js";

const clients: FlowSyncClient[] = [];
afterEach(() => {
  for (const c of clients.splice(0)) c.destroy();
});

test("entries come back by prefix, and changes happen in one transaction or not at all", async () => {
  const storage = indexedDBStorage("plain");
  await storage.write([
    ["a:1", "one"],
    ["a:2", "two"],
    ["b:1", "other"],
  ]);
  await storage.write([
    ["a:1", null],
    ["a:3", "three"],
  ]);
  expect((await storage.load("a:")).sort()).toEqual([
    ["a:2", "two"],
    ["a:3", "three"],
  ]);
  const cloned = [
    ["a:4", "four"] as [string, string],
    ["a:5", (() => {}) as unknown as string] as [string, string],
  ];
  await expect(storage.write(cloned)).rejects.toThrow();
  expect((await storage.load("a:")).length).toBe(2);
  expect(await indexedDBStorage("plain").load("b:")).toEqual([["b:1", "other"]]);
});

test("a queue in IndexedDB survives a reload, and what was done before it was read joins it", async () => {
  const open = () => {
    const options = {
      url: "ws://hub",
      clientId: "idb",
      storage: indexedDBStorage(),
      WebSocket: FakeSocket.ctor,
    };
    const c = new FlowSyncClient(options);
    clients.push(c);
    c.simulateOffline(true);
    return { c, s: c.stream<number>("n", { rule: "crdt-counter", initial: 0 }) };
  };
  const stored = async (n: number) => {
    for (let i = 0; i < 200; i++) {
      const ops = await indexedDBStorage().load("flowsync:default:idb:q:");
      if (ops.flatMap(([, v]) => JSON.parse(v)).length === n) return;
      await new Promise((done) => setTimeout(done, 10));
    }
    throw new Error(`waited in vain for ${n} stored ops`);
  };
  const before = open();
  before.s.push({ op: "increment", amount: 5 });
  await stored(1);
  before.c.destroy();
  await new Promise((done) => setTimeout(done, 50));
  const after = open();
  after.s.push({ op: "increment", amount: 2 });
  expect(after.s.get()).toBe(2); // at once, before storage was read
  await stored(2);
  expect(after.s.get()).toBe(7);
  expect(after.c.pendingCount).toBe(2);
});
