module github.com/wavesiddhartha/flowsync

go 1.26

ignore (
	./web/node_modules
	./examples/react-demo/node_modules
	./crdt/ydoc/oracle/node_modules
)
