package acl_test

import (
	"fmt"

	"github.com/wavesiddhartha/flowsync/acl"
)

func ExampleGrants_Allow() {
	g, _ := acl.Parse("read:chat:*", "write:game:lobby")
	fmt.Println(g.Allow(acl.Write, "chat:general"), g.Allow(acl.Write, "game:lobby"))
	// Output: false true
}

func ExampleGrants_Explain() {
	g, _ := acl.Parse("write:game:*", "!write:game:admin")
	fmt.Printf("%+v\n", g.Explain(acl.Write, "game:admin"))
	// Output: {Allowed:false Rule:!write:game:admin}
}

func ExampleParsePolicy() {
	p, _ := acl.ParsePolicy([]byte(`{
		"default":  ["read:public:*"],
		"subjects": {"ann": ["*:team:*", "!admin:team:*"]}
	}`))
	fmt.Println(p.Of("ann").Allow(acl.Write, "team:notes"), p.Of("bob").Allow(acl.Read, "public:news"))
	// Output: true true
}
