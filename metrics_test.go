package flowsync

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	dto "github.com/prometheus/client_model/go"

	"github.com/wavesiddhartha/flowsync/acl"
	"github.com/wavesiddhartha/flowsync/auth"
	"github.com/wavesiddhartha/flowsync/wire"
)

// gathered are the series of a gatherer by name and labels, such as
// `flowsync_streams{rule="lww"}`; a histogram is its count.
func gathered(t testing.TB, from prometheus.Gatherer) map[string]float64 {
	t.Helper()
	families, err := from.Gather()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]float64{}
	for _, f := range families {
		for _, m := range f.Metric {
			all[f.GetName()+labelsOf(m)] = valueOf(m)
		}
	}
	return all
}

func labelsOf(m *dto.Metric) string {
	var pairs []string
	for _, l := range m.Label {
		pairs = append(pairs, fmt.Sprintf("%s=%q", l.GetName(), l.GetValue()))
	}
	if len(pairs) == 0 {
		return ""
	}
	return "{" + strings.Join(pairs, ",") + "}"
}

func valueOf(m *dto.Metric) float64 {
	switch {
	case m.Counter != nil:
		return m.Counter.GetValue()
	case m.Gauge != nil:
		return m.Gauge.GetValue()
	case m.Histogram != nil:
		return float64(m.Histogram.GetSampleCount())
	}
	return 0
}

// wantMetrics waits until the series have these values: what happens after an
// answer has left is counted a moment later.
func wantMetrics(t testing.TB, from prometheus.Gatherer, want map[string]float64) {
	t.Helper()
	var wrong []string
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		got := gathered(t, from)
		wrong = nil
		for series, v := range want {
			if have, ok := got[series]; !ok || have != v {
				wrong = append(wrong, fmt.Sprintf("%s is %v (there: %v), want %v", series, have, ok, v))
			}
		}
		if len(wrong) == 0 {
			return
		}
	}
	slices.Sort(wrong)
	t.Error(strings.Join(wrong, "\n"))
}

func TestMetricsCount(t *testing.T) {
	reg := prometheus.NewRegistry()
	hs := serveHub(t, Options{Auth: Anonymous, Registerer: reg})
	hs.Stream("counter:a", Counter)
	hs.Stream("set:a", Set)
	a, _ := hs.join("a", rw("counter:a"), rw("set:a"))
	b, _ := hs.join("b", r("counter:a"))
	a.push("counter:a", 1, `{"op":"increment"}`, `{"op":"increment"}`)
	if ack := await[*wire.Ack](a); ack.Seq != 2 {
		t.Fatalf("ack %d", ack.Seq)
	}
	await[*wire.Ops](b)
	a.push("counter:a", 1, `{"op":"increment"}`) // again
	await[*wire.Ack](a)
	a.push("counter:a", 3, `{"op":"increment","amount":0}`)
	await[*wire.Reject](a)
	a.say(&wire.Ping{N: 1})
	await[*wire.Pong](a)
	a.Text("nonsense")
	await[*wire.Error](a)
	wantMetrics(t, reg, map[string]float64{
		"flowsync_connections":                                              2,
		`flowsync_handshakes_total{result="ok"}`:                            2,
		"flowsync_handshake_duration_seconds":                               2,
		`flowsync_frames_received_total{type="hello"}`:                      2,
		`flowsync_frames_received_total{type="push"}`:                       3,
		`flowsync_frames_received_total{type="bad"}`:                        1,
		`flowsync_frames_sent_total{type="welcome"}`:                        2,
		`flowsync_frames_sent_total{type="synced"}`:                         3,
		`flowsync_frames_sent_total{type="ops"}`:                            2,
		`flowsync_frames_sent_total{type="ack"}`:                            2,
		`flowsync_frames_sent_total{type="reject"}`:                         1,
		`flowsync_operations_total{result="applied",rule="crdt-counter"}`:   2,
		`flowsync_operations_total{result="duplicate",rule="crdt-counter"}`: 1,
		`flowsync_operations_total{result="rejected",rule="crdt-counter"}`:  1,
		`flowsync_operations_total{result="applied",rule="crdt-set"}`:       0,
		"flowsync_deliveries_total":                                         4,
		`flowsync_resyncs_total{kind="snapshot"}`:                           3,
		`flowsync_streams{rule="crdt-counter"}`:                             1,
		`flowsync_stream_log_operations{rule="crdt-counter"}`:               2,
		`flowsync_storage_duration_seconds{op="append"}`:                    1,
		`flowsync_operation_apply_duration_seconds{rule="crdt-counter"}`:    1,
		"flowsync_delivery_latency_seconds":                                 1,
		"flowsync_send_queue_messages":                                      0,
		"flowsync_client_rtt_seconds":                                       rttKnown,
	})
	if got := gathered(t, reg); got["flowsync_received_bytes_total"] < 100 || got["flowsync_sent_bytes_total"] < 100 {
		t.Errorf("bytes: %v received, %v sent", got["flowsync_received_bytes_total"], got["flowsync_sent_bytes_total"])
	}
	b.Conn.Conn.Close()
	wantMetrics(t, reg, map[string]float64{
		"flowsync_connections":                      1,
		"flowsync_connection_duration_seconds":      1,
		`flowsync_disconnects_total{reason="lost"}`: 1,
	})
}

