package main

import (
	"os"
	"syscall"
	"unsafe"
)

// isTerminalFile asks the kernel for the terminal's settings: only a terminal
// has some. The file's mode would take /dev/null for a terminal.
func isTerminalFile(f *os.File) bool {
	var settings syscall.Termios
	return ioctl(f, syscall.TCGETS, unsafe.Pointer(&settings)) == nil
}

// inForeground reports whether this process group may read the terminal. One in
// the background would be stopped for trying.
func inForeground(f *os.File) bool {
	var group int32
	return ioctl(f, syscall.TIOCGPGRP, unsafe.Pointer(&group)) == nil && int(group) == syscall.Getpgrp()
}

func ioctl(f *os.File, request uintptr, arg unsafe.Pointer) error {
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var errno syscall.Errno
	err = raw.Control(func(fd uintptr) {
		_, _, errno = syscall.Syscall(syscall.SYS_IOCTL, fd, request, uintptr(arg))
	})
	if err != nil {
		return err
	}
	if errno != 0 {
		return errno
	}
	return nil
}
