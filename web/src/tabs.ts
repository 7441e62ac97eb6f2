import { random } from "./engine.js";
import type { QueueStorage } from "./storage/storage.js";

/**
 * Every tab is a client of its own: it holds its client id under a lock, so that two tabs never write one
 * queue. A tab that is gone leaves its id, with what is queued, to the next.
 */

/** A client id that is held by this tab. */
export type Claim = { id: string; release(): void };

/** How often a tab shows that it lives, where there are no locks, and when it is taken for dead. */
const BEAT_MS = 2000;
const STALE_MS = 10_000;

export const rootOf = (namespace: string) => `flowsync:${namespace}:`;
export const prefixOf = (namespace: string, id: string) => `${rootOf(namespace)}${id}:`;

/** Takes an id if no other tab holds it. */
export async function claim(
  storage: QueueStorage,
  namespace: string,
  id: string,
): Promise<Claim | undefined> {
  if (storage.volatile) return { id, release() {} };
  const name = rootOf(namespace) + id;
  const locks = (globalThis.navigator as Navigator | undefined)?.locks;
  if (!locks) return beat(storage, `${name}:live`, id);
  return new Promise((resolve) => {
    // The lock is held until this promise settles; it goes with the tab, however that ends.
    const held = (lock: unknown) =>
      lock ? new Promise<void>((release) => resolve({ id, release })) : resolve(undefined);
    locks.request(name, { ifAvailable: true }, held).catch(() => resolve(undefined));
  });
}

/** Without locks (a page over plain http): a time in storage that is renewed while the tab lives. */
async function beat(storage: QueueStorage, key: string, id: string): Promise<Claim | undefined> {
  const last = (await storage.load(key))[0]?.[1];
  if (Date.now() - Number(last ?? 0) < STALE_MS) return undefined;
  const write = async (value: string | null) => {
    try {
      await storage.write([[key, value]]);
    } catch {
      // No room, or no storage: the hub still tells two sessions of one client apart.
    }
  };
  const show = () => write(String(Date.now()));
  await show();
  const timer = setInterval(show, BEAT_MS);
  const release = () => {
    clearInterval(timer);
    globalThis.removeEventListener?.("pagehide", release);
    write(null);
  };
  // A reload finds its own id free again.
  globalThis.addEventListener?.("pagehide", release);
  return { id, release };
}

/**
 * The id of this tab: the one it had before a reload, else one that a tab left behind, else a new one. What
 * an application named is taken as it is, with an ending when another tab has it.
 */
export async function settleId(storage: QueueStorage, namespace: string, named?: string): Promise<Claim> {
  const own = named ?? remembered(namespace);
  const found = own && (await claim(storage, namespace, own));
  if (found) return remember(namespace, found);
  if (!named) {
    for (const id of await idsIn(storage, namespace)) {
      const left = id !== own && (await claim(storage, namespace, id));
      if (left) return remember(namespace, left);
    }
  }
  const id = named ? `${named}-${random().toString(36)}` : newId();
  return remember(namespace, (await claim(storage, namespace, id)) ?? { id, release() {} });
}

/** The ids that have a queue in storage. */
export async function idsIn(storage: QueueStorage, namespace: string): Promise<string[]> {
  const root = rootOf(namespace);
  const entries = await storage.load(root);
  return [...new Set(entries.map(([key]) => key.slice(root.length).split(":")[0] as string))];
}

export function newId(): string {
  return `tab-${random().toString(16).padStart(8, "0")}${random().toString(16).padStart(8, "0")}`;
}

/** sessionStorage lives as long as the tab. A duplicated tab gets a copy: hence the locks. */
export function remembered(namespace: string): string | undefined {
  try {
    return sessionStorage.getItem(rootOf(namespace)) ?? undefined;
  } catch {
    return undefined; // not in a browser, or blocked
  }
}

function remember(namespace: string, c: Claim): Claim {
  try {
    sessionStorage.setItem(rootOf(namespace), c.id);
  } catch {
    // A reload is then a new tab.
  }
  return c;
}