// What is denied is counted by kind, and by what was asked.
func TestMetricsDenials(t *testing.T) {
	reg := prometheus.NewRegistry()
	hs := serveHub(t, Options{Registerer: reg})
	if got := hs.call(http.MethodGet, "/streams/counter:a", "").StatusCode; got != http.StatusUnauthorized {
		t.Fatalf("status %d", got)
	}
	wantMetrics(t, reg, map[string]float64{`flowsync_denials_total{action="read",kind="auth"}`: 1})
}

// The dashboards and alerts of operators rely on names, units and types that
// follow Prometheus' conventions, on few series, and on labels that tell nothing
// about people.
func TestMetricsConventions(t *testing.T) {
	reg := prometheus.NewRegistry()
	hub, _ := newHub(t, Options{Auth: Anonymous, Registerer: reg})
	hub.Stream("counter:*", Counter)
	for i := range 10_000 {
		if err := hub.Push(t.Context(), fmt.Sprintf("counter:%d", i), map[string]any{"op": "increment"}); err != nil {
			t.Fatal(err)
		}
	}
	wantMetrics(t, reg, map[string]float64{`flowsync_streams{rule="crdt-counter"}`: 10_000, `flowsync_stream_log_operations{rule="crdt-counter"}`: 10_000})
	problems, err := testutil.GatherAndLint(reg)
	if err != nil || len(problems) > 0 {
		t.Errorf("lint: %v %v", problems, err)
	}
	shut(t, hub)

	alone, _ := newHub(t, Options{Auth: Anonymous})
	defer shut(t, alone)
	families, err := alone.metrics.gather.Gather()
	if err != nil {
		t.Fatal(err)
	}
	allowed := []string{"action", "goversion", "kind", "op", "reason", "result", "revision", "rule", "scope", "type", "version"}
	series := 0
	for _, f := range families {
		for _, m := range f.Metric {
			series += seriesOf(m)
			for _, l := range m.Label {
				if strings.HasPrefix(f.GetName(), "flowsync_") && !slices.Contains(allowed, l.GetName()) {
					t.Errorf("%s has the label %s", f.GetName(), l.GetName())
				}
			}
		}
	}
	if series > 600 {
		t.Errorf("%d series, Go's and the process' included; at most 600", series)
	}
	t.Logf("%d series", series)
}

// seriesOf is how many series a metric is stored as.
func seriesOf(m *dto.Metric) int {
	if h := m.Histogram; h != nil {
		return len(h.Bucket) + 3 // +Inf, sum, count
	}
	if s := m.Summary; s != nil {
		return len(s.Quantile) + 2
	}
	return 1
}

