package virtual

import (
	"crypto/rand"
	"fmt"
	"io/fs"
	"net/http"
	"sync"
	"time"
)

// LocationForm is how a scanner names a new job.
type LocationForm int

// The forms seen on real devices.
const (
	LocationAbsolute LocationForm = iota // http://host:port/eSCL/ScanJobs/…, as most do
	LocationRelative                     // /eSCL/ScanJobs/…
	LocationForeign                      // absolute, with a host name nobody can reach
)

// ScannerOptions say which scanner to be. The zero value is an A4 device with
// a duplex feeder and a glass that misbehaves as real ones do: it answers 503
// once in each job, as when its lamp warms up.
type ScannerOptions struct {
	Make   string // "Virtual" when empty
	Model  string // "Scanner" when empty
	Serial string
	UUID   string // random when empty

	NoFeeder  bool
	NoGlass   bool
	NoDuplex  bool
	DPI       []int         // listed resolutions; 75, 100, 150, 200, 300 and 600 when empty
	GrayOnly  bool          // lists no colour mode
	PageDelay time.Duration // how long one page takes; its bytes trickle meanwhile
	Calm      bool          // never answers 503 while it warms up
	Location  LocationForm
	EndStatus int // answer when there are no more pages: 404 when 0; 409, 410, 503
	// EmptyFail makes a fault in mid-page show as an answer 200 with no bytes,
	// as AirSane does, instead of 409.
	EmptyFail bool
	// JobTimeout is when a job nobody asks for is given up; a minute when 0.
	JobTimeout time.Duration
}

// Sheet is one sheet of paper: the JPEG a scan of each side gives. A Back of
// nil is white.
type Sheet struct {
	Front, Back []byte
}

// Scanner is an eSCL server: a network scanner with a feeder and a glass. It
// serves pages as they were handed to it, whatever resolution and colours the
// client asks for. Its methods may be called from any goroutine. It starts none.
type Scanner struct {
	opts ScannerOptions
	mux  *http.ServeMux

	mu     sync.Mutex
	feeder []Sheet
	glass  []byte
	jobs   []*scanJob // the last few, newest first
	faults []Fault
	stuck  FaultKind         // what stopped the feeder and needs a person
	moved  chan struct{}     // closed when somebody touches the device
	white  map[string][]byte // white pages made so far, by colour mode
}

// NewScanner makes a scanner without paper.
func NewScanner(opts ScannerOptions) *Scanner {
	if opts.Make == "" {
		opts.Make = "Virtual"
	}
	if opts.Model == "" {
		opts.Model = "Scanner"
	}
	if opts.UUID == "" {
		opts.UUID = newUUID()
	}
	if len(opts.DPI) == 0 {
		opts.DPI = []int{75, 100, 150, 200, 300, 600}
	}
	if opts.EndStatus == 0 {
		opts.EndStatus = http.StatusNotFound
	}
	if opts.JobTimeout == 0 {
		opts.JobTimeout = time.Minute
	}
	s := &Scanner{opts: opts, mux: http.NewServeMux(), moved: make(chan struct{}), white: map[string][]byte{}}
	s.mux.HandleFunc("GET /eSCL/ScannerCapabilities", s.serveCapabilities)
	s.mux.HandleFunc("GET /eSCL/ScannerStatus", s.serveStatus)
	s.mux.HandleFunc("POST /eSCL/ScanJobs", s.serveNewJob)
	s.mux.HandleFunc("GET /eSCL/ScanJobs/{id}/NextDocument", s.serveNextDocument)
	s.mux.HandleFunc("GET /eSCL/ScanJobs/{id}/ScanImageInfo", s.serveImageInfo)
	s.mux.HandleFunc("DELETE /eSCL/ScanJobs/{id}", s.serveDelete)
	return s
}

// ServeHTTP speaks eSCL below /eSCL.
func (s *Scanner) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.unplugged() {
		panic(http.ErrAbortHandler) // the connection ends without an answer
	}
	s.mux.ServeHTTP(w, r)
}

// Load takes out what lies in the feeder, frees a jam, and puts one-sided
// sheets in, the first page on top.
func (s *Scanner) Load(pages [][]byte) {
	sheets := make([]Sheet, len(pages))
	for i, p := range pages {
		sheets[i].Front = p
	}
	s.LoadSheets(sheets)
}

// LoadSheets is Load for sheets with two sides.
func (s *Scanner) LoadSheets(sheets []Sheet) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.feeder = append([]Sheet(nil), sheets...)
	s.unstick()
}

// LoadFS is Load for the JPEG files of a folder that match pattern, in the
// order of their names.
func (s *Scanner) LoadFS(fsys fs.FS, pattern string) error {
	names, err := fs.Glob(fsys, pattern)
	if err != nil {
		return fmt.Errorf("virtual scanner: %w", err)
	}
	var pages [][]byte
	for _, name := range names {
		data, err := fs.ReadFile(fsys, name)
		if err != nil {
			return fmt.Errorf("virtual scanner: %w", err)
		}
		pages = append(pages, data)
	}
	s.Load(pages)
	return nil
}

// Place lays a page on the glass; it stays there. A nil page takes it away,
// and the glass then scans white.
func (s *Scanner) Place(page []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.glass = page
}

// Sheets tells how many sheets wait in the feeder.
func (s *Scanner) Sheets() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.feeder)
}

// ActiveJobs tells how many jobs a client has started and neither finished nor
// deleted.
func (s *Scanner) ActiveJobs() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, j := range s.jobs {
		if j.active() {
			n++
		}
	}
	return n
}

// newUUID returns a random UUID (RFC 9562, version 4).
func newUUID() string {
	var b [16]byte
	rand.Read(b[:])
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
