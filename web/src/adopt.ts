import type { Engine } from "./engine.js";
import { STOPPED } from "./machine/link.js";
import { pendingCount } from "./machine/view.js";
import { loadQueue } from "./storage/load.js";
import type { QueueStorage } from "./storage/storage.js";
import { claim, idsIn, prefixOf } from "./tabs.js";

/** How long a dead tab's queue may take to reach the hub; then the next time has a go. */
const PATIENCE_MS = 60_000;

/**
 * Brings the queues of tabs that are gone to the hub, one after the other, each over a connection of its own
 * as the client that made the ops: their seqs and hashes hold for no other. Queues of other users stay.
 *
 * Returns what stops it.
 */
export function adopt(o: {
  storage: QueueStorage;
  namespace: string;
  subject: string;
  engine(id: string, entries: [string, string][], after: () => void): Engine;
}): () => void {
  let stop = () => {};
  let stopped = false;
  const drain = (id: string, entries: [string, string][]) =>
    new Promise<boolean>((resolve) => {
      let timer: ReturnType<typeof setTimeout> | undefined;
      const end = (done: boolean) => {
        clearTimeout(timer);
        e.stop();
        resolve(done);
      };
      const e = o.engine(id, entries, () => {
        if (!pendingCount(e.m)) end(true);
        else if (e.m.link.phase === STOPPED) end(false);
      });
      timer = setTimeout(end, PATIENCE_MS, false);
      stop = () => end(false);
      e.step({ do: "connect" });
    });

  const run = async () => {
    for (const id of await idsIn(o.storage, o.namespace)) {
      const held = !stopped && (await claim(o.storage, o.namespace, id));
      if (!held) continue;
      try {
        const prefix = prefixOf(o.namespace, id);
        const entries = await o.storage.load(prefix);
        const whose = entries.find(([key]) => key === `${prefix}who`)?.[1];
        const waiting = loadQueue(entries, prefix).saved.streams.some((s) =>
          s.ops.some((op) => op.seq > s.head.acked),
        );
        if (stopped || !waiting || (whose && whose !== o.subject) || !(await drain(id, entries))) continue;
        const left = await o.storage.load(prefix);
        const over = left.filter(([key]) => !/^(dead|bad):/.test(key.slice(prefix.length)));
        await o.storage.write(over.map(([key]) => [key, null]));
      } finally {
        held.release();
      }
    }
  };
  run().catch(() => {}); // storage fails: the client's own queue has said so
  return () => {
    stopped = true;
    stop();
  };
}