// Two hubs in one process may share a registerer: counts add up, and a hub that
// is gone is in no sum.
func TestMetricsOfTwoHubs(t *testing.T) {
	reg := prometheus.NewRegistry()
	one, _ := newHub(t, Options{Auth: Anonymous, Registerer: reg})
	two, _ := newHub(t, Options{Auth: Anonymous, Registerer: reg})
	for _, hub := range []*Hub{one, two} {
		hub.Stream("counter:a", Counter)
		if err := hub.Push(t.Context(), "counter:a", map[string]any{"op": "increment"}); err != nil {
			t.Fatal(err)
		}
	}
	const applied, streams = `flowsync_operations_total{result="applied",rule="crdt-counter"}`, `flowsync_streams{rule="crdt-counter"}`
	wantMetrics(t, reg, map[string]float64{applied: 2, streams: 2})
	shut(t, one)
	wantMetrics(t, reg, map[string]float64{applied: 2, streams: 1})
	shut(t, two)
	if _, err := New(Options{Registerer: foreign(t)}); err == nil {
		t.Error("a hub was made on a registerer that holds a metric of the same name")
	}
}

// foreign is a registry that has a metric of ours already.
func foreign(t *testing.T) *prometheus.Registry {
	t.Helper()
	reg := prometheus.NewRegistry()
	reg.MustRegister(prometheus.NewCounter(prometheus.CounterOpts{Name: "flowsync_connections", Help: "Not ours."}))
	return reg
}

func shut(t *testing.T, hub *Hub) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := hub.Shutdown(ctx); err != nil {
		t.Errorf("shutdown: %v", err)
	}
}

// docs/metrics.md lists what a hub exports, no more and no less.
func TestMetricsAreDocumented(t *testing.T) {
	reg := prometheus.NewRegistry()
	hub, _ := newHub(t, Options{Auth: Anonymous, Registerer: reg})
	defer shut(t, hub)
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]bool{}
	for _, m := range regexp.MustCompile("(?m)^\\| `(flowsync_[a-z_]+)` \\| ([a-z]+) \\|").FindAllStringSubmatch(string(page), -1) {
		rows[m[1]+" "+m[2]] = true
	}
	for _, f := range families {
		row := f.GetName() + " " + strings.ToLower(f.GetType().String())
		if !rows[row] {
			t.Errorf("docs/metrics.md has no row for %s", row)
		}
		delete(rows, row)
	}
	for row := range rows {
		t.Errorf("docs/metrics.md has a row for %s, which no hub exports", row)
	}
}

func TestMetricsPage(t *testing.T) {
	hub, _ := newHub(t, Options{Auth: Anonymous})
	defer shut(t, hub)
	w := httptest.NewRecorder()
	hub.Metrics().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	page, _ := io.ReadAll(w.Body)
	for _, line := range []string{"flowsync_connections 0", "go_goroutines ", "process_open_fds ", `flowsync_build_info{goversion="go1.`} {
		if w.Code != http.StatusOK || !strings.Contains(string(page), line) {
			t.Errorf("status %d; the page has no line that begins with %q", w.Code, line)
		}
	}
}

// rttKnown is how often the round trip to one client was taken after one ping.
var rttKnown = map[bool]float64{true: 1}[runtime.GOOS == "linux"]

// The hub's own route to its metrics asks for a right that a scraper can have
// alone.
func TestMetricsRoute(t *testing.T) {
	tokens := map[string]string{"scraper": "admin:flowsync:metrics", "reader": "read:*"}
	hs := serveHub(t, Options{Auth: auth.Func(func(_ context.Context, token string, _ *http.Request) (*Grant, error) {
		rule, ok := tokens[token]
		if !ok {
			return nil, auth.ErrInvalid
		}
		rights, err := acl.Parse(rule)
		return &Grant{Subject: token, Rights: rights}, err
	})})
	for token, want := range map[string]int{"scraper": 200, "reader": 403, "nobody": 401, "": 401} {
		var header []string
		if token != "" {
			header = []string{"Authorization", "Bearer " + token}
		}
		resp := hs.call("GET", "/metrics", "", header...)
		if resp.StatusCode != want || strings.Contains(bodyOf(t, resp), "flowsync_connections") != (want == 200) {
			t.Errorf("%q: status %d, want %d", token, resp.StatusCode, want)
		}
	}
}
