// The libraries to compare with, each behind the same few verbs:
//
//   open(r)              an empty document of replica r
//   edit(patches)        one transaction; no update is made where the library allows it
//   editUpdate(patches)  one transaction and its encoded update, null if nothing changed
//   apply(update), save(), text()
//   load(state)          a new document from what save returned
import * as Y from 'yjs'
import jsonJoy from 'json-joy/lib/json-crdt/index.js'

const { Model, Patch } = jsonJoy

class YjsDocument {
  constructor(client) {
    this.doc = new Y.Doc()
    this.doc.clientID = client
    this.root = this.doc.getText('text')
    this.made = null
    this.listening = false
  }

  edit(patches) {
    this.doc.transact(() => {
      for (const [at, deleted, inserted] of patches) {
        if (deleted > 0) this.root.delete(at, deleted)
        if (inserted !== '') this.root.insert(at, inserted)
      }
    })
  }

  editUpdate(patches) {
    if (!this.listening) {
      this.doc.on('update', (update) => { this.made = update })
      this.listening = true
    }
    this.made = null
    this.edit(patches)
    return this.made
  }

  apply(update) { Y.applyUpdate(this.doc, update) }
  save() { return Y.encodeStateAsUpdate(this.doc) }
  text() { return this.root.toString() }
}

const yjs = (client) => ({
  open: (r) => new YjsDocument(client(r)),
  load(state) {
    const d = new YjsDocument(client(READER))
    d.apply(state)
    return d
  },
})

/** The replica that only reads: its client id is not one of the authors'. */
export const READER = 100

// Above 2^30 V8 keeps a number in a box of its own; three quarters of the ids
// that yjs draws by default lie there. These rise with the replica, because
// concurrent sessions were recorded with ids in that order, and where
// tombstones are involved the order can show in the text.
const boxedClient = (r) => 2 ** 31 + r * 2 ** 24 + Math.floor(Math.random() * 2 ** 24)

// json-joy needs a root object that all replicas share.
const rootPatch = (() => {
  const model = Model.create(undefined, 65536)
  model.api.set({ text: '' })
  return model.api.flush().toBinary()
})()

class JsonJoyDocument {
  constructor(model) {
    this.model = model
    this.root = model.api.str(['text'])
  }

  edit(patches) { this.flush(patches) }

  editUpdate(patches) {
    const patch = this.flush(patches)
    return patch.ops.length === 0 ? null : patch.toBinary()
  }

  flush(patches) {
    for (const [at, deleted, inserted] of patches) {
      if (deleted > 0) this.root.del(at, deleted)
      if (inserted !== '') this.root.ins(at, inserted)
    }
    return this.model.api.flush()
  }

  apply(update) { this.model.applyPatch(Patch.fromBinary(update)) }
  save() { return this.model.toBinary() }
  text() { return this.root.view() }
}

const jsonJoyPeer = {
  open(r) {
    const model = Model.create(undefined, 65537 + r)
    model.applyPatch(Patch.fromBinary(rootPatch))
    return new JsonJoyDocument(model)
  },
  load: (state) => new JsonJoyDocument(Model.load(state, 65537 + READER)),
}

export const peers = {
  yjs: yjs((r) => r + 1), // yjs at its best: client ids that V8 need not box
  'yjs-default': yjs(boxedClient),
  'json-joy': jsonJoyPeer,
}

export function peerNamed(name) {
  const peer = peers[name]
  if (!peer) throw new Error(`no peer ${name}: want one of ${Object.keys(peers).join(', ')}`)
  return peer
}
