import type { QueueStorage } from "./storage.js";

/**
 * Keeps queues in memory, until the tab closes or reloads. The fallback where a browser refuses storage.
 *
 * @example
 * ```ts
 * new FlowSyncClient({ url, storage: memoryStorage() });
 * ```
 */
export function memoryStorage(): QueueStorage {
  const entries = new Map<string, string>();
  return {
    volatile: true,
    load: (prefix) => [...entries].filter(([key]) => key.startsWith(prefix)),
    write(changes) {
      for (const [key, value] of changes) {
        if (value === null) entries.delete(key);
        else entries.set(key, value);
      }
    },
  };
}
