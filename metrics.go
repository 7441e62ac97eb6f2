package flowsync

import (
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/wavesiddhartha/flowsync/wire"
)

// Registerer is where metrics are registered: a *prometheus.Registry, or
// prometheus.DefaultRegisterer.
type Registerer = prometheus.Registerer

// metrics are what a hub counts. Hubs that share a registerer share one metrics:
// their counts add up. What can be looked up is not counted but looked up when
// somebody asks (see stock).
//
// Label values are closed lists (metrics_label.go) whose series all exist from
// the start. Counters are resolved once, so that counting is one atomic addition.
type metrics struct {
	gather prometheus.Gatherer // nil: the registerer cannot be asked
	owned  []prometheus.Collector

	connections prometheus.Gauge
	handshakes  map[string]prometheus.Counter
	greeting    prometheus.Histogram
	disconnects map[string]prometheus.Counter
	lifetime    prometheus.Histogram
	rtt         prometheus.Histogram

	received      [len(clientTypes)]prometheus.Counter
	sent          [len(hubTypes)]prometheus.Counter
	receivedBytes prometheus.Counter
	sentBytes     prometheus.Counter

	rules      [len(ruleLabels)]ruleMetrics
	delivery   prometheus.Histogram
	deliveries prometheus.Counter

	lagged  prometheus.Counter
	closed  prometheus.Counter
	dropped prometheus.Counter

	resyncs   map[wire.Outcome]prometheus.Counter
	resyncOps prometheus.Histogram

	denials map[[2]string]prometheus.Counter
	limited map[string]prometheus.Counter
	paused  prometheus.Counter

	storage map[storeOp]storeMetrics

	queueSum, queueMax             *prometheus.Desc
	streams, stateBytes, logLength *prometheus.Desc

	mu   sync.Mutex // guards hubs
	hubs []*Hub
}

// ruleMetrics are what is counted by rule.
type ruleMetrics struct {
	applied, duplicate, rejected prometheus.Counter
	apply                        prometheus.Observer
	compacted, compactFailed     prometheus.Counter
	compaction                   prometheus.Observer
}

// storeOp names a kind of call to the store.
type storeOp string

// Kinds of calls to the store.
const (
	storeLoad     storeOp = "load" // and reads of the log
	storeAppend   storeOp = "append"
	storeSnapshot storeOp = "snapshot" // and trims
)

// storeMetrics are what is measured of one kind of call.
type storeMetrics struct {
	duration prometheus.Observer
	errors   prometheus.Counter
}

// rateScopes are the limits that rate_limited names.
var rateScopes = [...]string{"global", "subject", "stream", "bytes", "writers", "address"}

// newMetrics makes what a hub counts, on reg; nil: on a registry of its own,
// which has the metrics of Go and of the process, too.
func newMetrics(h *Hub, reg Registerer) (*metrics, error) {
	if reg == nil {
		own := prometheus.NewRegistry()
		own.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
		reg = own
	}
	m := makeMetrics()
	var twice prometheus.AlreadyRegisteredError
	switch err := reg.Register(m); {
	case errors.As(err, &twice):
		first, ok := twice.ExistingCollector.(*metrics)
		if !ok {
			return nil, fmt.Errorf("flowsync: Options.Registerer has metrics of these names that are not a hub's: %w", err)
		}
		m = first
	case err != nil:
		return nil, fmt.Errorf("flowsync: the metrics could not be registered on Options.Registerer: %w", err)
	default:
		m.gather, _ = reg.(prometheus.Gatherer)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.hubs = append(m.hubs, h)
	return m, nil
}

// leave takes a hub that has shut down out of what is looked up.
func (m *metrics) leave(h *Hub) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.hubs = slices.DeleteFunc(m.hubs, func(o *Hub) bool { return o == h })
}

// Metrics serves the metrics of the registerer that the hub was given, or of the
// hub's own, in the formats that Prometheus reads. It asks nobody for a token:
// mount it where only those come who may see it.
func (h *Hub) Metrics() http.Handler {
	if h.metrics.gather == nil {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "Options.Registerer cannot be gathered from: serve its metrics where it was made", http.StatusNotImplemented)
		})
	}
	return promhttp.HandlerFor(h.metrics.gather, promhttp.HandlerOpts{})
}

