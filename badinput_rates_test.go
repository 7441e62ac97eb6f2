package flowsync

import (
	"fmt"
	"strings"

	"github.com/wavesiddhartha/flowsync/internal/hubcore"
	"github.com/wavesiddhartha/flowsync/internal/socket/sockettest"
	"github.com/wavesiddhartha/flowsync/ratelimit"
	"github.com/wavesiddhartha/flowsync/wire"
)

// rateInputs are more of something than one may have.
func rateInputs() []badInput {
	rows := []badInput{
		{name: "50 connections of one subject share a bucket", send: func(a *trial) {
			refused := 0
			for i := range 50 {
				p := a.another("slow", i)
				p.say(&wire.GetHistory{Ref: "1", Stream: a.on, Limit: 1})
				if e := awaitError(p); e == nil || e.Code != wire.RateLimited && e.Code != wire.NotReady {
					a.t.Fatalf("the answer is %v", e)
				} else if e.Code == wire.RateLimited {
					refused++
					if e.Scope != "subject" || e.AfterMS <= 0 || e.AfterMS > 1000 {
						a.t.Errorf("scope %q, after %d ms", e.Scope, e.AfterMS)
					}
				}
			}
			if refused < 20 { // the bucket holds 20 and gets one a second
				a.t.Errorf("%d of 50 are refused", refused)
			}
		}},
		{name: "the clock goes back an hour", send: func(a *trial) {
			rates := a.world.class("slow").rates
			now := a.world.now() + 2*3600*hubcore.Second
			spend := func(at hubcore.Instant) *wire.Error {
				return a.world.core.Spend(at, "traveller", rates, "", ratelimit.Cost{Ops: 1})
			}
			for spend(now) == nil {
			}
			for _, at := range []hubcore.Instant{now - 3600*hubcore.Second, now, now - 3600*hubcore.Second, now} {
				if spend(at) == nil {
					a.t.Error("the bucket was refilled")
				}
			}
		}},
		{name: "more connections of a subject than it may have", send: func(a *trial) {
			for i := range 3 {
				a.another("few", i)
			}
			resp := a.upgrade("/", "Authorization", "Bearer few")
			if resp.Header.Get("Retry-After") == "" {
				a.t.Error("the answer does not say when to come back")
			}
			a.p = a.world.dial()
			a.p.say(&wire.Hello{V: [2]int{1, 1}, Client: a.client, Inc: incOf(a.client), Token: "few"})
		}, want: []string{"429 conn_limit", "error conn_limit", "close 4505"}},
		{name: "200 connections of an address, and a rotated X-Forwarded-For", send: func(a *trial) {
			for range 300 {
				c := sockettest.DialTCP(a.t, a.world.srv.URL)
				defer c.Conn.Close()
				c.Write([]byte("GET /flowsync HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"))
				before := len(a.heard)
				a.answered(c, "GET")
				if a.heard[before] != "101" {
					break
				}
				a.heard = a.heard[:before]
			}
			for i := range 3 {
				a.upgrade("/", "X-Forwarded-For", fmt.Sprintf("203.0.113.%d", i))
			}
		}, want: []string{"429 conn_limit", "429 conn_limit", "429 conn_limit", "429 conn_limit"}},
		{name: "more in flight than the hub bears in all", send: func(a *trial) {
			const each = 15 // pushes of 64 KiB, white space for the most part: below a session's own bound
			held := a.world.held.hold()
			defer held.release()
			crowd := func(i, pushes int) *peer {
				p := a.another("all", i, rw("counter:crowd"))
				for seq := range pushes {
					p.Text(fmt.Sprintf(`{"t":"push","stream":"counter:crowd","seq":%d,%s"ops":[{"op":"increment"}]}`, seq+1, strings.Repeat(" ", 64<<10)))
				}
				return p
			}
			for i := range 5 {
				crowd(i, each)
			}
			most := int64(a.world.limits.InflightTotal)
			eventually(a.t, "the hub has not much in flight", func() bool { return a.world.inflight.Load() > most-65<<10 })
			last := crowd(5, 2)
			if e := await(last, func(*wire.Error) bool { return true }); e.Code != wire.Busy || e.AfterMS == 0 || e.Seq != 2 {
				a.t.Errorf("one more session is told %v, want busy from its second push on", e)
			}
			if n := a.world.inflight.Load(); n > most+6*(65<<10) {
				a.t.Errorf("%d bytes are in flight", n)
			}
			held.release()
			last.acked(1) // what came when nothing else was in flight passed
			eventually(a.t, "something is in flight", func() bool { return a.world.inflight.Load() == 0 })
		}},
	}
	for i := range rows {
		rows[i].group = "limits"
	}
	return rows
}

// another is one more session, of a client of its own.
func (a *trial) another(token string, i int, opens ...wire.Open) *peer {
	a.t.Helper()
	p := a.world.dial("Authorization", "Bearer "+token)
	a.others = append(a.others, p)
	client := fmt.Sprintf("%s-%d", a.client, i)
	p.say(&wire.Hello{V: [2]int{1, 1}, Client: client, Inc: incOf(client), Streams: opens})
	p.welcome = await[*wire.Welcome](p)
	for range opens {
		await[*wire.Synced](p)
	}
	return p
}
