import type { QueueStorage } from "./storage.js";

/**
 * Keeps queues in localStorage, about 5 million characters per origin. The default in browsers. A write is
 * safe from a crash of the tab at once, and from a crash of the whole browser after some seconds; where
 * that matters use indexedDBStorage.
 *
 * @param area another Storage, for tests
 * @example
 * ```ts
 * new FlowSyncClient({ url, storage: localStorageStorage() });
 * ```
 */
export function localStorageStorage(area?: Storage): QueueStorage {
  // Reading the property alone throws where cookies are blocked.
  const store = () => area ?? globalThis.localStorage;
  return {
    load(prefix) {
      const s = store();
      const found: [string, string][] = [];
      for (let i = 0; i < s.length; i++) {
        const key = s.key(i);
        if (key?.startsWith(prefix)) found.push([key, s.getItem(key) ?? ""]);
      }
      return found;
    },
    write(changes) {
      const s = store();
      for (const [key, value] of changes) {
        if (value === null) s.removeItem(key);
        else s.setItem(key, value);
      }
    },
  };
}
