package main

// mutant is one fault, planted in a copy of the source.
type mutant struct {
	name   string
	breaks string // what goes wrong then
	edits  []edit
}

// edit replaces text that occurs exactly once in a file of the module.
type edit struct{ file, old, new string }

const (
	hubCommit  = "internal/hubcore/commit.go"
	hubPush    = "internal/hubcore/push.go"
	hubOpen    = "internal/hubcore/open.go"
	hubFan     = "internal/hubcore/fan.go"
	hubWriter  = "internal/hubcore/writer.go"
	hubCompact = "internal/hubcore/compact.go"
	hubStream  = "internal/hubcore/stream.go"
	hubLocal   = "internal/hubcore/local.go"
	hubRing    = "internal/hubcore/ring.go"
	pending    = "internal/clientcore/pending.go"
	synced     = "internal/clientcore/synced.go"
	dead       = "internal/clientcore/dead.go"
	saved      = "internal/clientcore/saved.go"
	clientEdit = "internal/clientcore/edit.go"
	memory     = "store/memory_stream.go"
)

// mutants are the faults that the simulator must find. Those that the other side
// of the protocol, or a second check behind the first, would make good are here
// too: what covers for them may be missing in another client.
func mutants() []mutant {
	return []mutant{
		{"ack before commit", "an ack leaves with the acceptance of its op", []edit{
			{hubPush, "		if err := s.accept(a); err != nil {\n			s.reject", "		acked = true\n		if err := s.accept(a); err != nil {\n			s.reject"},
			{hubPush, "Seq: w.committed.seq, Hash: wire.FormatHash(w.committed.hash)})\n		}\n	}()", "Seq: w.pending.seq, Hash: wire.FormatHash(w.pending.hash)})\n		}\n	}()"},
		}},
		{"fan-out before commit", "subscribers get entries when the append begins", []edit{
			{hubCommit, "	s.sent = rec\n", "	s.sent = rec\n	s.refreshFans()\n	if len(s.fans.states) > 0 {\n		s.sendOps(Out{All: s.fans.states}, s.head.Offset, rec.Entries, fx)\n	}\n"},
		}},
		{"watermark off by one", "a hub that loads a stream thinks each writer one op shorter", []edit{
			{hubWriter, "stored := mark{seq: wm.Seq,", "stored := mark{seq: wm.Seq - min(wm.Seq, 1),"},
		}},
		{"dedup lost at compaction", "a trim forgets the writers whose ops it removes", []edit{
			{memory, "				w.forget()\n			}\n		}\n	}", "				w.forget()\n				if len(w.trail) == 0 {\n					delete(s.writers, e.Writer)\n				}\n			}\n		}\n	}"},
			{memory, "if w := s.writers[e.Writer]; len(w.trail) > 0", "if w := s.writers[e.Writer]; w != nil && len(w.trail) > 0"},
		}},
		{"snapshot without watermarks", "a snapshot is stored, and what was known of writers is not", []edit{
			{memory, "	s.older, s.newest = s.newest, &snapshot\n", "	s.older, s.newest = s.newest, &snapshot\n	s.writers = nil\n"},
			{memory, "if w := s.writers[e.Writer]; len(w.trail) > 0", "if w := s.writers[e.Writer]; w != nil && len(w.trail) > 0"},
		}},
		{"snapshot of what is not committed", "a snapshot is the state with all that waits", []edit{
			{hubCompact, "State: s.state.Clone(),", "State: s.ahead().Clone(),"},
		}},
		{"trim not atomic", "a log is trimmed to the snapshot that is only being stored", []edit{
			{hubCompact, "	fx.Calls = append(fx.Calls, Call{\n		Kind: CallSave,", "	fx.Calls = append(fx.Calls, Call{Kind: CallTrim, After: s.head.Offset, Max: trimSlice})\n	fx.Calls = append(fx.Calls, Call{\n		Kind: CallSave,"},
			{memory, "	if s.older == nil {\n		return false\n	}\n	whole := s.index(min(offset, s.older.Position.Offset))\n", "	whole := s.index(offset)\n"},
		}},
		{"seq reused after restart", "a restored queue gives seqs out again that were taken by refused ops", []edit{
			{saved, "	st.inc, st.next = rec.Inc, rec.Next\n", "	st.inc, st.next = rec.Inc, rec.Acked+1\n	if n := len(rec.Ops); n > 0 {\n		st.next = max(st.next, rec.Ops[n-1].Seq+1)\n	}\n"},
		}},
		{"slow consumer dropped without resync", "a session that lagged goes on without what it missed", []edit{
			{hubFan, "	s.catchUpOne(sub, ev, fx)\n", ""},
		}},
		{"hub switch forgets acks", "a hub does not ask the store for a writer's watermark", []edit{
			{hubOpen, "	c.w.learn(ev.Mark, ev.Tail)\n", "	c.w.learn(store.Watermark{}, nil)\n"},
		}},
		{"prev not checked", "an op is accepted over a hole", []edit{
			{hubPush, "	if prev == w.pending.seq {\n", "	if prev >= w.pending.seq {\n"},
		}},
		{"epoch ignored", "a client takes another epoch for its own", []edit{
			{synced, "	lost := st.epoch != \"\" && st.epoch != cursor.Epoch\n", "	lost := false\n"},
		}},
		{"lost history not rotated", "a cursor that proves a loss gets a snapshot in the old epoch", []edit{
			{hubOpen, "	if cur.Offset > s.head.Offset {\n		s.rotate(ev, fx)\n", "	if cur.Offset > s.head.Offset {\n		s.answer(ev, sub, wire.Snapshot, nil, fx)\n"},
		}},
		{"chain not checked", "a hub applies records that continue another log than its own", []edit{
			{hubCommit, " && rec.First() == s.head.Offset+1 && rec.Prev == s.head.Chain\n", " && rec.First() == s.head.Offset+1\n"},
			{hubCommit, "	if head.Offset < s.head.Offset || head.Offset == s.head.Offset && head.Chain != s.head.Chain {\n		s.reload(true, fx)", "	if head.Offset < s.head.Offset {\n		s.reload(true, fx)"},
		}},
		{"cursor not checked", "a cursor of lost history counts as one of the log's", []edit{
			{hubOpen, "	if !ours {\n", "	if false {\n"},
		}},
		{"ack retires the op", "an acked op leaves the view before its entry comes", []edit{
			{pending, "	if !st.replica() {\n		c.settle(st, seq)\n	}\n", "	c.settle(st, seq)\n"},
		}},
		{"ack moves the cursor", "a client counts an ack as an entry that it has", []edit{
			{pending, "	if !st.replica() {\n		c.settle(st, seq)\n	}\n", "	if st.replica() {\n		st.offset++\n	} else {\n		c.settle(st, seq)\n	}\n"},
		}},
		{"yours from another offset", "yours says what was accepted, not what the state has", []edit{
			{hubWriter, "	y := &wire.Yours{Seq: w.committed.seq, Hash: wire.FormatHash(w.committed.hash)}\n", "	y := &wire.Yours{Seq: w.pending.seq, Hash: wire.FormatHash(w.pending.hash)}\n"},
		}},
		{"sent ops coalesced", "a register's op takes the place of one that waits, sent or not", []edit{
			{pending, "	c.begin(st)\n	c.ids++\n", "	c.begin(st)\n	if n := len(st.pending); n > 0 && st.ruleName == \"lww\" && st.pending[n-1].Seq > st.acked {\n		st.pending[n-1].Body, st.view = body, nil\n		st.rechain()\n		c.emit(SaveOp{Stream: st.name, Op: st.pending[n-1].Op})\n		return nil\n	}\n	c.ids++\n"},
		}},
		{"tie broken by arrival", "of two writes that knew the same the later one in the log wins", []edit{
			{"crdt/stamp.go", "		cmp.Compare(s.at, t.at),\n		cmp.Compare(s.writer.Client, t.writer.Client),\n		cmp.Compare(s.writer.Inc, t.writer.Inc),\n		cmp.Compare(s.seq, t.seq),\n", "		cmp.Compare(s.at, t.at),\n		1,\n"},
		}},
		{"increment counts twice", "an amount is added to its client's total twice", []edit{
			{"crdt/counter.go", "			c.side(o.name).add(op.Writer.Client, n)\n", "			c.side(o.name).add(op.Writer.Client, n)\n			c.side(o.name).add(op.Writer.Client, n)\n"},
		}},
		{"no fence", "an open keeps nothing of older sessions out of the log", []edit{
			{hubOpen, "		call.Fence = ev.Member.Number\n", ""},
			{hubOpen, "		s.fence(c.w, open.Member.Number, fx)\n", ""},
		}},
		{"client checks no hash", "a client takes every ack for its own", []edit{
			{pending, "	mine := i >= 0 && st.pending[i].hash == hash\n", "	mine := i >= 0\n"},
		}},
		{"hub sees no conflict in a push", "another op under a known seq counts as the known one", []edit{
			{hubPush, "			if v == conflict {\n", "			if false {\n				_ = v\n"},
		}},
		{"hub sees no foreign history", "what another session committed under a seq passes for what waits", []edit{
			{hubCommit, "	have, known := a.w.hashAt(a.mark.seq)\n	return known && have != a.mark.hash\n", "	return false\n"},
		}},
		{"no second check", "what waits is appended again unchecked after a lost append", []edit{
			{hubCommit, "			if err := s.accept(a); err != nil {\n				s.refused(a, err, fx)\n			}\n", "			a.w.accept(a.mark, a.subject)\n			a.tally.left++\n			s.waiting = append(s.waiting, a)\n"},
		}},
		{"unknown outcome counts as failed", "the authors of an append whose answer was lost are told that it failed", []edit{
			{hubCommit, "	case errors.Is(res.Err, store.ErrUnknown):\n", "	case false:\n"},
		}},
		{"open does not wait", "an open is answered while the writer's ops under way are not decided", []edit{
			{hubOpen, ", open.Open.Unacked > 0 && c.w.inflight > 0:\n", ", false:\n"},
		}},
		{"failure untold after a refusal", "an author that is ignored does not hear that its ops failed", []edit{
			{hubCommit, "sub.w == a.w && sub.ready && !told[sub] {", "sub.w == a.w && sub.ready && !told[sub] && !sub.ignoring {"},
		}},
		{"snapshot without its tail", "who joins late gets a shared state as if it were of the head", []edit{
			{hubOpen, "	msg.State, msg.Base, msg.Entries = s.snap, s.snapAt, wireEntries(entries)\n", "	msg.State, msg.Base = s.snap, s.head.Offset\n"},
		}},
		{"ring off by one", "catching up begins one entry late", []edit{
			{hubRing, "	return r.entries[offset+1-first:], true\n", "	return r.entries[min(offset+2-first, uint64(len(r.entries))):], true\n"},
		}},
		{"dead letter not kept", "a refused op leaves the queue and nothing else", []edit{
			{dead, "		c.emit(SaveDead{Dead: d})\n", "		c.emit(DropOps{Stream: st.name, Through: p.Seq})\n"},
		}},
		{"no rewind after a refusal", "a client does not send again what was dropped behind a refused op", []edit{
			{dead, "	c.buryRange(st, i, i+1, m.Code, m.Msg)\n	st.rewind()\n", "	c.buryRange(st, i, i+1, m.Code, m.Msg)\n"},
		}},
		{"a request counts again", "an HTTP request that is repeated commits its ops again", []edit{
			{hubLocal, "	for i := t.acked; i < uint64(len(post.Ops)); i++ {", "	for i := range uint64(len(post.Ops)) {"},
			{hubLocal, "s.accept(s.own(w, i+1, post.Ops[i]", "s.accept(s.own(w, t.acked+i+1, post.Ops[i]"},
		}},
	}
}
