package sqlite

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"unsafe"

	"modernc.org/libc"
	lib "modernc.org/sqlite/lib"
)

// disk is the system's file system under SQLite with faults on demand. It knows
// which bytes were synced, so that it can say what a power cut would leave.
type disk struct {
	name string

	full    atomic.Bool  // writes fail, as on a full disk
	badSync atomic.Bool  // syncs fail
	syncs   atomic.Int64 // of the write-ahead log

	mu    sync.Mutex // guards what follows; held while a file is written, so a cut sees whole writes
	files map[string]*image
	open  map[uintptr]opened // by SQLite's address of the file

	system uintptr // the VFS below, and its functions
	xOpen  func(*libc.TLS, uintptr, uintptr, uintptr, int32, uintptr) int32

	vfs     *lib.Tsqlite3_vfs        // kept alive, as are
	methods *lib.Tsqlite3_io_methods // the tables that SQLite calls
}

// image is what is on the platter of one file, and the writes on their way.
type image struct {
	synced  []byte
	pending []patch
}

// patch is a write, or a truncation if data is nil.
type patch struct {
	at   int64
	data []byte
}

type opened struct {
	path    string
	methods *lib.Tsqlite3_io_methods // of the VFS below
}

var disks atomic.Int64

// newDisk registers a disk. SQLite keeps it until the process ends.
func newDisk(t testing.TB) *disk {
	t.Helper()
	d := &disk{
		name:  fmt.Sprintf("faulty-%d", disks.Add(1)),
		files: make(map[string]*image),
		open:  make(map[uintptr]opened),
	}
	tls := libc.NewTLS()
	defer tls.Close()
	d.system = lib.Xsqlite3_vfs_find(tls, 0)
	vfs := *(*lib.Tsqlite3_vfs)(pointer(d.system))
	d.xOpen = *(*func(*libc.TLS, uintptr, uintptr, uintptr, int32, uintptr) int32)(unsafe.Pointer(&vfs.FxOpen))
	name, err := libc.CString(d.name)
	if err != nil {
		t.Fatal(err)
	}
	vfs.FzName = name
	own := d.openFile
	vfs.FxOpen = address(&own)
	xDelete := *(*func(*libc.TLS, uintptr, uintptr, int32) int32)(unsafe.Pointer(&vfs.FxDelete))
	remove := func(tls *libc.TLS, _, path uintptr, durable int32) int32 {
		d.mu.Lock()
		defer d.mu.Unlock()
		delete(d.files, libc.GoString(path))
		return xDelete(tls, d.system, path, durable)
	}
	vfs.FxDelete = address(&remove)

	// SQLite keeps addresses of both tables, so they live outside of Go's heap.
	at := libc.Xmalloc(tls, libc.Tsize_t(unsafe.Sizeof(vfs)))
	d.vfs = (*lib.Tsqlite3_vfs)(pointer(at))
	*d.vfs = vfs
	if rc := lib.Xsqlite3_vfs_register(tls, at, 0); rc != 0 {
		t.Fatalf("register the disk: result code %d", rc)
	}
	kept.Store(d, []any{own, remove})
	return d
}

// kept holds what only SQLite refers to.
var kept sync.Map

// address is how translated C names a Go function.
func address[F any](f *F) uintptr { return *(*uintptr)(unsafe.Pointer(f)) }

// pointer is the other way round, for memory that is not Go's.
func pointer(p uintptr) unsafe.Pointer { return *(*unsafe.Pointer)(unsafe.Pointer(&p)) }

