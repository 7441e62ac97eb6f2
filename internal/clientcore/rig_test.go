package clientcore

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/wavesiddhartha/flowsync/crdt"
	"github.com/wavesiddhartha/flowsync/wire"
)

// rig drives one client by hand: it plays the shell and the hub, keeps what is
// saved, and records everything as a trace.
type rig struct {
	t       *testing.T
	c       *Client
	cfg     Config
	now     Instant
	saved   Saved
	last    Effects
	decoder wire.Decoder
	trace   trace
}

// trace is one recorded run, as TypeScript replays it.
type trace struct {
	Name   string         `json:"name"`
	Config map[string]any `json:"config"`
	Random []uint32       `json:"random"` // what Config.Random gave, in order
	Steps  []step         `json:"steps"`
}

type step struct {
	Now     Instant         `json:"now"`
	Event   json.RawMessage `json:"event"`
	Effects []any           `json:"effects"`
	Error   wire.Code       `json:"error,omitempty"`
	Views   map[string]any  `json:"views,omitempty"`
}

const self = "dev-1"

func newRig(t *testing.T, name string, cfg Config) *rig {
	r := &rig{t: t, cfg: cfg, now: 1000}
	r.cfg.Client = self
	rng := rand.New(rand.NewPCG(1, 2))
	r.cfg.Random = func() uint32 {
		v := rng.Uint32()
		r.trace.Random = append(r.trace.Random, v)
		return v
	}
	r.trace.Name, r.trace.Random = name, []uint32{}
	r.trace.Config = map[string]any{"client": self}
	if cfg.Keep {
		r.trace.Config["keep"] = true
	}
	if cfg.TokenInHello {
		r.trace.Config["tokenInHello"] = true
	}
	if cfg.QueueOps > 0 {
		r.trace.Config["queueOps"] = cfg.QueueOps
	}
	r.c = New(r.cfg)
	return r
}

// restart throws the client away and restores it from what was saved.
func (r *rig) restart() {
	r.c = Restore(r.cfg, r.saved)
	r.trace.Steps = append(r.trace.Steps, step{Now: r.now, Event: json.RawMessage(`{"do":"restart"}`), Effects: []any{}})
}

// step feeds one event and carries out what is durable.
func (r *rig) step(ev Event) error {
	r.t.Helper()
	return r.steps(ev, nil)
}

func (r *rig) steps(ev Event, line []byte) error {
	r.t.Helper()
	r.last = nil
	err := r.c.Step(r.now, ev, &r.last)
	rec := step{Now: r.now, Event: eventJSON(ev, line), Effects: []any{}}
	for _, e := range r.last {
		r.saved.Do(e)
		rec.Effects = append(rec.Effects, effectJSON(e))
		if ch, ok := e.(Changed); ok {
			if v, ok := r.c.AppendView(nil, ch.Stream); ok {
				if rec.Views == nil {
					rec.Views = map[string]any{}
				}
				rec.Views[ch.Stream] = json.RawMessage(v)
			}
		}
	}
	if err != nil {
		rec.Error = err.(*wire.Error).Code
	}
	r.trace.Steps = append(r.trace.Steps, rec)
	return err
}

// do feeds events that must be accepted.
func (r *rig) do(evs ...Event) *rig {
	r.t.Helper()
	for _, ev := range evs {
		if err := r.step(ev); err != nil {
			r.t.Fatalf("%T refused: %v", ev, err)
		}
	}
	return r
}

// hub feeds one message of the hub.
func (r *rig) hub(format string, args ...any) *rig {
	r.t.Helper()
	line := fmt.Appendf(nil, format, args...)
	line, err := wire.Canonical(nil, line)
	if err != nil {
		r.t.Fatalf("script: %v in %s", err, line)
	}
	m, err := r.decoder.Hub(line)
	if err != nil {
		r.t.Fatalf("script: %v in %s", err, line)
	}
	if err := r.steps(Received{Link: r.c.link.id, Msg: m}, line); err != nil {
		r.t.Fatal(err)
	}
	return r
}

