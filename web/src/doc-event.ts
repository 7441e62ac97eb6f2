/** What happened to a stream, as far as a document needs to know. Updates are base64. */
export type DocEvent =
  /**
   * All there is: the update of the confirmed state, then those of own ops that
   * wait in the queue. It comes first, as soon as there is a state, also a kept
   * one while offline; and again whenever the client took a whole state.
   */
  | { type: "state"; updates: readonly string[] }
  /** A committed op. Own ones may come too. */
  | { type: "update"; update: string }
  /** An own op was refused for good, and is a dead letter now. */
  | { type: "rejected"; code: string };
