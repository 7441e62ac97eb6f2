import { fromBase64, toBase64 } from "../wire/base64.js";
import type { DocPresence } from "./stream.js";

/** The Awareness of y-protocols, as far as the adapter uses it. */
export interface AwarenessLike {
  readonly clientID: number;
  readonly states: Map<number, Record<string, unknown>>;
  readonly meta: Map<number, { clock: number; lastUpdated: number }>;
  // biome-ignore lint/suspicious/noExplicitAny: the signatures of y-protocols
  on(event: "update", listener: (...args: any[]) => void): unknown;
  // biome-ignore lint/suspicious/noExplicitAny: the signatures of y-protocols
  off(event: "update", listener: (...args: any[]) => void): unknown;
  // biome-ignore lint/suspicious/noExplicitAny: the signatures of y-protocols
  emit(event: any, args: any): unknown;
}

interface Entry {
  id: number;
  clock: number;
  state: Record<string, unknown> | null;
}

/**
 * Encodes states as y-protocols does: count, then id, clock and JSON of each.
 *
 * @example
 * const bytes = encodeAwareness(awareness, [awareness.clientID]);
 */
export function encodeAwareness(awareness: AwarenessLike, ids: readonly number[]): Uint8Array {
  const out: number[] = [];
  const uint = (n: number) => {
    for (; n > 127; n = Math.floor(n / 128)) out.push((n % 128) | 128);
    out.push(n);
  };
  uint(ids.length);
  for (const id of ids) {
    uint(id);
    uint(awareness.meta.get(id)?.clock ?? 0);
    const json = new TextEncoder().encode(JSON.stringify(awareness.states.get(id) ?? null));
    uint(json.length);
    for (const b of json) out.push(b);
  }
  return Uint8Array.from(out);
}

/** @throws Error if the bytes are no awareness update */
function decodeAwareness(bytes: Uint8Array): Entry[] {
  let pos = 0;
  const uint = (): number => {
    let n = 0;
    for (let scale = 1; ; scale *= 128) {
      const b = bytes[pos++];
      n += ((b ?? Number.NaN) & 127) * scale;
      if (b === undefined || !Number.isSafeInteger(n)) throw new Error("this is no awareness update");
      if (b < 128) return n;
    }
  };
  const entries: Entry[] = [];
  for (let n = uint(); n > 0; n--) {
    const [id, clock, length] = [uint(), uint(), uint()];
    const state = JSON.parse(new TextDecoder().decode(bytes.subarray(pos, pos + length)));
    if (typeof state !== "object") throw new Error("this is no awareness update");
    pos += length;
    entries.push({ id, clock, state });
  }
  return entries;
}

/**
 * Takes states in; for each id the greater clock wins. Nobody else can remove this client's own.
 * Returns the ids.
 *
 * @throws Error if the bytes are no awareness update
 * @example
 * const ids = applyAwareness(awareness, bytes, "from afar");
 */
export function applyAwareness(awareness: AwarenessLike, update: Uint8Array, origin: unknown): number[] {
  const entries = decodeAwareness(update);
  merge(awareness, entries, origin);
  return entries.map((e) => e.id);
}

function merge(awareness: AwarenessLike, entries: readonly Entry[], origin: unknown): void {
  const { states, meta, clientID } = awareness;
  const changes = { added: [] as number[], updated: [] as number[], removed: [] as number[] };
  let same: number[] = []; // renewed, and otherwise as before
  for (let { id, clock, state } of entries) {
    const known = meta.get(id);
    const before = states.get(id);
    const now = known?.clock ?? 0;
    if (clock < now || (clock === now && (state || !before))) continue;
    if (state) states.set(id, state);
    else if (id === clientID && before) clock++;
    else states.delete(id);
    meta.set(id, { clock, lastUpdated: Date.now() });
    if (!known && state) changes.added.push(id);
    else if (known && !state) changes.removed.push(id);
    else if (state) {
      changes.updated.push(id);
      if (JSON.stringify(state) === JSON.stringify(before)) same = [...same, id];
    }
  }
  const { added, updated, removed } = changes;
  const changed = updated.filter((id) => !same.includes(id));
  const any = (ids: number[]) => added.length + ids.length + removed.length > 0;
  if (any(changed)) awareness.emit("change", [{ added, updated: changed, removed }, origin]);
  if (any(updated)) awareness.emit("update", [changes, origin]);
}

/** Shows an awareness' own state to the stream's others, and theirs in it. Returns what ends that. */
export function bindAwareness(awareness: AwarenessLike, presence: DocPresence, origin: unknown): () => void {
  const seen = new Map<string, { awareness: string; ids: number[] }>();
  const own = awareness.clientID;

  const show = () => {
    const has = awareness.states.has(own);
    presence.set(has ? { awareness: toBase64(encodeAwareness(awareness, [own])) } : null);
  };
  const onUpdate = (change: Record<"added" | "updated" | "removed", number[]>, from: unknown) => {
    const ids = [...change.added, ...change.updated, ...change.removed];
    if (from !== origin && ids.includes(own)) show();
  };
  const forget = (ids: readonly number[]) => {
    const gone = ids.filter((id) => id !== own && awareness.states.has(id));
    merge(
      awareness,
      gone.map((id) => ({ id, clock: awareness.meta.get(id)?.clock ?? 0, state: null })),
      origin,
    );
  };
  const look = () => {
    const left = new Set(seen.keys());
    for (const { client, state } of presence.peers()) {
      const shown = (state as { awareness?: unknown } | null)?.awareness;
      if (typeof shown !== "string") continue;
      left.delete(client);
      const last = seen.get(client);
      if (last?.awareness === shown) continue;
      try {
        const ids = applyAwareness(awareness, fromBase64(shown), origin);
        forget((last?.ids ?? []).filter((id) => !ids.includes(id)));
        seen.set(client, { awareness: shown, ids });
      } catch {
        // What a peer shows is up to the peer; what cannot be read is not shown.
      }
    }
    for (const client of left) {
      forget(seen.get(client)?.ids ?? []);
      seen.delete(client);
    }
  };

  awareness.on("update", onUpdate);
  const stop = presence.subscribe(look);
  if (awareness.states.has(own)) show();
  look();
  return () => {
    stop();
    awareness.off("update", onUpdate);
    presence.set(null);
    for (const { ids } of seen.values()) forget(ids);
  };
}
