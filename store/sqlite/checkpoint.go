package sqlite

import "github.com/wavesiddhartha/flowsync/internal/sqlitefile"

// A checkpoint moves the write-ahead log into the file, which takes as long as the
// log is large. Nearly all of it is done beside the commits, on a connection of
// its own: SQLite lets one write while another checkpoints. But the log begins
// anew only when a checkpoint got to its very end, and while commits go on none
// does; so the committer itself does the little that is left.
type checkpoints struct {
	conn   *conn         // used by one goroutine at a time: the one that moves, or the committer
	moving chan struct{} // closed when that goroutine ends; nil: there is none
	rounds int           // beside the commits, since the log began anew
}

// mostRounds is how often the log is moved beside the commits before the committer
// does the rest, however much it is: each round has less to do than the one before
// unless the disk cannot keep up.
const mostRounds = 4

// checkpoint goes on with the checkpoint under way or begins one if it is due. It
// never waits for more than the little that is left at the end.
func (c *committer) checkpoint() {
	p := &c.checkpoints
	if p.moving != nil {
		select {
		case <-p.moving:
			p.moving = nil
		default:
			return
		}
	}
	little := c.bounds.logPages / 8
	switch {
	case p.rounds == 0 && c.logged <= c.bounds.logPages:
	case p.rounds == 0, c.logged > little && p.rounds < mostRounds:
		p.rounds++
		c.logged = 0
		p.moving = make(chan struct{})
		go c.move(p.moving)
	default:
		c.finish()
	}
}

// move is the goroutine beside the commits. It ends when the log is moved as far
// as it went when that began; the committer waits for it before it stops.
func (c *committer) move(done chan struct{}) {
	defer close(done)
	_, err := c.checkpoints.conn.One("PRAGMA wal_checkpoint(PASSIVE)")
	if sqlitefile.Unsynced(err) {
		c.store.fail(failure(err))
	}
}

// finish moves what is left, between commits. Readers may keep it from getting to
// the end; the next one gets further.
func (c *committer) finish() {
	row, err := c.checkpoints.conn.One("PRAGMA wal_checkpoint(PASSIVE)")
	if sqlitefile.Unsynced(err) {
		c.store.fail(failure(err))
	}
	c.checkpoints.rounds = 0
	c.logged = c.bounds.logPages / 2
	if err == nil && len(row) == 3 && row[1] == row[2] {
		c.logged = 0
	}
}

// rest waits for the goroutine that moves.
func (p *checkpoints) rest() {
	if p.moving != nil {
		<-p.moving
	}
}