// Describe is for the registerer.
func (m *metrics) Describe(to chan<- *prometheus.Desc) {
	for _, c := range m.owned {
		c.Describe(to)
	}
	for _, d := range []*prometheus.Desc{m.queueSum, m.queueMax, m.streams, m.stateBytes, m.logLength} {
		to <- d
	}
}

// Collect is for the registerer.
func (m *metrics) Collect(to chan<- prometheus.Metric) {
	for _, c := range m.owned {
		c.Collect(to)
	}
	m.mu.Lock()
	hubs := slices.Clone(m.hubs)
	m.mu.Unlock()
	var all stock
	for _, h := range hubs {
		h.count(&all)
	}
	gauge := func(d *prometheus.Desc, v int64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(v), labels...)
	}
	gauge(m.queueSum, all.queued)
	gauge(m.queueMax, all.queuedMax)
	for i, rule := range ruleLabels {
		gauge(m.streams, all.rules[i].streams, rule)
		gauge(m.stateBytes, all.rules[i].stateBytes, rule)
		gauge(m.logLength, all.rules[i].logOps, rule)
	}
}

// makeMetrics makes all series, at 0.
func makeMetrics() *metrics {
	m := &metrics{}
	m.build()
	m.connections = own(m, prometheus.NewGauge(prometheus.GaugeOpts{Name: "flowsync_connections", Help: "Open WebSocket connections."}))
	m.handshakes = m.counters("flowsync_handshakes_total", "WebSocket connections begun, by how the handshake ended.", "result", handshakeResults[:]...)
	m.greeting = m.histogram("flowsync_handshake_duration_seconds", "From the upgrade request to the answer to hello.", 0.001, 0.005, 0.02, 0.1, 0.5, 1, 5)
	m.disconnects = m.counters("flowsync_disconnects_total", "Connections ended, by reason.", "reason", disconnectReasons[:]...)
	m.lifetime = m.histogram("flowsync_connection_duration_seconds", "How long connections lasted.", 1, 10, 60, 600, 3600, 6*3600, 24*3600)

	m.rtt = m.histogram("flowsync_client_rtt_seconds", "Round trip to clients over TCP, or to the proxy before them, taken whenever one pings. Linux only.", 0.0005, 0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 2)

	received := m.counters("flowsync_frames_received_total", "Messages from clients, by type.", "type", clientTypes[:]...)
	for i, t := range clientTypes {
		m.received[i] = received[t]
	}
	sent := m.counters("flowsync_frames_sent_total", "Messages to clients, by type; several may share one WebSocket frame.", "type", hubTypes[:]...)
	for i, t := range hubTypes {
		m.sent[i] = sent[t]
	}
	m.receivedBytes = m.counter("flowsync_received_bytes_total", "Bytes of messages from clients.")
	m.sentBytes = m.counter("flowsync_sent_bytes_total", "Bytes of messages to clients, as handed to their sockets.")

	m.rule()
	m.delivery = m.histogram("flowsync_delivery_latency_seconds", "From reading a push to having written it to the last subscriber's socket or queue, once per round of sending.", 0.0002, 0.001, 0.005, 0.02, 0.05, 0.1, 0.25, 1)
	m.deliveries = m.counter("flowsync_deliveries_total", "Committed operations handed to subscribers' sockets, once for each subscriber.")

	slow := m.counters("flowsync_slow_consumers_total", "Clients that did not take what was sent: a stream held back until they could (coalesced), or the connection closed.", "action", "coalesced", "closed")
	m.lagged, m.closed = slow["coalesced"], slow["closed"]
	m.dropped = m.counters("flowsync_dropped_messages_total", "Presence and events that a held-back client did not get. Operations are never dropped.", "reason", "lagging")["lagging"]

	resyncs := m.counters("flowsync_resyncs_total", "Streams brought up to date for a client that opened them, by means.", "kind", "delta", "snapshot")
	m.resyncs = map[wire.Outcome]prometheus.Counter{wire.Delta: resyncs["delta"], wire.Snapshot: resyncs["snapshot"]}
	m.resyncOps = m.histogram("flowsync_resync_operations", "Operations sent to a client that opened a stream with a cursor.", 0, 10, 100, 1000, 10_000)

	denials := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "flowsync_denials_total", Help: "Requests that were denied, by kind and by what was asked."}, []string{"kind", "action"})
	own(m, denials)
	m.denials = map[[2]string]prometheus.Counter{}
	for _, kind := range denialKinds {
		for _, action := range denialActions {
			m.denials[[2]string{kind, action}] = denials.WithLabelValues(kind, action)
		}
	}
	m.limited = m.counters("flowsync_rate_limited_total", "Requests over a rate limit, by the limit's scope.", "scope", rateScopes[:]...)
	m.paused = m.counter("flowsync_paused_reads_total", "How often a connection was not read for a while because more came of its subject than it may send.")

	m.store()
	m.queueSum = prometheus.NewDesc("flowsync_send_queue_messages", "Messages that wait for slow clients, over all connections.", nil, nil)
	m.queueMax = prometheus.NewDesc("flowsync_send_queue_max_messages", "Messages that wait for the slowest client.", nil, nil)
	m.streams = prometheus.NewDesc("flowsync_streams", "Streams in memory, by rule.", []string{"rule"}, nil)
	m.stateBytes = prometheus.NewDesc("flowsync_stream_state_bytes", "Size of the states of streams in memory, encoded, by rule.", []string{"rule"}, nil)
	m.logLength = prometheus.NewDesc("flowsync_stream_log_operations", "Operations in the logs of streams in memory, by rule.", []string{"rule"}, nil)
	return m
}

