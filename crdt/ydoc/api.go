package ydoc

type ref struct {
	d   *Doc
	t   int32
	gen uint32
}
type Attr struct {
	Key   string
	Value Value
}
type Attrs []Attr
type Span struct {
	Text  string
	Embed Value
	Attrs Attrs
}
type Text struct{ ref }
type Map struct{ ref }
type Array struct{ ref }
type XMLFragment struct{ ref }
type XMLElement struct{ XMLFragment }
type XMLText struct{ Text }
type Doc struct{ client uint64 }
type Limits struct{}
type Change struct{}
type UndoManager struct{}
type Anchor struct{}
type Shared interface{ shared() ref }

func (r ref) shared() ref { return r }

func New(client uint64) *Doc                                    { return &Doc{client: client} }
func NewLimited(client uint64, l Limits) *Doc                   { return &Doc{client: client} }
func (d *Doc) Client() uint64                                   { return d.client }
func (d *Doc) SetClient(client uint64)                          { d.client = client }
func (d *Doc) Apply(update []byte) error                        { panic("soon") }
func (d *Doc) AppendState(b []byte) []byte                      { panic("soon") }
func (d *Doc) AppendDiff(b, stateVector []byte) ([]byte, error) { panic("soon") }
func (d *Doc) AppendStateVector(b []byte) []byte                { panic("soon") }
func (d *Doc) Transact(f func())                                { panic("soon") }
func (d *Doc) AppendTransact(b []byte, f func()) []byte         { panic("soon") }
func (d *Doc) Clone() *Doc                                      { panic("soon") }
func (d *Doc) Text(root string) Text                            { panic("soon") }
func (d *Doc) Map(root string) Map                              { panic("soon") }
func (d *Doc) Array(root string) Array                          { panic("soon") }
func (d *Doc) XMLFragment(root string) XMLFragment              { panic("soon") }
func (d *Doc) AppendJSON(b []byte) []byte                       { panic("soon") }
func (d *Doc) AppendDigestInput(b []byte) []byte                { panic("soon") }
func (d *Doc) Check() error                                     { panic("soon") }
func (d *Doc) Observe(f func(Change))                           { panic("soon") }
func (d *Doc) Undo(scope ...Shared) *UndoManager                { panic("soon") } // no scope: the whole document
func (u *UndoManager) Tick(nowMillis int64)                     { panic("soon") } // the time of the edits that follow
func (u *UndoManager) Undo() bool                               { panic("soon") }
func (u *UndoManager) Redo() bool                               { panic("soon") }
func (u *UndoManager) StopCapturing()                           { panic("soon") }
func (u *UndoManager) Clear()                                   { panic("soon") }
func (u *UndoManager) Close()                                   { panic("soon") }

func Merge(updates ...[]byte) ([]byte, error)         { panic("soon") }
func Diff(update, stateVector []byte) ([]byte, error) { panic("soon") }
func StateVectorOf(update []byte) ([]byte, error)     { panic("soon") }

func (t Text) Insert(pos int, s string) error                      { panic("soon") }
func (t Text) InsertWith(pos int, s string, attrs Attrs) error     { panic("soon") }
func (t Text) InsertEmbed(pos int, json string, attrs Attrs) error { panic("soon") }
func (t Text) Delete(pos, n int) error                             { panic("soon") }
func (t Text) Format(pos, n int, attrs Attrs) error                { panic("soon") }
func (t Text) Len() int                                            { panic("soon") }
func (t Text) String() string                                      { panic("soon") }
func (t Text) Delta() []Span                                       { panic("soon") }

func (m Map) Set(key string, v Value) error      { panic("soon") }
func (m Map) Delete(key string)                  { panic("soon") }
func (m Map) Get(key string) (Value, bool)       { panic("soon") }
func (m Map) Keys() []string                     { panic("soon") }
func (m Map) Len() int                           { panic("soon") }
func (m Map) SetMap(key string) (Map, error)     { panic("soon") }
func (m Map) SetArray(key string) (Array, error) { panic("soon") }
func (m Map) SetText(key string) (Text, error)   { panic("soon") }

func (a Array) Insert(pos int, v ...Value) error   { panic("soon") }
func (a Array) Push(v ...Value) error              { panic("soon") } // yjs's push: after the tombstones at the end
func (a Array) Delete(pos, n int) error            { panic("soon") }
func (a Array) Len() int                           { panic("soon") }
func (a Array) Get(i int) (Value, bool)            { panic("soon") }
func (a Array) InsertMap(pos int) (Map, error)     { panic("soon") }
func (a Array) InsertArray(pos int) (Array, error) { panic("soon") }
func (a Array) InsertText(pos int) (Text, error)   { panic("soon") }

func (x XMLFragment) Len() int                                               { panic("soon") }
func (x XMLFragment) Get(i int) (Value, bool)                                { panic("soon") }
func (x XMLFragment) InsertElement(pos int, name string) (XMLElement, error) { panic("soon") }
func (x XMLFragment) InsertText(pos int) (XMLText, error)                    { panic("soon") }
func (x XMLFragment) Delete(pos, n int) error                                { panic("soon") }
func (x XMLFragment) String() string                                         { panic("soon") }
func (x XMLElement) Name() string                                            { panic("soon") }
func (x XMLElement) SetAttribute(key string, v Value) error                  { panic("soon") }
func (x XMLElement) RemoveAttribute(key string)                              { panic("soon") }
func (x XMLElement) Attribute(key string) (Value, bool)                      { panic("soon") }
func (x XMLElement) AttributeKeys() []string                                 { panic("soon") }
func (x XMLElement) String() string                                          { panic("soon") }
func (x XMLText) String() string                                             { panic("soon") }

func ParseJSON(json string) (Value, error)            { panic("soon") }
func (v Value) AppendJSON(b []byte) []byte            { panic("soon") }
func (t Text) Anchor(pos, assoc int) (Anchor, error)  { panic("soon") }
func (a Array) Anchor(pos, assoc int) (Anchor, error) { panic("soon") }
func (d *Doc) Resolve(a Anchor) (pos int, ok bool)    { panic("soon") }
