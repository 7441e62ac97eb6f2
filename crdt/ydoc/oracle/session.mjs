// An editing session as crdt/ydoc/trace writes it, ready to play: positions
// and lengths in UTF-16 code units, as JavaScript counts.
import { readFileSync } from 'node:fs'

/**
 * @typedef {[position: number, deleted: number, inserted: string]} Patch
 * @typedef {{ r: number, recv: number[], patches: Patch[] }} Txn
 * @typedef {{ name: string, kind: 'sequential' | 'concurrent', end: string | null, txns: Txn[] }} Session
 */

/** @returns {Session} */
export function readSession(path) {
  const session = JSON.parse(readFileSync(path, 'utf8'))
  if (!session.txns.some(beyondBasicPlane)) return session
  if (session.kind !== 'sequential') {
    throw new Error(`${session.name}: a concurrent session holds characters beyond the basic plane`)
  }
  const text = []
  for (const txn of session.txns) {
    for (const patch of txn.patches) {
      const [at, deleted, inserted] = patch
      patch[0] = units(text, 0, at)
      patch[1] = units(text, at, at + deleted)
      text.splice(at, deleted, ...inserted)
    }
  }
  return session
}

/** The session played n times in one document. */
export function repeat(session, n) {
  const txns = []
  for (let i = 0; i < n; i++) for (const txn of session.txns) txns.push(txn)
  return { ...session, end: session.end === null ? null : session.end.repeat(n), txns }
}

export const replicas = (session) => session.txns.reduce((n, txn) => Math.max(n, txn.r + 1), 0)

const beyondBasicPlane = (txn) => txn.patches.some(([, , inserted]) => /[\ud800-\udfff]/.test(inserted))

function units(text, from, to) {
  let n = 0
  for (let i = from; i < to; i++) n += text[i].length
  return n
}
