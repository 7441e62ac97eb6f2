import type { State } from "../rules/rule.js";
import { canonical } from "../wire/canonical.js";
import { digest } from "../wire/hash.js";
import type { Client } from "./client.js";
import { showOwn } from "./ephemeral.js";
import { from, waiting } from "./pending.js";
import { ownView, type Stream } from "./stream.js";

/** What the stream shows, undefined while there is nothing to show. */
export function show(c: Client, st: Stream): State | undefined {
  if (st.ephemeral) return showOwn(c, st);
  if (!st.state || !st.pending.length) return st.view ?? st.state;
  return ownView(c, st);
}

/** The value that the stream shows, undefined while there is none. */
export function shownValue(c: Client, st: Stream): unknown {
  const state = show(c, st);
  return state ? state.value() : st.value;
}

/** The digest of the stream's confirmed state, undefined without one. */
export function digestOf(st: Stream): string | undefined {
  const { state } = st;
  return state && st.ready ? digest(state.digested?.() ?? canonical(state.save())) : undefined;
}

/** Counts the unacked ops of all streams. */
export function pendingCount(c: Client): number {
  let n = 0;
  for (const st of c.streams.values()) n += waiting(st);
  return n;
}

/** The local number of the oldest unacked op of a stream, Infinity if there is none. */
export function oldest(st: Stream | undefined): number {
  return st?.pending[from(st, st.acked + 1)]?.id ?? Number.POSITIVE_INFINITY;
}
