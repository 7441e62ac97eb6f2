package flowsync

// stock is what is looked up in a hub when somebody asks: sums over its
// sessions and the streams that it has in memory.
type stock struct {
	queued    int64 // messages that wait for slow clients
	queuedMax int64 // for the slowest of them
	rules     [len(ruleLabels)]struct{ streams, stateBytes, logOps int64 }
}

// count adds the hub's own to c. It holds no lock for longer than one session
// or stream takes.
func (h *Hub) count(c *stock) {
	for _, s := range h.sessions.all() {
		n, _ := s.sock.Queued()
		c.queued += int64(n)
		c.queuedMax = max(c.queuedMax, int64(n))
	}
	for i := range h.streams.shards {
		for _, st := range h.streams.inShard(i) {
			of := &c.rules[st.rule]
			st.mu.Lock()
			state, log := st.core.StateBytes(), st.core.LogOps()
			st.mu.Unlock()
			of.streams++
			of.stateBytes += int64(state)
			of.logOps += int64(log)
		}
	}
}
