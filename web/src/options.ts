import type { Socket } from "./engine.js";
import type { QueueStorage } from "./storage/storage.js";
import type { AuthToken } from "./token.js";
import type { FlowSyncError } from "./wire/error.js";

/** What a client is made of. Only `url` is required. */
export type ClientOptions = {
  /** Where the hub is: `ws:`, `wss:`, or `http:` and `https:`, which mean the same. */
  url: string;
  /** A token, or a function that gives one; see AuthToken. Without it the client comes as nobody. */
  authToken?: AuthToken;
  /**
   * The client id, 1 to 128 of `[A-Za-z0-9_.-]`, for tokens that pin one. By default every tab has its own,
   * and a new tab takes over what a dead one left queued.
   */
  clientId?: string;
  /** Keeps applications of one origin apart: `[A-Za-z0-9_.-]`. Default `"default"`. */
  namespace?: string;
  /** Where queues are kept. Default localStorageStorage(), and memory where there is none. */
  storage?: QueueStorage;
  /** How many characters the queue may take in storage. Default 4,000,000 of the 5,242,880 of an origin. */
  maxQueueBytes?: number;
  /** Bounds of the full-jitter back-off. Default 250 ms to 10 s; 30 s while the page is hidden. */
  reconnect?: { minMs?: number; maxMs?: number };
  /** How often the hub is asked whether it lives. Default 20,000 ms; a hub waits 60 s. */
  pingIntervalMs?: number;
  /** How long its answer may take. Default 8,000 ms. */
  pongTimeoutMs?: number;
  /**
   * Whether leaving the page asks first: `"auto"` (the default) when ops wait and are not kept in storage,
   * true whenever ops wait, false never.
   */
  warnOnUnsaved?: boolean | "auto";
  /** A WebSocket constructor, where there is no global one. */
  WebSocket?: new (
    url: string,
    protocols: string,
  ) => Socket;
  /** Called with every error, like on("error"). */
  onError?: (error: FlowSyncError) => void;
};

/** Makes the address of a hub one of a WebSocket. */
export function socketUrl(url: string): string {
  return url.replace(/^http/i, "ws");
}
