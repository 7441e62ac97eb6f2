package peer

import (
	"errors"
	"fmt"
	"net"
	"os/exec"
	"strconv"
	"syscall"
	"time"
)

// ErrNoRedis says that centrifuge-redis cannot be measured here.
var ErrNoRedis = errors.New("redis-server is not installed (apt-get install redis-server)")

// redis is a Redis server of our own that syncs its append-only file before each
// answer.
type redis struct {
	cmd  *exec.Cmd
	addr string
}

// HasRedis reports whether a Redis server can be started.
func HasRedis() bool {
	_, err := exec.LookPath("redis-server")
	return err == nil
}

// startRedis starts one whose files are in dir. It ends with this process at
// the latest.
func startRedis(dir string) (*redis, error) {
	if !HasRedis() {
		return nil, ErrNoRedis
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	_, port, _ := net.SplitHostPort(free.Addr().String())
	if err := free.Close(); err != nil {
		return nil, err
	}
	r := &redis{addr: "127.0.0.1:" + port}
	r.cmd = exec.Command("redis-server", "--bind", "127.0.0.1", "--port", port, "--dir", dir,
		"--appendonly", "yes", "--appendfsync", "always", "--save", "", "--maxclients", strconv.Itoa(1000))
	r.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := r.cmd.Start(); err != nil {
		return nil, err
	}
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if conn, err := net.Dial("tcp", r.addr); err == nil {
			conn.Close()
			return r, nil
		}
	}
	return nil, errors.Join(fmt.Errorf("redis-server did not listen on %s within 5 s", r.addr), r.stop())
}

func (r *redis) pid() int { return r.cmd.Process.Pid }

func (r *redis) stop() error {
	if err := r.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	return r.cmd.Wait()
}
