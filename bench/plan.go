package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/wavesiddhartha/flowsync/bench/load"
	"github.com/wavesiddhartha/flowsync/bench/peer"
)

// scale is how long and how large the loads are.
type scale struct {
	name          string
	rounds        int // the table shows medians over them
	warm, measure time.Duration
	idle          []int
	fanout, rooms int
	storm         int
	pushes        []int // on how many streams
	edits, joins  int   // edits 0: all of the session
	subscribers   []int
	streams       []int
	stored        int
	replicas      int
	leastOfRate   float64 // a run that cannot push at its rate measures the machine
	trace         string
}

func findScale(name string) (scale, error) {
	full := scale{name: name, rounds: 3, warm: time.Second, measure: 5 * time.Second,
		idle: []int{2000, 9900}, fanout: 1000, rooms: 500, storm: 2000, pushes: []int{1, 100}, joins: 200,
		subscribers: []int{1, 10, 100, 1000, 5000}, streams: []int{1, 1000, 100_000}, stored: 100_000, replicas: 2000, leastOfRate: 0.95}
	quick := full
	quick.rounds, quick.measure, quick.edits, quick.idle = 1, 2500*time.Millisecond, 60_000, []int{2000}
	sanity := scale{name: name, rounds: 1, warm: 200 * time.Millisecond, measure: 500 * time.Millisecond,
		idle: []int{200}, fanout: 200, rooms: 50, storm: 200, pushes: []int{100}, edits: 2000, joins: 10,
		subscribers: []int{10}, streams: []int{1000}, stored: 1000, replicas: 200, leastOfRate: 0.1}
	switch name {
	case "full":
		return full, nil
	case "quick":
		return quick, nil
	case "sanity":
		return sanity, nil
	}
	return scale{}, fmt.Errorf("there is no scale %q; there are full, quick and sanity", name)
}

// runner is a load.
type runner interface {
	Run(*load.Server) (load.Values, error)
}

// cell is one load on one peer.
type cell struct{ load, peer string }

// The groups of peers that loads are run on.
var (
	relays   = []string{"flowsync", "centrifuge", "centrifuge-json", "common"}
	pushers  = []string{"flowsync", "flowsync-sqlite", "centrifuge", "centrifuge-json", "centrifuge-redis", "common", "echo"}
	storms   = []string{"flowsync", "flowsync-sqlite", "centrifuge", "centrifuge-json"}
	texts    = []string{"flowsync", "y-websocket"}
	idlers   = []string{"flowsync", "centrifuge", "common", "y-websocket"}
	flowsync = []string{"flowsync"}
	onDisk   = []string{"flowsync-sqlite"}
)

// plan lists the cells of a run in their order.
func (s scale) plan(growth bool) []cell {
	var cells []cell
	add := func(peers []string, names ...string) {
		for _, name := range names {
			for _, p := range peers {
				cells = append(cells, cell{name, p})
			}
		}
	}
	for _, n := range s.idle {
		add(idlers, "idle-"+strconv.Itoa(n))
	}
	add(relays, "fanout-rate", "fanout-full", "rooms-rate", "rooms-full")
	for _, n := range s.pushes {
		add(pushers, "push-"+strconv.Itoa(n))
	}
	add(storms, "storm")
	add(texts, "text")
	if growth {
		cells = append(cells, s.growth()...)
	}
	return cells
}

// growth lists the cells that tell how costs grow.
func (s scale) growth() []cell {
	var cells []cell
	for _, n := range s.subscribers {
		cells = append(cells, cell{"subscribers-" + strconv.Itoa(n), flowsync[0]})
	}
	for _, n := range s.streams {
		cells = append(cells, cell{"streams-" + strconv.Itoa(n), flowsync[0]})
	}
	return append(cells, cell{"stored", onDisk[0]}, cell{"replicas", flowsync[0]})
}

// Rates of the loads that are not saturated, in deliveries a second.
const (
	fanoutRate = 50_000
	roomsRate  = 16_000
	growthRate = 20_000
	streamRate = 10_000
)

// find returns a load by its name.
func (s scale) find(name string) (runner, error) {
	kind, size, _ := strings.Cut(name, "-")
	n, _ := strconv.Atoi(size)
	rooms := load.Rooms{Rooms: s.rooms, Members: 4, Warm: s.warm, Measure: s.measure}
	fanout := load.Rooms{Rooms: 1, Members: s.fanout, Apart: true, Warm: s.warm, Measure: s.measure}
	switch {
	case kind == "idle" && n > 0:
		return load.Idle{Connections: n, Settle: 3 * s.warm}, nil
	case name == "fanout-rate":
		fanout.Rate = fanoutRate
		return fanout, nil
	case name == "fanout-full":
		fanout.Window = 512
		return fanout, nil
	case name == "rooms-rate":
		rooms.Rate = roomsRate
		return rooms, nil
	case name == "rooms-full":
		rooms.Window = 16
		return rooms, nil
	case kind == "push" && n > 0:
		return load.Push{Writers: 100, Streams: n, Warm: s.warm, Measure: s.measure}, nil
	case name == "storm":
		return load.Storm{Clients: s.storm, Streams: min(100, s.storm), Missed: 20, Rounds: 3}, nil
	case name == "text":
		return load.Text{Trace: s.trace, Edits: s.edits, Window: 256, Joins: s.joins}, nil
	case kind == "subscribers" && n > 0:
		fanout.Members, fanout.Rate = n, growthRate
		return fanout, nil
	case kind == "streams" && n > 0:
		// Each of up to 100 connections has its share of the streams.
		return load.Rooms{Rooms: n, Members: 1, Shared: max(1, n/100), Rate: streamRate, Warm: s.warm, Measure: 2 * s.measure}, nil
	case name == "replicas":
		return load.Replicas{Streams: s.replicas}, nil
	}
	return nil, fmt.Errorf("there is no load %q", name)
}

// missing says why a peer cannot be measured here, or "".
func missing(name string) string {
	var err error
	switch {
	case name == "y-websocket":
		err = peer.HasYWebsocket("node")
	case name == "centrifuge-redis" && !peer.HasRedis():
		err = peer.ErrNoRedis
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

// mustHave are the peers without which a run fails where CI is set: what they
// need, the checks install.
func mustHave(name string) bool { return os.Getenv("CI") == "true" && name != "centrifuge-redis" }

var errPlausible = errors.New("a figure is not plausible")

// plausible refuses figures that no server has: the run measured something else.
func (s scale) plausible(c cell, v load.Values) error {
	for _, bound := range []struct {
		value       string
		least, most float64
	}{
		{"of_rate", s.leastOfRate, 1.5},
		{"cpu_per_million", 0.02, 2000},
		{"rss_kib_per_connection", 0.5, 500},
		{"cpu_us_per_edit", 0.5, 5000},
		{"storm_s", 0.005, 60},
		{"p50_ms", 0, 5000},
	} {
		if x, ok := v[bound.value]; ok && (x < bound.least || x > bound.most) {
			return fmt.Errorf("%w: %s on %s: %s is %.3g, want %g to %g", errPlausible, c.load, c.peer, bound.value, x, bound.least, bound.most)
		}
	}
	return nil
}
