package main

import "time"

// defaultURL is where flowsync dev listens when nothing else is said.
const defaultURL = "ws://localhost:8765"

// grammar is the command line: commands, arguments and flags.
type grammar struct {
	Help  helpFlag `short:"h" help:"Show this help."`
	Color string   `enum:"auto,always,never" default:"auto" placeholder:"WHEN" help:"Colour the output: auto, always or never (default auto: on terminals, unless NO_COLOR is set)."`

	Dev     devCommand     `cmd:"" help:"Run a hub for development on this machine, without authentication."`
	Serve   serveCommand   `cmd:"" help:"Run a hub that keeps its streams in a file."`
	Push    pushCommand    `cmd:"" help:"Push one op and wait until the hub has committed it."`
	Get     getCommand     `cmd:"" help:"Print the value of a stream, as one line of JSON."`
	Watch   watchCommand   `cmd:"" help:"Print the value of a stream now and after each change."`
	Node    nodeCommand    `cmd:"" help:"Run a replica that is driven by JSON lines on stdin."`
	Inspect inspectCommand `cmd:"" help:"Say what a hub's file holds, and whether all of it is sound."`
	Backup  backupCommand  `cmd:"" help:"Copy a hub's file as it is at one moment, also while the hub runs."`
	Token   tokenCommand   `cmd:"" help:"Make a token for a hub, or say what one allows."`
	Version versionCommand `cmd:"" help:"Print the version."`
}

// hubFlags say which hub a client speaks to, and as whom.
type hubFlags struct {
	URL    string `name:"url" env:"FLOWSYNC_URL" default:"${url}" placeholder:"URL" help:"The hub's WebSocket address (default ${default})."`
	Token  string `env:"FLOWSYNC_TOKEN" placeholder:"TOKEN" help:"Token to show to the hub (safer in the environment than among the arguments)."`
	Client string `placeholder:"ID" help:"Name of this client: letters, digits, '_', '.', '-' (default: a random one)."`
}

// sayFlags say how much a hub tells, and to whom.
type sayFlags struct {
	JSON    bool `name:"json" help:"Print one JSON object a line on stdout, the first when ready."`
	Quiet   bool `short:"q" help:"Print errors only."`
	Verbose bool `short:"v" help:"Print every record of the hub's log, with all it says."`
}

// Commands and their flags.
type (
	devCommand struct {
		Addr     string `default:"localhost:8765" placeholder:"HOST:PORT" help:"Where to listen, loopback only (default ${default}). Without a host: 127.0.0.1 and [::1]. Port 0: any free one."`
		Data     string `placeholder:"FILE" help:"Keep the streams in this file; it is made if it is not there (default: in memory, lost on exit)."`
		Auth     bool   `help:"Ask for tokens; one for everything is printed, of a secret that ends with the process."`
		sayFlags `embed:""`
	}
	serveCommand struct {
		Addr       string   `default:"localhost:8765" placeholder:"HOST:PORT" help:"Where to listen (default ${default}); without keys for tokens loopback only. Without a host: 127.0.0.1 and [::1]; 0.0.0.0 is everywhere. Port 0: any free one."`
		Data       string   `required:"" placeholder:"FILE" help:"Keep the streams in this file; it is made if it is not there, its directory is not."`
		Origin     []string `placeholder:"ORIGIN" help:"Let web pages of this origin connect, for example https://app.example.com; may be repeated."`
		guardFlags `embed:""`
		sayFlags   `embed:""`
	}
	inspectCommand struct {
		JSON   bool   `name:"json" help:"Print one JSON object a line: each stream, then the sum."`
		File   string `arg:"" help:"The file that a hub was given with --data."`
		Stream string `arg:"" optional:"" help:"Look at this stream alone, and print its value too."`
	}
	backupCommand struct {
		File string `arg:"" help:"The file that a hub was given with --data."`
		To   string `arg:"" help:"Where the copy goes; nothing may be there yet."`
	}
	pushCommand struct {
		hubFlags `embed:""`
		Timeout  time.Duration `default:"10s" placeholder:"TIME" help:"How long to wait for the commit (default ${default})."`
		Stream   string        `arg:"" help:"Name of the stream, for example counter:value."`
		Op       string        `arg:"" help:"The op, a JSON object; '-' reads it from stdin."`
	}
	getCommand struct {
		hubFlags `embed:""`
		Timeout  time.Duration `default:"10s" placeholder:"TIME" help:"How long to wait for the hub (default ${default})."`
		Stream   string        `arg:"" help:"Name of the stream, for example counter:value."`
	}
	watchCommand struct {
		hubFlags `embed:""`
		Timeout  time.Duration `placeholder:"TIME" help:"Stop after this time (default: never)."`
		Stream   string        `arg:"" help:"Name of the stream, for example counter:value."`
	}
	nodeCommand struct {
		hubFlags `embed:""`
		Timeout  time.Duration `default:"10s" placeholder:"TIME" help:"How long get, sub, history and flush wait, unless the command says otherwise; also the last flush after stdin ends (default ${default})."`
		Queue    string        `placeholder:"FILE" help:"Keep the queue in this file, so that it survives the process; needs --client (default: in memory)."`
	}
	tokenCommand struct {
		SecretFile string        `name:"secret-file" placeholder:"FILE" help:"Sign with the secret in this file (HS256)."`
		KeyFile    string        `name:"key-file" placeholder:"FILE" help:"Sign with this private key (PEM: RSA, ECDSA, Ed25519)."`
		KeyID      string        `name:"kid" placeholder:"ID" help:"Name the key in the token."`
		Rule       []string      `sep:"none" placeholder:"RULE" help:"What it allows, for example read:chat:* or !write:chat:rules; may be repeated."`
		Client     string        `placeholder:"ID" help:"The only client id it may be used with, or a prefix such as phone.*"`
		Limits     string        `placeholder:"CLASS" help:"The class of limits."`
		Issuer     string        `placeholder:"NAME" help:"Who makes it."`
		Audience   string        `placeholder:"NAME" help:"Whom it is shown to."`
		Lifetime   time.Duration `default:"1h" placeholder:"TIME" help:"How long it is good for (default ${default})."`
		NewSecret  bool          `name:"new-secret" xor:"do" help:"Print a new secret for --jwt-secret-file instead."`
		Explain    bool          `xor:"do" help:"Say what a token says instead, given as the argument or on stdin; with its key, whether it is genuine."`
		May        string        `placeholder:"VERB:STREAM" help:"With --explain: which rule decides about this, for example write:game:lobby."`
		Subject    string        `arg:"" optional:"" help:"Whom the token is for."`
	}
	versionCommand struct {
		JSON bool `name:"json" help:"Print a JSON object."`
	}
)
