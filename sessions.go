package flowsync

import "sync"

// sessions are the hub's connections.
type sessions struct {
	mu       sync.Mutex // guards what follows; no other lock is taken under it
	list     map[*session]struct{}
	empty    sync.Cond              // signalled when the last one is removed
	byClient map[clientKey]*session // the newest open session of each client
}

// clientKey identifies a client; ids of different subjects never meet.
type clientKey struct{ subject, client string }

func (l *sessions) init() {
	l.empty.L = &l.mu
	l.list = map[*session]struct{}{}
	l.byClient = map[clientKey]*session{}
}

func (l *sessions) add(s *session) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.list[s] = struct{}{}
}

// displace makes s the session of its client and returns the one that it
// replaces, which is the older one by its number: s itself if it came too late.
func (l *sessions) displace(s *session) *session {
	m := s.core.Member()
	key := clientKey{m.Subject, m.Client}
	l.mu.Lock()
	defer l.mu.Unlock()
	old := l.byClient[key]
	if old != nil && old.core.Member().Number > m.Number {
		return s
	}
	l.byClient[key] = s
	return old
}

func (l *sessions) remove(s *session) {
	m := s.core.Member()
	key := clientKey{m.Subject, m.Client}
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.list, s)
	if l.byClient[key] == s {
		delete(l.byClient, key)
	}
	if len(l.list) == 0 {
		l.empty.Broadcast()
	}
}

// wait returns when no session is left.
func (l *sessions) wait() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.list) > 0 {
		l.empty.Wait()
	}
}

// open is how many clients are connected.
func (l *sessions) open() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.byClient)
}

func (l *sessions) all() []*session {
	l.mu.Lock()
	defer l.mu.Unlock()
	list := make([]*session, 0, len(l.list))
	for s := range l.list {
		list = append(list, s)
	}
	return list
}
