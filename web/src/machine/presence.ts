import type { Json } from "../wire/canonical.js";
import type { HubMessage, Peer } from "../wire/message.js";
import { type Client, emit, newRef, send } from "./client.js";
import type { Event } from "./effect.js";
import { notOpen } from "./pending.js";
import { OPEN } from "./stream.js";

/** Who is on a stream beside this client, and what this client shows of itself; null is nothing. */
export type Presence = {
  mine: Json;
  /** To be sent in this session. */
  due: boolean;
  /** Not granted in this session. */
  refused: boolean;
  /** By client id. */
  peers: Map<string, Peer>;
};

export function newPresence(): Presence {
  return { mine: null, due: false, refused: false, peers: new Map() };
}

/** Says what others see of this client. It is sent again by every session until it is null. */
export function setPresence(c: Client, name: string, state: Json): void {
  const here = c.streams.get(name)?.here ?? notOpen();
  here.mine = state;
  here.due = !here.refused;
}

/** Takes what the hub tells of others. A lower session never replaces or removes a higher one. */
export function presence(c: Client, m: HubMessage & { t: "presence" }): void {
  const st = c.streams.get(m.stream);
  if (st?.phase !== OPEN) return;
  const { peers } = st.here;
  const sessionOf = (client: string) => peers.get(client)?.session ?? 0;
  if (m.full) peers.clear();
  for (const l of m.left ?? []) if (sessionOf(l.client) <= l.session) peers.delete(l.client);
  for (const p of m.peers ?? []) {
    if (p.client !== c.cfg.client && sessionOf(p.client) <= p.session) peers.set(p.client, p);
  }
  emit(c, { do: "presenceChanged", stream: m.stream });
}

/** Sends a message to the stream's other subscribers. */
export function emitEvent(c: Client, { stream, event, data }: Event & { do: "emit" }): void {
  if (c.streams.get(stream)?.phase !== OPEN) {
    notOpen(); // events are not kept for later
  }
  send(c, { t: "emit", ref: newRef(c, "e"), stream, event, data });
}