func (d *disk) openFile(tls *libc.TLS, _, path, file uintptr, flags int32, out uintptr) int32 {
	if rc := d.xOpen(tls, d.system, path, file, flags, out); rc != 0 {
		return rc
	}
	if path == 0 {
		return 0
	}
	f := (*lib.Tsqlite3_file)(pointer(file))
	below := (*lib.Tsqlite3_io_methods)(pointer(f.FpMethods))
	d.mu.Lock()
	defer d.mu.Unlock()
	d.open[file] = opened{strings.Clone(libc.GoString(path)), below}
	if d.methods == nil {
		at := libc.Xmalloc(tls, libc.Tsize_t(unsafe.Sizeof(*below)))
		d.methods = (*lib.Tsqlite3_io_methods)(pointer(at))
		*d.methods = *below
		write, truncate, synced, closed := d.write, d.truncate, d.sync, d.closeFile
		d.methods.FxWrite, d.methods.FxTruncate = address(&write), address(&truncate)
		d.methods.FxSync, d.methods.FxClose = address(&synced), address(&closed)
		kept.Store(d.methods, []any{write, truncate, synced, closed})
	}
	f.FpMethods = uintptr(unsafe.Pointer(d.methods))
	return 0
}

func (d *disk) file(at uintptr) (opened, *image) {
	o := d.open[at]
	img := d.files[o.path]
	if img == nil {
		img = new(image)
		d.files[o.path] = img
	}
	return o, img
}

func (d *disk) write(tls *libc.TLS, file, data uintptr, n int32, at int64) int32 {
	if d.full.Load() {
		return lib.SQLITE_FULL
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	o, img := d.file(file)
	xWrite := *(*func(*libc.TLS, uintptr, uintptr, int32, int64) int32)(unsafe.Pointer(&o.methods.FxWrite))
	img.pending = append(img.pending, patch{at, slices.Clone(unsafe.Slice((*byte)(pointer(data)), n))})
	return xWrite(tls, file, data, n, at)
}

func (d *disk) truncate(tls *libc.TLS, file uintptr, size int64) int32 {
	d.mu.Lock()
	defer d.mu.Unlock()
	o, img := d.file(file)
	xTruncate := *(*func(*libc.TLS, uintptr, int64) int32)(unsafe.Pointer(&o.methods.FxTruncate))
	img.pending = append(img.pending, patch{at: size})
	return xTruncate(tls, file, size)
}

// sync does not wait for the system's disk: the platter is d.files.
func (d *disk) sync(_ *libc.TLS, file uintptr, _ int32) int32 {
	if d.badSync.Load() {
		return lib.SQLITE_IOERR_FSYNC
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	o, img := d.file(file)
	for _, p := range img.pending {
		img.synced = p.apply(img.synced, len(p.data))
	}
	img.pending = nil
	if strings.HasSuffix(o.path, "-wal") {
		d.syncs.Add(1)
	}
	return 0
}

func (d *disk) closeFile(tls *libc.TLS, file uintptr) int32 {
	d.mu.Lock()
	defer d.mu.Unlock()
	xClose := *(*func(*libc.TLS, uintptr) int32)(unsafe.Pointer(&d.open[file].methods.FxClose))
	delete(d.open, file)
	return xClose(tls, file)
}

// apply writes the first n bytes of a patch.
func (p patch) apply(b []byte, n int) []byte {
	if p.data == nil {
		return b[:min(int64(len(b)), p.at)]
	}
	if grow := p.at + int64(n) - int64(len(b)); grow > 0 {
		b = append(b, make([]byte, grow)...)
	}
	copy(b[p.at:], p.data[:n])
	return b
}

// cut returns the files as a power cut would leave them now: all that was
// synced, and of each write since then all, nothing, or a beginning of some
// sectors.
func (d *disk) cut(dice *rand.Rand) map[string][]byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	left := make(map[string][]byte)
	for path, img := range d.files {
		b := slices.Clone(img.synced)
		for _, p := range img.pending {
			switch dice.IntN(3) {
			case 0:
				b = p.apply(b, len(p.data))
			case 1:
				if p.data != nil {
					b = p.apply(b, len(p.data)/512*dice.IntN(2)*512/2)
				}
			}
		}
		left[filepath.Base(path)] = b
	}
	return left
}
