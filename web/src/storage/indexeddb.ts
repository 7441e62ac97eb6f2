import type { Change, QueueStorage } from "./storage.js";

/**
 * Keeps queues in IndexedDB: room for more than localStorage, and it is written sooner. What the browser
 * has not written when it is killed is lost. An op is sent when it is stored, some milliseconds after the push.
 *
 * @param name of the database; default "flowsync"
 * @example
 * ```ts
 * import { indexedDBStorage } from "flowsync-client/indexeddb";
 * new FlowSyncClient({ url, storage: indexedDBStorage() });
 * ```
 */
export function indexedDBStorage(name = "flowsync"): QueueStorage {
  let opening: Promise<IDBDatabase> | undefined;
  const open = () => {
    opening ??= new Promise((resolve, reject) => {
      const request = indexedDB.open(name, 1);
      request.onupgradeneeded = () => request.result.createObjectStore("q");
      request.onerror = () => reject(request.error);
      request.onsuccess = () => {
        const db = request.result;
        // Another version of the page, or a user who clears the site's data, must not wait for us.
        db.onversionchange = () => db.close();
        db.onclose = () => {
          opening = undefined;
        };
        resolve(db);
      };
    });
    opening.catch(() => {
      opening = undefined;
    });
    return opening;
  };
  const run = async <T>(mode: IDBTransactionMode, work: (store: IDBObjectStore) => T): Promise<T> => {
    const db = await open();
    return new Promise((resolve, reject) => {
      const tx = db.transaction("q", mode, { durability: "relaxed" });
      tx.onabort = () => reject(tx.error);
      try {
        const result = work(tx.objectStore("q"));
        tx.oncomplete = () => resolve(result);
      } catch (e) {
        reject(e);
        tx.abort(); // all of the changes or none
      }
    });
  };
  return {
    async load(prefix) {
      const range = IDBKeyRange.bound(prefix, `${prefix}\uffff`);
      const [keys, values] = await run("readonly", (s) => [s.getAllKeys(range), s.getAll(range)] as const);
      return keys.result.map((key, i) => [key as string, values.result[i] as string]);
    },
    write: (changes: Change[]) =>
      run("readwrite", (s) => {
        for (const [key, value] of changes) {
          if (value === null) s.delete(key);
          else s.put(value, key);
        }
      }),
  };
}
