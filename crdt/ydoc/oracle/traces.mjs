// What yjs makes of a session, as hashes, for the byte equality tests of
// crdt/ydoc. Client ids are the replica plus one.
//
//   node traces.mjs TRACE.json            one JSON object:
//     yjs, session  version of yjs, SHA-256 of the file of the session
//     updates   how many transactions
//     blocks    SHA-256 over each BLOCK of updates, each framed by its length
//     states    at each of up to 20 checkpoints [transaction, SHA-256 of its
//               replica's full state]
//     finals    SHA-256 of every replica's state once it has received all
//     reader    SHA-256 of the state of a document that applied all updates
//     loaded    SHA-256 of the state of a document that applied that state
//   node traces.mjs TRACE.json FROM TO    the updates of that range in hex
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { READER, peers } from './peers.mjs'
import { readSession, replicas } from './session.mjs'

const BLOCK = 1024
const CHECKPOINTS = 20
const packageOf = (name) => createRequire(import.meta.url)(`${name}/package.json`)
const none = new Uint8Array()

const [path, from, to] = process.argv.slice(2)
const session = readSession(path)
const documents = Array.from({ length: replicas(session) }, (_, r) => peers.yjs.open(r))
const known = documents.map(() => new Set())
const updates = []
const states = []
const every = Math.ceil(session.txns.length / CHECKPOINTS)
const sha = (bytes) => createHash('sha256').update(bytes).digest('hex')

function receive(r, i) {
  if (known[r].has(i)) return
  known[r].add(i)
  if (updates[i].length > 0) documents[r].apply(updates[i])
}

session.txns.forEach(({ r, recv, patches }, i) => {
  for (const m of recv) receive(r, m)
  known[r].add(i)
  updates.push(documents[r].editUpdate(patches) ?? none)
  if ((i + 1) % every === 0) states.push([i, sha(documents[r].save())])
})

if (from !== undefined) {
  console.log(JSON.stringify(updates.slice(Number(from), Number(to)).map((u) => Buffer.from(u).toString('hex'))))
} else {
  const blocks = []
  for (let at = 0; at < updates.length; at += BLOCK) {
    const hash = createHash('sha256')
    for (const update of updates.slice(at, at + BLOCK)) {
      const length = Buffer.alloc(4)
      length.writeUInt32LE(update.length)
      hash.update(length).update(update)
    }
    blocks.push(hash.digest('hex'))
  }
  documents.forEach((_, r) => updates.forEach((_, i) => receive(r, i)))
  const reader = peers.yjs.open(READER)
  for (const update of updates) if (update.length > 0) reader.apply(update)
  if (session.end !== null && reader.text() !== session.end) throw new Error(`${session.name}: the text of yjs differs from the end of the session`)
  const loaded = peers.yjs.load(reader.save())
  console.log(JSON.stringify({
    yjs: packageOf('yjs').version,
    session: sha(readFileSync(path)),
    block: BLOCK,
    updates: updates.length,
    blocks,
    states,
    finals: documents.map((document) => sha(document.save())),
    reader: sha(reader.save()),
    loaded: sha(loaded.save()),
  }))
}