// rule makes what is counted by rule.
func (m *metrics) rule() {
	ops := own(m, prometheus.NewCounterVec(prometheus.CounterOpts{Name: "flowsync_operations_total", Help: "Operations, by rule: applied once committed, answered as duplicates, or rejected."}, []string{"rule", "result"}))
	apply := own(m, prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "flowsync_operation_apply_duration_seconds", Help: "Time to apply a committed operation and prepare its delivery, the mean of one commit, by rule.", Buckets: []float64{5e-6, 2e-5, 1e-4, 5e-4, 2e-3, 1e-2, 0.1}}, []string{"rule"}))
	compactions := own(m, prometheus.NewCounterVec(prometheus.CounterOpts{Name: "flowsync_compactions_total", Help: "Snapshots stored so that logs can be trimmed, by rule."}, []string{"rule", "result"}))
	compaction := own(m, prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "flowsync_compaction_duration_seconds", Help: "Time to store a snapshot, by rule.", Buckets: []float64{0.001, 0.01, 0.1, 1}}, []string{"rule"}))
	for i, r := range ruleLabels {
		m.rules[i] = ruleMetrics{
			applied: ops.WithLabelValues(r, "applied"), duplicate: ops.WithLabelValues(r, "duplicate"), rejected: ops.WithLabelValues(r, "rejected"),
			apply:     apply.WithLabelValues(r),
			compacted: compactions.WithLabelValues(r, "ok"), compactFailed: compactions.WithLabelValues(r, "error"),
			compaction: compaction.WithLabelValues(r),
		}
	}
}

// store makes what is measured of the store.
func (m *metrics) store() {
	duration := own(m, prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "flowsync_storage_duration_seconds", Help: "Calls to the store, by kind.", Buckets: []float64{0.0001, 0.001, 0.005, 0.02, 0.1, 0.5, 2}}, []string{"op"}))
	failed := own(m, prometheus.NewCounterVec(prometheus.CounterOpts{Name: "flowsync_storage_errors_total", Help: "Calls to the store that failed, by kind."}, []string{"op"}))
	m.storage = map[storeOp]storeMetrics{}
	for _, op := range []storeOp{storeLoad, storeAppend, storeSnapshot} {
		m.storage[op] = storeMetrics{duration.WithLabelValues(string(op)), failed.WithLabelValues(string(op))}
	}
}

