/** A key to write, or (null) to remove. */
export type Change = [key: string, value: string | null];

/**
 * Where queues are kept: keys to strings. Both methods may answer at once or later; what write has answered
 * is durable. Write your own to keep queues elsewhere.
 *
 * @example
 * ```ts
 * const storage: QueueStorage = {
 *   load: (prefix) => native.entries(prefix),
 *   write: (changes) => native.apply(changes),
 * };
 * new FlowSyncClient({ url, storage });
 * ```
 */
export type QueueStorage = {
  /** All entries whose key begins with prefix, in any order. */
  load(prefix: string): [string, string][] | Promise<[string, string][]>;
  /** Carries out changes in their order. It throws, or rejects, if one of them cannot be. */
  write(changes: Change[]): void | Promise<void>;
  /** It forgets everything when the tab closes: there is nothing to share between tabs. */
  volatile?: boolean;
};
