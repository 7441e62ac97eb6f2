package main

import (
	"strings"
	"testing"

	"github.com/wavesiddhartha/flowsync/bench/load"
)

// Every row of the table compares a load and peers that a full run measures.
func TestRowsAreMeasured(t *testing.T) {
	s, err := findScale("full")
	if err != nil {
		t.Fatal(err)
	}
	planned := make(map[cell]bool)
	for _, c := range s.plan(true) {
		planned[c] = true
		if _, err := s.find(c.load); err != nil && c.load != "stored" {
			t.Error(err)
		}
	}
	for _, r := range rows() {
		for _, c := range []cell{{r.load, r.us}, {r.load, r.peer}} {
			if !planned[c] {
				t.Errorf("the row of %s on %s is never measured", c.load, c.peer)
			}
		}
	}
}

// The table takes medians, judges ratios, and shows what was skipped.
func TestTable(t *testing.T) {
	var results []result
	add := func(peer string, cpus ...float64) {
		for i, x := range cpus {
			results = append(results, result{Load: "fanout-rate", Peer: peer, Round: i, Values: load.Values{"cpu_per_million": x}})
		}
	}
	add("flowsync", 5, 700, 6)
	add("centrifuge", 9, 10, 11)
	add("common", 7, 7, 7)
	results = append(results, result{Load: "fanout-rate", Peer: "centrifuge-json", Skipped: "it is away"})
	got := table(results)
	for _, want := range []string{
		"| 6.00 s per million | centrifuge | 10.0 | 0.60 | ≤ 0.70, aim 0.60 | met |",
		"| 6.00 s per million | common | 7.00 | 0.86 | ≤ 0.80 | MISSED |",
		"SKIP: it is away",
		"1 targets met, 1 missed.",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the table lacks %q:\n%s", want, got)
		}
	}
}

// Figures that no server has are refused.
func TestPlausible(t *testing.T) {
	s, err := findScale("full")
	if err != nil {
		t.Fatal(err)
	}
	c := cell{"fanout-rate", "flowsync"}
	if err := s.plausible(c, load.Values{"cpu_per_million": 6, "of_rate": 1}); err != nil {
		t.Error(err)
	}
	if s.plausible(c, load.Values{"cpu_per_million": 0}) == nil {
		t.Error("deliveries that cost nothing are taken for true")
	}
}