// build tells what is running.
func (m *metrics) build() {
	version, revision := "devel", "unknown"
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, mod := range append(info.Deps, &info.Main) {
			if mod.Path == "github.com/wavesiddhartha/flowsync" && strings.HasPrefix(mod.Version, "v") {
				version = mod.Version
			}
		}
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				revision = s.Value
			}
		}
	}
	own(m, prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "flowsync_build_info", Help: "Always 1; the labels say what is running."}, []string{"version", "revision", "goversion"})).
		WithLabelValues(version, revision, runtime.Version()).Set(1)
}

// own adds a collector to those that m collects.
func own[C prometheus.Collector](m *metrics, c C) C {
	m.owned = append(m.owned, c)
	return c
}

func (m *metrics) counter(name, help string) prometheus.Counter {
	return own(m, prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help}))
}

// counters makes a counter for each value of one label.
func (m *metrics) counters(name, help, label string, values ...string) map[string]prometheus.Counter {
	vec := own(m, prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, []string{label}))
	all := make(map[string]prometheus.Counter, len(values))
	for _, v := range values {
		all[v] = vec.WithLabelValues(v)
	}
	return all
}

func (m *metrics) histogram(name, help string, buckets ...float64) prometheus.Histogram {
	return own(m, prometheus.NewHistogram(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}))
}

// count counts what became of ops.
func (r *ruleMetrics) count(applied, duplicates, rejected int) {
	if applied > 0 {
		r.applied.Add(float64(applied))
	}
	if duplicates > 0 {
		r.duplicate.Add(float64(duplicates))
	}
	if rejected > 0 {
		r.rejected.Add(float64(rejected))
	}
}

// compactionDone counts the storing of a snapshot that began at since.
func (r *ruleMetrics) compactionDone(since time.Time, err error) {
	r.compaction.Observe(time.Since(since).Seconds())
	if err != nil {
		r.compactFailed.Inc()
		return
	}
	r.compacted.Inc()
}

// called measures a call to the store that began at since.
func (m *metrics) called(op storeOp, since time.Time, err error) {
	s := m.storage[op]
	s.duration.Observe(time.Since(since).Seconds())
	if err != nil {
		s.errors.Inc()
	}
}

// refused counts a connection that was refused for code.
func (m *metrics) refused(code wire.Code, scope string) {
	m.handshakes[handshakeResult(code)].Inc()
	m.deny(code, scope, "connect")
}

// told counts one message that was handed to n sockets. Errors and refusals that
// come from streams are about writing; what a session itself refuses is counted
// by what was asked.
func (m *metrics) told(msg wire.HubMessage, n int) {
	m.sent[hubType(msg)].Add(float64(n))
	switch msg := msg.(type) {
	case *wire.Ops:
		m.deliveries.Add(float64(n * len(msg.Entries)))
	case *wire.Error:
		m.deny(msg.Code, msg.Scope, "write")
	case *wire.Reject:
		m.deny(msg.Code, "", "write")
	case *wire.Synced:
		m.synced(msg)
	}
}

// withheld counts a message that n held-back sessions did not get. What ops say
// they get when they catch up.
func (m *metrics) withheld(msg wire.HubMessage, n int) {
	switch msg.(type) {
	case *wire.Presence, *wire.Event:
		m.dropped.Add(float64(n))
	}
}

// synced counts how a stream was opened.
func (m *metrics) synced(msg *wire.Synced) {
	switch msg.Outcome {
	case wire.Denied:
		m.deny(wire.AccessDenied, "", "subscribe")
	case wire.Snapshot:
		m.resyncs[msg.Outcome].Inc()
	case wire.Delta:
		m.resyncs[msg.Outcome].Inc()
		m.resyncOps.Observe(float64(len(msg.Entries)))
	case wire.Resumed:
		m.resyncOps.Observe(0)
	}
}

// left counts a connection that ended.
func (m *metrics) left(reason string, after time.Duration) {
	m.connections.Dec()
	m.disconnects[reason].Inc()
	m.lifetime.Observe(after.Seconds())
	if reason == "slow_consumer" {
		m.closed.Inc()
	}
}

// deny counts a denial, if code is one.
func (m *metrics) deny(code wire.Code, scope, action string) {
	if kind := denialOf(code); kind != "" {
		m.denials[[2]string{kind, action}].Inc()
	}
	if c := m.limited[scope]; c != nil && code == wire.RateLimited {
		c.Inc()
	}
}
