import { refuse } from "../wire/error.js";
import type { HubError, HubMessage } from "../wire/message.js";
import { type Client, emit, send } from "./client.js";
import { rejected } from "./dead.js";
import type { Event } from "./effect.js";
import { alive, GREETING, hubStatus, LIVE, welcome } from "./link.js";
import { ackedBy } from "./pending.js";
import { presence } from "./presence.js";
import { CLOSED, HALTED, newValue, streamError } from "./stream.js";
import { ops, synced } from "./synced.js";

/** Takes one message of the hub. */
export function receive(c: Client, m: HubMessage): void {
  const l = c.link;
  alive(c);
  if (m.t === "welcome" && l.phase === GREETING) return welcome(c, m);
  if (m.t === "drain") {
    l.notBefore = c.now + m.after_ms;
    return;
  }
  if (m.t === "error") return hubError(c, m);
  if (l.phase !== LIVE) return;
  switch (m.t) {
    case "synced":
      return synced(c, m);
    case "ops":
      return ops(c, m);
    case "value":
      return newValue(c, m);
    case "ack":
      return ackedBy(c, m);
    case "reject":
      return rejected(c, m);
    case "hub":
      return hubStatus(c, m);
    case "presence":
      return presence(c, m);
    case "event": {
      const { t: _, ...heard } = m;
      return emit(c, { do: "heard", ...heard });
    }
    case "history": {
      const tag = answered(c, m.ref);
      if (tag) emit(c, { do: "historyPage", tag, entries: m.entries, more: m.more });
      return;
    }
    case "authed":
      // Opens the streams that the former token did not allow.
      for (const st of c.streams.values()) {
        if (st.phase !== HALTED) continue;
        st.phase = CLOSED;
        st.openAt = 0;
      }
      return;
    case "expiring":
      if (l.renewing) return;
      l.renewing = true;
      return emit(c, { do: "needToken", reason: "expiring" });
  }
}

/** Asks for committed entries below an offset. Tags are numbers from 1. */
export function getHistory(c: Client, { tag, stream, before, limit }: Event & { do: "history" }): void {
  if (c.link.phase !== LIVE) {
    refuse("unavailable", "history comes from the hub", "try again when online");
  }
  c.asked.push(tag);
  send(c, { t: "history", ref: `h${tag}`, stream, before, limit });
}

/** Ends a history request and returns its tag, 0 if there is none. */
function answered(c: Client, ref = ""): number {
  const i = c.asked.findIndex((tag) => ref === `h${tag}`);
  return i < 0 ? 0 : (c.asked.splice(i, 1)[0] as number);
}

/** Sends an error to what it is about. */
function hubError(c: Client, e: HubError): void {
  const { code, msg, ref = "", stream = "" } = e;
  const tag = answered(c, ref);
  if (tag) {
    emit(c, { do: "historyFailed", tag, code, msg });
    return;
  }
  const st = c.streams.get(stream);
  if (st && !/^[ae]/.test(ref)) streamError(c, st, e);
  else emit(c, { do: "fault", stream, code, msg });
}
