package virtual

import (
	"bytes"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"net/http"
	"strconv"
	"time"
)

// The states of a job (PWG 5107.3).
const (
	jobProcessing = "Processing"
	jobCompleted  = "Completed"
	jobAborted    = "Aborted"
	jobCanceled   = "Canceled"
)

// keptJobs is how many jobs the status lists.
const keptJobs = 5

// chunks is in how many pieces a page trickles.
const chunks = 20

// scanJob is one client's job. The Scanner's lock guards it.
type scanJob struct {
	id      string
	set     scanSettings
	state   string
	reason  string
	warm    bool // has answered its 503
	sheet   int  // being scanned, from 1
	sent    int  // pages
	side    []byte
	hasSide bool   // side is the back that is still to be sent
	last    []byte // what ScanImageInfo describes
	touched time.Time
	over    chan struct{} // closed when the job ends
}

func (j *scanJob) active() bool       { return j.state == jobProcessing }
func (j *scanJob) path() string       { return "/eSCL/ScanJobs/" + j.id }
func (j *scanJob) age() time.Duration { return time.Since(j.touched) }

func (j *scanJob) end(state, reason string) {
	if j.active() {
		j.state, j.reason = state, reason
		close(j.over)
	}
}

func (s *Scanner) serveNewJob(w http.ResponseWriter, r *http.Request) {
	set, err := s.readSettings(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.strikes(FaultBusy, 0) || s.occupied() {
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	if set.InputSource == "Feeder" && (len(s.feeder) == 0 || s.stuck != "") {
		w.WriteHeader(http.StatusConflict)
		return
	}
	j := &scanJob{id: newUUID(), set: set, state: jobProcessing, reason: "JobScanning",
		touched: time.Now(), over: make(chan struct{}), warm: s.opts.Calm}
	s.jobs = append([]*scanJob{j}, s.jobs[:min(len(s.jobs), keptJobs-1)]...)
	location := j.path()
	switch s.opts.Location {
	case LocationAbsolute:
		location = "http://" + r.Host + location
	case LocationForeign:
		location = "http://scanner.invalid:8080" + location
	}
	w.Header().Set("Location", location)
	w.WriteHeader(http.StatusCreated)
}

// occupied reports whether a job holds the device; one that nobody asks for is
// given up after a while.
func (s *Scanner) occupied() bool {
	busy := false
	for _, j := range s.jobs {
		if j.active() && j.age() > s.opts.JobTimeout {
			j.end(jobAborted, "JobTimedOut")
		}
		busy = busy || j.active()
	}
	return busy
}

func (s *Scanner) job(id string) *scanJob {
	for _, j := range s.jobs {
		if j.id == id {
			return j
		}
	}
	return nil
}

func (s *Scanner) serveDelete(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	j := s.job(r.PathValue("id"))
	if j == nil {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	j.end(jobCanceled, "JobCanceledByUser")
}

func (s *Scanner) serveImageInfo(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	j := s.job(r.PathValue("id"))
	if j == nil || j.last == nil {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	conf, err := jpeg.DecodeConfig(bytes.NewReader(j.last))
	if err != nil {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	perLine := conf.Width * 3
	if conf.ColorModel == color.GrayModel {
		perLine = conf.Width
	}
	writeXML(w, "ScanImageInfo", element("pwg:JobUri", j.path())+element("pwg:JobUuid", j.id)+
		element("scan:ActualWidth", conf.Width)+element("scan:ActualHeight", conf.Height)+
		element("scan:ActualBytesPerLine", perLine))
}

// delivery is a page on its way: what the announced length is, what really
// comes, and how it ends.
type delivery struct {
	page   []byte
	length int
	hang   bool
	drop   bool
	status int // instead of a page
	nth    int // of the job's pages
}

func (s *Scanner) serveNextDocument(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	j := s.job(r.PathValue("id"))
	if j == nil || j.state == jobCanceled {
		s.mu.Unlock()
		w.WriteHeader(http.StatusNotFound)
		return
	}
	d := s.nextPage(j)
	s.mu.Unlock()
	if d.drop && d.length == 0 {
		panic(http.ErrAbortHandler)
	}
	if d.status != 0 {
		if d.status == http.StatusServiceUnavailable {
			w.Header().Set("Retry-After", "1")
		}
		w.WriteHeader(d.status)
		return
	}
	w.Header().Set("Content-Type", "image/jpeg")
	w.Header().Set("Content-Length", strconv.Itoa(d.length))
	if !s.trickle(w, r, j, d) || d.drop {
		panic(http.ErrAbortHandler)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if j.sent == d.nth { // else the client was faster, and the last page is under way
		s.settle(j)
	}
}

// settle ends a job whose last page was sent.
func (s *Scanner) settle(j *scanJob) {
	j.touched = time.Now()
	if j.set.InputSource == "Platen" || len(s.feeder) == 0 && !j.hasSide {
		j.end(jobCompleted, "JobCompletedSuccessfully")
	}
}

// nextPage moves the paper and says what the client gets. Faults of a sheet
// are looked up in the order in which a sheet meets them.
func (s *Scanner) nextPage(j *scanJob) delivery {
	j.touched = time.Now()
	if !j.active() {
		return delivery{status: s.opts.EndStatus}
	}
	if !j.warm {
		j.warm = true
		return delivery{status: http.StatusServiceUnavailable}
	}
	due := j.sheet + 1
	if j.hasSide {
		due = j.sheet
	}
	switch {
	case s.strikes(FaultPageBusy, due):
		return delivery{status: http.StatusServiceUnavailable}
	case s.strikes(FaultEarlyEnd, due):
		return delivery{status: s.opts.EndStatus}
	case s.strikes(FaultJobAborted, due):
		j.end(jobAborted, "AbortedBySystem")
		return s.failed()
	case s.sheetUnplugs(due):
		return delivery{drop: true}
	}
	page, ok := s.feed(j)
	if !ok {
		if s.stuck != "" {
			return s.failed()
		}
		j.end(jobCompleted, "JobCompletedSuccessfully")
		return delivery{status: s.opts.EndStatus}
	}
	j.last = page
	j.sent++
	d := s.spoil(page, j.sheet)
	d.nth = j.sent
	return d
}

// failed is the answer to a request for a page that can't come.
func (s *Scanner) failed() delivery {
	if s.opts.EmptyFail {
		return delivery{page: []byte{}}
	}
	return delivery{status: http.StatusConflict}
}

// sheetUnplugs pulls the cable when a fault says so for this sheet.
func (s *Scanner) sheetUnplugs(sheet int) bool {
	if !s.strikes(FaultUnplugged, sheet) {
		return false
	}
	s.faults = append(s.faults, Fault{Kind: FaultUnplugged})
	return true
}

// feed takes the next side from the glass or the feeder; false when there is
// none or the feeder stopped.
func (s *Scanner) feed(j *scanJob) ([]byte, bool) {
	if j.set.InputSource == "Platen" {
		j.sheet = 1
		if s.glass == nil {
			return s.whitePage(j.set), true
		}
		return s.glass, true
	}
	if j.hasSide {
		j.hasSide = false
		return j.side, true
	}
	if len(s.feeder) == 0 {
		return nil, false
	}
	j.sheet++
	for _, kind := range []FaultKind{FaultCoverOpen, FaultHatchOpen, FaultJam, FaultDoubleFeed} {
		if s.stuck == kind || s.strikes(kind, j.sheet) {
			s.stuck = kind
			s.feeder = s.feeder[1:]
			j.end(jobAborted, "ResourcesAreNotReady")
			return nil, false
		}
	}
	sheet := s.feeder[0]
	s.feeder = s.feeder[1:]
	if j.set.Duplex {
		j.side, j.hasSide = sheet.Back, true
		if sheet.Back == nil {
			j.side = s.whitePage(j.set)
		}
	}
	return sheet.Front, true
}

// spoil applies the faults of a page that is sent after all.
func (s *Scanner) spoil(page []byte, sheet int) delivery {
	half := page[:len(page)/2]
	switch {
	case s.strikes(FaultEmptyPage, sheet):
		return delivery{page: []byte{}}
	case s.strikes(FaultCutPage, sheet):
		return delivery{page: half, length: len(half)}
	case s.strikes(FaultShortPage, sheet):
		return delivery{page: half, length: len(page), drop: true}
	case s.strikes(FaultHang, sheet):
		return delivery{page: half, length: len(page), hang: true, drop: true}
	}
	return delivery{page: page, length: len(page)}
}

// trickle sends a page over PageDelay. It reports false when the client went
// away or the job was deleted.
func (s *Scanner) trickle(w http.ResponseWriter, r *http.Request, j *scanJob, d delivery) bool {
	out := http.NewResponseController(w)
	for i := range chunks {
		if !pause(r, j, s.opts.PageDelay/chunks) {
			return false
		}
		if _, err := w.Write(d.page[i*len(d.page)/chunks : (i+1)*len(d.page)/chunks]); err != nil {
			return false
		}
		if s.opts.PageDelay > 0 || d.drop {
			_ = out.Flush() // a client that went away shows at the next write
		}
	}
	for d.hang && !s.unplugged() {
		s.mu.Lock()
		moved := s.moved
		s.mu.Unlock()
		select {
		case <-moved:
			return false
		case <-r.Context().Done():
			return false
		case <-j.over:
			return false
		}
	}
	return true
}

func pause(r *http.Request, j *scanJob, d time.Duration) bool {
	if d <= 0 {
		return r.Context().Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-r.Context().Done():
		return false
	case <-j.over:
		return false
	}
}

// whitePage is what the glass scans with nothing on it: A4 at 75 dpi, in the
// colours asked for.
func (s *Scanner) whitePage(set scanSettings) []byte {
	if page := s.white[set.ColorMode]; page != nil {
		return page
	}
	area := image.Rect(0, 0, 620, 877)
	var img draw.Image = image.NewGray(area)
	if set.ColorMode == "RGB24" {
		img = image.NewRGBA(area)
	}
	draw.Draw(img, area, image.White, image.Point{}, draw.Src)
	var b bytes.Buffer
	_ = jpeg.Encode(&b, img, nil) // a Buffer takes everything
	s.white[set.ColorMode] = b.Bytes()
	return b.Bytes()
}
