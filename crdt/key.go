package crdt

// Key returns the "key" member of an op body as it stands between its quotes,
// escapes included, so that canonical bodies with equal keys give equal strings.
// Hubs use it to know which keys of an ephemeral stream a session has set.
func Key(body []byte) (key string, ok bool) {
	var o object
	if !o.parse(body) {
		return "", false
	}
	raw := unquote(o.get("key"))
	return string(raw), raw != nil
}