// flush steps Flush and returns what it sends.
func (r *rig) flush(want ...string) *rig {
	r.t.Helper()
	r.do(Flush{})
	return r.sends(want...)
}

// sends requires that the last step sent exactly these messages.
func (r *rig) sends(want ...string) *rig {
	r.t.Helper()
	var got []string
	for _, e := range r.last {
		if s, ok := e.(Send); ok {
			got = append(got, string(s.Msg.Append(nil)))
		}
	}
	for i := range want {
		b, err := wire.Canonical(nil, []byte(want[i]))
		if err != nil {
			r.t.Fatalf("script: %v in %s", err, want[i])
		}
		want[i] = string(b)
	}
	if !slices.Equal(got, want) {
		r.t.Fatalf("sent\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
	return r
}

// did requires that the last step had exactly these effects, without sends.
func (r *rig) did(want ...string) *rig {
	r.t.Helper()
	var got []string
	for _, e := range r.last {
		if s := effectText(e); s != "" {
			got = append(got, s)
		}
	}
	if !slices.Equal(got, want) {
		r.t.Fatalf("did\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
	return r
}

// shows requires a view.
func (r *rig) shows(stream, want string) *rig {
	r.t.Helper()
	got, ok := r.c.AppendView(nil, stream)
	if !ok {
		got = []byte("nothing")
	}
	if string(got) != want {
		r.t.Fatalf("%s shows %s, want %s", stream, got, want)
	}
	return r
}

func (r *rig) status(want StatusName) *rig {
	r.t.Helper()
	if got := r.c.Status().Name; got != want {
		r.t.Fatalf("status %s, want %s", got, want)
	}
	return r
}

func (r *rig) after(d Instant) *rig {
	r.now += d
	return r.do(Tick{})
}

// online connects; the welcome allows writing.
func (r *rig) online() *rig {
	r.t.Helper()
	r.do(Connect{}, TokenReady{})
	return r.dialed()
}

func (r *rig) dialed() *rig {
	r.t.Helper()
	r.do(Connected{Link: r.c.link.id})
	return r.hub(welcome)
}

const welcome = `{"t":"welcome","v":1,"session":7,"hub":"h1","durability":"disk","writable":true,
	"limits":{"message_bytes":10485760,"batch_ops":1000,"inflight_ops":1024,"streams":256}}`

// inc is the stream's incarnation, for messages of the script.
func (r *rig) inc(stream string) string { return r.c.streams[stream].inc }

// hash is the writer hash of a pending or acked op.
func (r *rig) hash(stream string, seq uint64) string {
	r.t.Helper()
	st := r.c.streams[stream]
	if seq == st.acked {
		return wire.FormatHash(st.hash)
	}
	i := st.find(seq)
	if i < 0 {
		r.t.Fatalf("no op %d is pending", seq)
	}
	return wire.FormatHash(st.pending[i].hash)
}

// cursor makes a cursor of a small epoch number.
func cursor(epoch int, offset uint64) string {
	return fmt.Sprintf("%016x.%d.%08x.%016x", epoch, offset, offset, offset)
}

// counted is the state of a counter that one other client incremented.
func counted(n int) string {
	if n == 0 {
		return string(mustState("crdt-counter"))
	}
	state := crdt.Counter.New()
	state.Apply(crdt.Op{Offset: 1, Writer: crdt.Writer{Client: "other", Inc: otherInc}, Seq: 1, Body: inc(n)})
	return string(state.AppendState(nil))
}

func mustState(rule string) []byte {
	return (&Client{}).lookup(rule).New().AppendState(nil)
}

// firstOpen is the first stream that the last hello opened.
func firstOpen(r *rig) wire.Open {
	r.t.Helper()
	for _, e := range r.last {
		if s, ok := e.(Send); ok {
			return s.Msg.(*wire.Hello).Streams[0]
		}
	}
	r.t.Fatal("no hello")
	return wire.Open{}
}
