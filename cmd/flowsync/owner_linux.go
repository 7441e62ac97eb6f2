package main

import (
	"bufio"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// portOwner finds the process that listens on a TCP port. The kernel's table
// names the socket's inode, and the process is the one that holds it open; those
// of other users stay unknown.
func portOwner(port int) (pid int, name string, ok bool) {
	inodes := make(map[string]bool)
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		listening(table, port, inodes)
	}
	links, err := filepath.Glob("/proc/[0-9]*/fd/*")
	if err != nil || len(inodes) == 0 {
		return 0, "", false
	}
	for _, link := range links {
		target, err := os.Readlink(link)
		if err != nil {
			continue
		}
		inode, isSocket := strings.CutPrefix(strings.TrimSuffix(target, "]"), "socket:[")
		if !isSocket || !inodes[inode] {
			continue
		}
		process := filepath.Dir(filepath.Dir(link))
		pid, err := strconv.Atoi(filepath.Base(process))
		if err != nil {
			continue
		}
		comm, err := os.ReadFile(filepath.Join(process, "comm"))
		if err != nil {
			continue
		}
		return pid, strings.TrimSpace(string(comm)), true
	}
	return 0, "", false
}

// listening adds the inodes of sockets that listen on port. The columns are
// those of proc(5): sl local_address rem_address st … inode, with the port as
// four hex digits after the address and state 0A for LISTEN.
func listening(table string, port int, inodes map[string]bool) {
	f, err := os.Open(table)
	if err != nil {
		return
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		columns := strings.Fields(lines.Text())
		if len(columns) < 10 || columns[3] != "0A" {
			continue
		}
		_, hex, _ := strings.Cut(columns[1], ":")
		if n, err := strconv.ParseInt(hex, 16, 32); err == nil && int(n) == port {
			inodes[columns[9]] = true
		}
	}
}
