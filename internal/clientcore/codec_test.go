package clientcore

import (
	"encoding/json"
	"fmt"

	"github.com/wavesiddhartha/flowsync/wire"
)

type object = map[string]any

func raw(b []byte) any {
	if b == nil {
		return nil
	}
	return json.RawMessage(b)
}

func mustJSON(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

// eventJSON is an event as traces hold it. line is the hub's message.
func eventJSON(ev Event, line []byte) json.RawMessage {
	return mustJSON(eventObject(ev, line))
}

func eventObject(ev Event, line []byte) object {
	switch ev := ev.(type) {
	case Connect:
		return object{"do": "connect"}
	case Close:
		return object{"do": "close"}
	case SetOnline:
		return object{"do": "online", "online": ev.Online}
	case Open:
		return object{"do": "open", "stream": ev.Stream, "rule": ev.Rule, "mode": ev.Mode, "as": ev.As}
	case CloseStream:
		return object{"do": "closeStream", "stream": ev.Stream}
	case Push:
		return object{"do": "push", "stream": ev.Stream, "op": raw(ev.Op)}
	case SetPresence:
		return object{"do": "presence", "stream": ev.Stream, "state": raw(ev.State)}
	case Emit:
		return object{"do": "emit", "stream": ev.Stream, "event": ev.Event, "data": raw(ev.Data)}
	case GetHistory:
		return object{"do": "history", "tag": ev.Tag, "stream": ev.Stream, "before": ev.Before, "limit": ev.Limit}
	case Keep:
		return object{"do": "keep", "stream": ev.Stream}
	case Discard:
		return object{"do": "discard", "stream": ev.Stream, "inc": ev.Inc, "seq": ev.Seq}
	case TokenReady:
		return object{"do": "token", "token": ev.Token}
	case TokenFailed:
		return object{"do": "noToken", "final": ev.Final}
	case Connected:
		return object{"do": "connected", "link": ev.Link}
	case Received:
		return object{"do": "received", "link": ev.Link, "msg": raw(line)}
	case Progress:
		return object{"do": "progress", "link": ev.Link}
	case Disconnected:
		return object{"do": "disconnected", "link": ev.Link, "code": ev.Code, "reason": ev.Reason}
	case Tick:
		return object{"do": "tick"}
	case Flush:
		return object{"do": "flush"}
	}
	panic(fmt.Sprintf("no encoding for %T", ev))
}

func headJSON(h Head) object {
	return object{
		"stream": h.Stream, "rule": h.Rule, "inc": h.Inc, "next": h.Next, "acked": h.Acked,
		"hash": wire.FormatHash(h.Hash), "epoch": h.Epoch, "at": h.At, "seen": h.Seen,
	}
}

func opJSON(o Op) object {
	return object{"seq": o.Seq, "at": o.At, "blind": o.Blind, "op": raw(o.Body)}
}

func deadJSON(d DeadLetter) object {
	return object{
		"stream": d.Stream, "inc": d.Inc, "seq": d.Seq, "hash": wire.FormatHash(d.Hash),
		"sent": d.Sent, "code": d.Code, "msg": d.Msg, "op": raw(d.Op),
	}
}

// effectJSON is an effect as traces hold it.
func effectJSON(e Effect) any {
	switch e := e.(type) {
	case NeedToken:
		return object{"do": "needToken", "reason": e.Reason}
	case Dial:
		return object{"do": "dial", "link": e.Link, "token": e.Token}
	case Send:
		return object{"do": "send", "link": e.Link, "msg": raw(e.Msg.Append(nil))}
	case Hangup:
		return object{"do": "hangup", "link": e.Link, "code": e.Code}
	case Wake:
		return object{"do": "wake", "at": e.At}
	case SaveStream:
		ops := []any{}
		for _, o := range e.Stream.Ops {
			ops = append(ops, opJSON(o))
		}
		return object{"do": "saveStream", "head": headJSON(e.Stream.Head), "ops": ops}
	case SaveHead:
		return object{"do": "saveHead", "head": headJSON(e.Head)}
	case SaveOp:
		return object{"do": "saveOp", "stream": e.Stream, "op": opJSON(e.Op)}
	case DropOps:
		return object{"do": "dropOps", "stream": e.Stream, "through": e.Through}
	case SaveDead:
		return object{"do": "saveDead", "dead": deadJSON(e.Dead)}
	case DropDead:
		return object{"do": "dropDead", "stream": e.Stream, "inc": e.Inc, "seq": e.Seq}
	case SaveState:
		return object{
			"do": "saveState", "head": headJSON(e.Head), "cursor": e.Kept.Cursor,
			"state": raw(e.Kept.State), "through": e.Through,
		}
	case Changed:
		return object{"do": "changed", "stream": e.Stream}
	case Acked:
		return object{"do": "acked", "stream": e.Stream, "seq": e.Seq}
	case Rejected:
		return object{"do": "rejected", "id": e.ID, "dead": deadJSON(e.Dead)}
	case Recovered:
		return object{"do": "recovered", "dead": deadJSON(e.Dead)}
	case Discontinuity:
		return object{"do": "discontinuity", "stream": e.Stream}
	case PresenceChanged:
		return object{"do": "presenceChanged", "stream": e.Stream}
	case Heard:
		return object{"do": "heard", "stream": e.Stream, "client": e.Client, "event": e.Event, "data": raw(e.Data)}
	case HistoryPage:
		return object{"do": "historyPage", "tag": e.Tag, "entries": len(e.Entries), "more": e.More}
	case HistoryFailed:
		return object{"do": "historyFailed", "tag": e.Tag, "code": e.Code}
	case Fault:
		return object{"do": "fault", "stream": e.Stream, "code": e.Code}
	case StatusChanged:
		return object{
			"do": "status", "status": e.Status.Name, "code": e.Status.Code,
			"reason": e.Status.Reason, "retryAt": e.Status.RetryAt,
		}
	}
	panic(fmt.Sprintf("no encoding for %T", e))
}

// effectText names an effect in scripts; sends and timers have their own checks.
func effectText(e Effect) string {
	switch e := e.(type) {
	case Send, Wake:
		return ""
	case NeedToken:
		return "need token: " + string(e.Reason)
	case Dial:
		return fmt.Sprintf("dial %d", e.Link)
	case Hangup:
		return fmt.Sprintf("hang up %d", e.Link)
	case SaveStream:
		return fmt.Sprintf("save stream %s acked=%d next=%d ops=%d", e.Stream.Stream, e.Stream.Acked, e.Stream.Next, len(e.Stream.Ops))
	case SaveHead:
		return fmt.Sprintf("save head %s acked=%d", e.Head.Stream, e.Head.Acked)
	case SaveOp:
		return fmt.Sprintf("save op %s %d", e.Stream, e.Op.Seq)
	case DropOps:
		return fmt.Sprintf("drop ops %s %d", e.Stream, e.Through)
	case SaveDead:
		return fmt.Sprintf("save dead %s %d %s", e.Dead.Stream, e.Dead.Seq, e.Dead.Code)
	case DropDead:
		return fmt.Sprintf("drop dead %s %d", e.Stream, e.Seq)
	case SaveState:
		return fmt.Sprintf("save state %s through %d", e.Head.Stream, e.Through)
	case Changed:
		return "changed " + e.Stream
	case Acked:
		return fmt.Sprintf("acked %s %d", e.Stream, e.Seq)
	case Rejected:
		return fmt.Sprintf("rejected %s %d %s", e.Dead.Stream, e.Dead.Seq, e.Dead.Code)
	case Recovered:
		return fmt.Sprintf("recovered %s %d", e.Dead.Stream, e.Dead.Seq)
	case Discontinuity:
		return "discontinuity " + e.Stream
	case PresenceChanged:
		return "presence " + e.Stream
	case Heard:
		return fmt.Sprintf("heard %s %s %s", e.Client, e.Event, e.Data)
	case HistoryPage:
		return fmt.Sprintf("history %d: %d entries", e.Tag, len(e.Entries))
	case HistoryFailed:
		return fmt.Sprintf("history %d failed: %s", e.Tag, e.Code)
	case Fault:
		return fmt.Sprintf("fault %s %s", e.Stream, e.Code)
	case StatusChanged:
		return "status " + string(e.Status.Name)
	}
	panic(fmt.Sprintf("no text for %T", e))
}
