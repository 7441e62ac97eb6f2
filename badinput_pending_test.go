package flowsync

// What the rows below wait for.
const (
	needsDisk      = "a store on disk and the command"
	needsCluster   = "a second hub on one store"
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
	wait("identity", needsCluster, "same id and other content on two hubs", "two sessions of one client on two hubs")
	wait("dashboard", needsDashboard,
		"wrong token, then too many", "token in the URL becomes a cookie", "markup in names and values", "framing",
		"GET changes nothing", "cross-site POST", "metrics without a token")
	wait("disk", needsDisk,
		"data directory missing", "data directory read-only", "data directory a file", "data of a newer version",
		"garbage in a node's queue", "a snapshot forged, cut off, or with a huge count", "wrong address of the cluster's store")
	return rows
}
