// Package proc reads what the operating system accounts to a process.
package proc

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"syscall"
	"time"
)

// tick is the unit of times in /proc/PID/stat: USER_HZ, which is 100 on every
// Linux that Go runs on.
const tick = 10 * time.Millisecond

// CPU is the processor time that a process has used so far, in user code and in
// the kernel, its ended threads included. It is exact to 20 ms.
func CPU(pid int) (time.Duration, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	// The second field is the name in brackets, which may hold anything.
	_, rest, ok := bytes.Cut(b, []byte(") "))
	fields := bytes.Fields(rest)
	if !ok || len(fields) < 13 {
		return 0, errors.New("/proc/PID/stat is not as expected")
	}
	var total time.Duration
	for _, field := range fields[11:13] { // utime and stime
		n, err := strconv.ParseInt(string(field), 10, 64)
		if err != nil {
			return 0, fmt.Errorf("/proc/PID/stat: %w", err)
		}
		total += time.Duration(n) * tick
	}
	return total, nil
}

// RSS is how many bytes of a process are in memory.
func RSS(pid int) (int64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0, err
	}
	fields := bytes.Fields(b)
	if len(fields) < 2 {
		return 0, errors.New("/proc/PID/statm is not as expected")
	}
	pages, err := strconv.ParseInt(string(fields[1]), 10, 64)
	return pages * int64(os.Getpagesize()), err
}

// Machine is processor time of all processors together.
type Machine struct {
	All    time.Duration // that passed
	Busy   time.Duration // that anybody here used
	Stolen time.Duration // that a host gave to other machines
}

// Sub returns what went by since o.
func (m Machine) Sub(o Machine) Machine {
	return Machine{m.All - o.All, m.Busy - o.Busy, m.Stolen - o.Stolen}
}

// Whole is the account of the machine since it started.
func Whole() (Machine, error) {
	b, err := os.ReadFile("/proc/stat")
	if err != nil {
		return Machine{}, err
	}
	line, _, _ := bytes.Cut(b, []byte("\n"))
	fields := bytes.Fields(line)
	if len(fields) < 9 {
		return Machine{}, errors.New("/proc/stat is not as expected")
	}
	var m Machine
	// user, nice, system, idle, iowait, irq, softirq, steal
	for i, field := range fields[1:9] {
		n, err := strconv.ParseInt(string(field), 10, 64)
		if err != nil {
			return Machine{}, fmt.Errorf("/proc/stat: %w", err)
		}
		d := time.Duration(n) * tick
		m.All += d
		switch i {
		case 3, 4:
		case 7:
			m.Stolen += d
		default:
			m.Busy += d
		}
	}
	return m, nil
}

// Self is the processor time of this process, exact to a microsecond.
func Self() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err) // cannot happen: both arguments are ours
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// RaiseFiles lets this process, and those it starts, open as many files as the
// system allows, and returns how many that is.
func RaiseFiles() (uint64, error) {
	var l syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l); err != nil {
		return 0, err
	}
	if l.Cur < l.Max {
		l.Cur = l.Max
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &l); err != nil {
			return 0, err
		}
	}
	return l.Cur, nil
}
