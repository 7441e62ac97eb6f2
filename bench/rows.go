package main

// row is one comparison: a figure of FlowSync's, over the same figure of a peer.
type row struct {
	what   string
	load   string
	value  string
	unit   string
	us     string
	peer   string
	target target
}

// target bounds a ratio. Zero: there is no target, the row is only looked at.
type target struct {
	most, least float64 // one of them
	aim         string
}

// rows are what the hub is held to, in the order of the table.
func rows() []row {
	most := func(x float64) target { return target{most: x} }
	least := func(x float64) target { return target{least: x} }
	aimed := func(t target, aim string) target { t.aim = aim; return t }
	const (
		us, disk        = "flowsync", "flowsync-sqlite"
		centri, json    = "centrifuge", "centrifuge-json"
		redis, common   = "centrifuge-redis", "common"
		echo, yjs       = "echo", "y-websocket"
		cpu, p99        = "cpu_per_million", "p99_ms"
		perMillion, kib = "s per million", "KiB"
	)
	return []row{
		{"fan-out 1 → 1,000 at 50k/s, CPU", "fanout-rate", cpu, perMillion, us, centri, aimed(most(0.70), "0.60")},
		{"", "fanout-rate", cpu, perMillion, us, json, target{}},
		{"", "fanout-rate", cpu, perMillion, us, common, most(0.80)},
		{"the same, saturated, CPU", "fanout-full", cpu, perMillion, us, centri, aimed(most(0.25), "0.15")},
		{"", "fanout-full", cpu, perMillion, us, json, target{}},
		{"", "fanout-full", cpu, perMillion, us, common, most(0.20)},
		{"500 rooms of 4 at 16k/s, CPU", "rooms-rate", cpu, perMillion, us, centri, most(0.70)},
		{"", "rooms-rate", cpu, perMillion, us, json, target{}},
		{"", "rooms-rate", cpu, perMillion, us, common, most(0.95)},
		{"the same, saturated, CPU", "rooms-full", cpu, perMillion, us, centri, most(0.55)},
		{"", "rooms-full", cpu, perMillion, us, json, target{}},
		{"", "rooms-full", cpu, perMillion, us, common, most(0.85)},
		{"RSS of an idle connection, 2,000", "idle-2000", "rss_kib_per_connection", kib, us, centri, most(0.52)},
		{"", "idle-2000", "rss_kib_per_connection", kib, us, common, most(0.47)},
		{"", "idle-2000", "rss_kib_per_connection", kib, us, yjs, target{}},
		{"RSS of an idle connection, 9,900", "idle-9900", "rss_kib_per_connection", kib, us, centri, most(0.52)},
		{"", "idle-9900", "rss_kib_per_connection", kib, us, common, most(0.47)},
		{"the same after a collection", "idle-9900", "collected_kib_per_connection", kib, us, centri, target{}},
		{"", "idle-9900", "collected_kib_per_connection", kib, us, common, target{}},
		{"acked pushes in memory, 100 streams", "push-100", "acks_per_s", "a second", us, centri, least(1.7)},
		{"", "push-100", "acks_per_s", "a second", us, json, target{}},
		{"", "push-100", "acks_per_s", "a second", us, common, target{}},
		{"", "push-100", "acks_per_s", "a second", us, echo, aimed(least(0.7), "0.8")},
		{"the same, CPU", "push-100", cpu, perMillion, us, centri, most(0.55)},
		{"acked pushes in memory, one stream", "push-1", "acks_per_s", "a second", us, centri, least(1.7)},
		{"", "push-1", "acks_per_s", "a second", us, echo, aimed(least(0.7), "0.8")},
		{"the same, CPU", "push-1", cpu, perMillion, us, centri, most(0.55)},
		{"acked pushes after fsync, 100 streams", "push-100", "acks_per_s", "a second", disk, redis, least(1.0)},
		{"acked pushes after fsync, one stream", "push-1", "acks_per_s", "a second", disk, redis, least(1.5)},
		{"the same, against a store in memory", "push-1", "acks_per_s", "a second", disk, centri, target{aim: "1.0"}},
		{"2,000 clients recover, time", "storm", "storm_s", "s", us, centri, most(0.75)},
		{"", "storm", "storm_s", "s", us, json, target{}},
		{"the same, CPU", "storm", "storm_cpu_s", "s", us, centri, most(0.75)},
		{"the same from SQLite, time", "storm", "storm_s", "s", disk, centri, most(0.75)},
		{"p99 of a delivery, fan-out at 50k/s", "fanout-rate", p99, "ms", us, centri, most(1)},
		{"", "fanout-rate", p99, "ms", us, common, most(1)},
		{"p99 of a delivery, rooms at 16k/s", "rooms-rate", p99, "ms", us, centri, most(1)},
		{"", "rooms-rate", p99, "ms", us, common, most(1)},
		{"text replay, CPU of an edit", "text", "cpu_us_per_edit", "µs", us, yjs, most(0.30)},
		{"late join to that text, time", "text", "join_ms", "ms", us, yjs, most(0.5)},
		{"late join to that text, CPU", "text", "join_cpu_ms", "ms", us, yjs, most(0.15)},
	}
}
