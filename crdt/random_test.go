package crdt

import (
	"fmt"
	"math/rand/v2"
)

// randomOp makes an op of the rule, now and then one that it must refuse.
func randomOp(rng *rand.Rand, rule Builtin) string {
	if rng.IntN(20) == 0 {
		return pick(rng, `{"op":"increment","amount":0}`, `{"op":"trim","before":1}`, `{"op":"nonsense"}`, `{"op":"set"}`, `{}`, `[]`, ``, `{"op":"insert","pos":0,"text":"x"}`)
	}
	switch rule {
	case Counter:
		return fmt.Sprintf(`{"amount":%s,"op":%q}`, pick(rng, "1", "2", "9", "10", "99", "9007199254740991"), pick(rng, "increment", "decrement"))
	case Set, ORSet:
		return fmt.Sprintf(`{"op":%q,"value":%s}`, pick(rng, "add", "add", "remove"), randomText(rng))
	case LWW:
		return fmt.Sprintf(`{"op":"set","value":%s}`, randomValue(rng))
	case Log:
		return fmt.Sprintf(`{"op":"append","value":%s}`, randomValue(rng))
	}
	if rng.IntN(3) == 0 {
		return fmt.Sprintf(`{"key":%s,"op":"delete"}`, randomText(rng))
	}
	return fmt.Sprintf(`{"key":%s,"op":"set","value":%s}`, randomText(rng), randomValue(rng))
}

func randomInitial(rng *rand.Rand, rule Builtin) string {
	value := map[Builtin]string{
		// So little is left below 10^38 that some increments overflow.
		Counter: pick(rng, `0`, `-7`, `{"decrements":{"client-0":3},"increments":{"client-1":"99999999999999999999990000000000000000"}}`),
		Set:     `["b","a","` + "\U0001F600" + `"]`,
		ORSet:   `["b","a"]`,
		Map:     `{"a":1,"b":[2]}`,
		LWW:     randomValue(rng),
		Log:     `[1,"two",null]`,
	}[rule]
	return `{"op":"initial","value":` + value + `}`
}

// randomText is a canonical JSON string out of few, so that ops meet.
func randomText(rng *rand.Rand) string {
	return pick(rng, `""`, `"a"`, `"b"`, `"__proto__"`, `"\u0001"`, `"\"\\"`, `"\n"`, `"é"`, `"€"`, `"ﬀ"`, "\"\U0001F600\"", "\"\U0001F600a\"")
}

func randomValue(rng *rand.Rand) string {
	return pick(rng, `null`, `true`, `0`, `-1`, `1.5`, `1e-7`, `1e+21`, `9007199254740991`, `"x"`, `[]`, `{}`, `[1,[2,{"a":null}]]`, "{\"a\":1,\"\U0001F600\":2,\"ﬀ\":3}", `"a longer text that takes more room"`)
}

func pick(rng *rand.Rand, choices ...string) string { return choices[rng.IntN(len(choices))] }
