/**
 * Stable error codes. Branch on these, never on texts. The list is closed and append-only; it is that of
 * docs/protocol.md, with two that only this package makes: `closed` (the client was destroyed) and
 * `storage` (the browser refuses to keep the queue).
 */
export type Code =
  | "bad_json"
  | "bad_message"
  | "unknown_type"
  | "bad_version"
  | "not_ready"
  | "too_large"
  | "auth_required"
  | "auth_invalid"
  | "auth_expired"
  | "auth_revoked"
  | "client_mismatch"
  | "origin_denied"
  | "denied"
  | "bad_stream"
  | "stream_unknown"
  | "stream_full"
  | "wrong_rule"
  | "bad_op"
  | "bad_text"
  | "seq_gap"
  | "op_conflict"
  | "removed_forever"
  | "overflow"
  | "missing_dependency"
  | "in_doubt"
  | "rate_limited"
  | "busy"
  | "conn_limit"
  | "sub_limit"
  | "store_readonly"
  | "store_corrupt"
  | "unavailable"
  | "resync"
  | "replaced"
  | "retired"
  | "shutdown"
  | "internal"
  | "closed"
  | "storage";

/** Reports whether the same request may succeed later, unchanged. */
export function isRetryable(code: string): boolean {
  return /^(auth_expired|seq_gap|rate_limited|busy|conn_limit|store_readonly|unavailable|resync|shutdown|internal)$/.test(
    code,
  );
}

/**
 * What went wrong, with a stable code, what to try next, and whether trying the same again can help.
 *
 * @example
 * ```ts
 * client.on("error", (e) => { if (e.code === "denied") showSignIn(e.hint); });
 * ```
 */
export class FlowSyncError extends Error {
  /** The stable code. */
  readonly code: Code;
  /** What to try, in plain English; empty when the message says it all. */
  readonly hint: string;
  /** The stream it is about, if it is about one. */
  readonly stream: string | undefined;
  /** Whether the same request may succeed later, unchanged. */
  readonly retryable: boolean;

  constructor(code: Code, message: string, hint = "", stream?: string) {
    super(message);
    this.name = "FlowSyncError";
    this.code = code;
    this.hint = hint;
    this.stream = stream;
    this.retryable = isRetryable(code);
  }
}

/** Throws a refusal. */
export function refuse(code: Code, message: string, hint?: string): never {
  throw new FlowSyncError(code, message, hint);
}
