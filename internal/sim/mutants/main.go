// Command mutants shows that the simulator finds faults. It plants each fault of
// a table in a copy of the source, never in the tree itself, and plays histories
// until one fails.
//
//	go run ./internal/sim/mutants              search, up to 10,000 histories each
//	go run ./internal/sim/mutants -recorded    play the one history that found each
//
// What a search found is kept in found.txt, beside the table: the seed for each
// fault, and the promise that was seen broken. A fault that is not found means a
// hole in the simulator.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

func main() {
	recorded := flag.Bool("recorded", false, "play only the histories of found.txt: each must fail with its fault, and pass without")
	only := flag.String("only", "", "look at the faults alone whose names contain this")
	most := flag.Int("seeds", 10_000, "histories to play for each fault")
	flag.Parse()
	if err := run(*recorded, *only, *most); err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(1)
	}
}

func run(recorded bool, only string, most int) error {
	b, err := newBench()
	if err != nil {
		return err
	}
	defer b.close()
	known, err := readFound(b.found())
	if err != nil {
		return err
	}
	var chosen []mutant
	for _, m := range mutants() {
		if strings.Contains(m.name, only) {
			chosen = append(chosen, m)
		}
	}
	if recorded {
		return replay(b, chosen, known)
	}
	return search(b, chosen, known, most)
}

// replay plays for each fault the history that found it, two faults at a time:
// the time goes into compilers and linkers, which wait for each other.
func replay(b *bench, chosen []mutant, known found) error {
	sound, err := b.build(mutant{name: "none"})
	if err != nil {
		return err
	}
	var (
		wrong = make([]string, len(chosen)) // one place for each fault
		next  atomic.Int64
		all   sync.WaitGroup
	)
	for range 2 {
		all.Go(func() {
			for i := next.Add(1) - 1; int(i) < len(chosen); i = next.Add(1) - 1 {
				wrong[i] = replayOne(b, sound, chosen[i], known)
			}
		})
	}
	all.Wait()
	wrong = slices.DeleteFunc(wrong, func(s string) bool { return s == "" })
	if len(wrong) > 0 {
		return fmt.Errorf("%d of %d faults:\n%s", len(wrong), len(chosen), strings.Join(wrong, "\n"))
	}
	fmt.Printf("all %d faults are found by the histories recorded for them\n", len(chosen))
	return nil
}

// replayOne plays one history with the fault and without, and says what is wrong.
func replayOne(b *bench, sound string, m mutant, known found) (wrong string) {
	was, ok := known[m.name]
	if !ok {
		return m.name + ": no history is recorded; search for one"
	}
	if failure, err := b.play(sound, was.seed); err != nil || failure != "" {
		return fmt.Sprintf("seed %d fails without a fault: %v %s", was.seed, err, failure)
	}
	binary, err := b.build(m)
	if err != nil {
		return err.Error()
	}
	defer os.Remove(binary)
	switch failure, err := b.play(binary, was.seed); {
	case err != nil:
		return fmt.Sprintf("%s: %v", m.name, err)
	case failure == "":
		return fmt.Sprintf("%s: not found by seed %d any more; search for another", m.name, was.seed)
	default:
		fmt.Printf("%-36s seed %5d: %s\n", m.name, was.seed, failure)
	}
	return ""
}

// search plays histories with each fault until one fails, prints the table and
// keeps it.
func search(b *bench, chosen []mutant, known found, most int) error {
	var table strings.Builder
	say := func(format string, args ...any) {
		line := fmt.Sprintf(format, args...)
		fmt.Print(line)
		table.WriteString(line)
	}
	say("%s, up to %d histories for each fault\n\n%-36s %6s %6s  %s\n", time.Now().Format(time.DateOnly), most, "fault", "seed", "played", "found by")
	missed := 0
	for _, m := range chosen {
		binary, err := b.build(m)
		if err != nil {
			return err
		}
		seed, failure, err := b.search(binary, most)
		if err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
		if failure == "" {
			missed++
			delete(known, m.name)
			say("%-36s %6s %6d  NOT FOUND: %s\n", m.name, "-", most, m.breaks)
		} else {
			known[m.name] = finding{seed, failure}
			say("%-36s %6d %6d  %s\n", m.name, seed, seed+1, failure)
		}
		if err := known.write(b.found(), mutants()); err != nil {
			return err
		}
		_ = os.Remove(binary)
	}
	path := filepath.Join(b.root, "results", "mutants-"+time.Now().Format(time.DateOnly)+".txt")
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(path, []byte(table.String()), 0o644); err != nil {
		return err
	}
	if missed > 0 {
		return fmt.Errorf("%d of %d faults were not found: the net has holes", missed, len(chosen))
	}
	return nil
}
