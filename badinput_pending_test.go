package flowsync

// What the rows below wait for.
const (
	needsTokens    = "the tokens of package auth"
	needsDisk      = "a store on disk and the command"
	needsCluster   = "a second hub on one store"
	needsRates     = "rate limits"
	needsDashboard = "the dashboard"
)

// pendingInputs are promised answers that no hub of this tree can give yet.
func pendingInputs() []badInput {
	var rows []badInput
	wait := func(group, what string, names ...string) {
		for _, name := range names {
			rows = append(rows, badInput{group: group, name: name, pending: what})
		}
	}
	wait("tokens", needsTokens,
		"alg none, in any case", "algorithm confusion", "exp missing", "exp odd", "nbf in the future",
		"kid with a path", "kid with SQL", "same kid under another issuer", "jku, x5u and jwk headers fetch nothing",
		"wrong audience", "wrong issuer", "malformed acl claim", "HMAC secret under 32 bytes", "revoked while connected")
	wait("identity", needsCluster, "same id and other content on two hubs", "two sessions of one client on two hubs")
	wait("limits", needsRates,
		"50 connections of one client share a bucket", "a rotated X-Forwarded-For is ignored", "the clock goes back an hour",
		"200 connections of a subject", "200 connections of an address", "more in flight than the hub bears in all")
	wait("dashboard", needsDashboard,
		"wrong token, then too many", "token in the URL becomes a cookie", "markup in names and values", "framing",
		"GET changes nothing", "cross-site POST", "metrics without a token")
	wait("disk", needsDisk,
		"data directory missing", "data directory read-only", "data directory a file", "data of a newer version",
		"garbage in a node's queue", "a snapshot forged, cut off, or with a huge count", "wrong address of the cluster's store")
	return rows
}
