import type { TokenReason } from "./machine/effect.js";
import { fromBase64 } from "./wire/base64.js";
import { digest } from "./wire/hash.js";

/** Why a token is asked for, and how often in a row. */
export type TokenRequest = { reason: TokenReason; attempt: number };

/**
 * A token, or what gives one: null says that there is none, and the client stops with `needs-auth`; an
 * error is tried again with back-off.
 */
export type AuthToken = string | ((request: TokenRequest) => string | null | Promise<string | null>);

/** Makes the source of tokens of a client. A fixed token cannot be renewed. */
export function tokenSource(
  auth: AuthToken | undefined,
): (reason: TokenReason) => string | null | Promise<string | null> {
  let attempt = 0;
  return async (reason) => {
    if (typeof auth !== "function") return reason === "connect" ? (auth ?? "") : null;
    const token = await auth({ reason, attempt: attempt++ });
    attempt = 0;
    return token;
  };
}

/**
 * A mark of whose token it is, to keep one user's queue from another's: a hash of the subject that a JWT
 * names, empty for other tokens.
 */
export function subjectOf(token: string): string {
  try {
    const payload = (token.split(".")[1] as string).replace(/-/g, "+").replace(/_/g, "/");
    const { sub } = JSON.parse(new TextDecoder().decode(fromBase64(payload))) as { sub?: unknown };
    return typeof sub === "string" && sub ? digest(`flowsync ${sub}`).slice(0, 16) : "";
  } catch {
    return "";
  }
}
