/**
 * Queues in IndexedDB.
 *
 * @module
 */
export { indexedDBStorage } from "./storage/indexeddb.js";
