package session

import (
	"crypto/rand"
	"encoding/hex"
	"slices"
	"time"

	"pointnum/kiosk"
	"pointnum/kiosk/spool"
)

// visit is everything the engine must find again after a crash: the journal's
// content. Only the engine's goroutine touches it.
type visit struct {
	ID      string
	Lang    string
	Screen  Screen
	Papers  []*paper
	Current int
	Pages   map[string]*page   // deleted ones too: undo brings them back
	Origins map[string]*origin // files brought in
	Receipt bool
	Help    bool
	Sides   int // printed
	// Delivered says that something was saved, printed, sent or attached,
	// whatever became of its paper.
	Delivered bool
	// Portal is the portal that was opened last; Browsing says that it was
	// open, or about to be, when this was written.
	Portal   string
	Browsing bool
	Task     TaskKind // in hand when this was written; "" none
	Added    int      // pages that task brought
	Fault    *Fault
	Started  time.Time
	Ending   Reason // it was being ended
	// Alive is when the agent was last known to run, Restarts how often it
	// was started since somebody last did something.
	Alive    time.Time
	Restarts int
}

// page is one page, whatever became of it.
type page struct {
	// Raw is what the scanner sent; nil for pages of files. Once the page is
	// ready it is kept only as long as it is the way back from the Changes.
	Raw    *spool.Blob
	RawDPI int
	Sheet  int
	Tries  int // at making it ready

	Ready   bool
	version                // as it was made ready
	Changes []kiosk.Change // made to it
	Turned  int            // by how many degrees clockwise one of them was
	Came    *version       // as it came, without the Changes; nil until asked for
	Origin  string
	Index   int // in Origin
}

// version is one of the looks of a page.
type version struct {
	Master, Preview, Thumb spool.Blob
	Packed                 *spool.Blob // nil when there is none
	DPI                    int
	Kind                   kiosk.PageKind
	Findings               []kiosk.Finding
}

// blobs are what the spool holds of it.
func (v *version) blobs() []spool.Blob {
	all := []spool.Blob{v.Master, v.Preview, v.Thumb}
	if v.Packed != nil {
		all = append(all, *v.Packed)
	}
	return all
}

// blobs are what the spool holds of a page, whatever became of it.
func (p *page) blobs() []spool.Blob {
	var all []spool.Blob
	if p.Raw != nil {
		all = append(all, *p.Raw)
	}
	if p.Ready {
		all = append(all, p.version.blobs()...)
	}
	if p.Came != nil {
		all = append(all, p.Came.blobs()...)
	}
	return all
}

// shown is the version of the page that a leaf shows.
func (p *page) shown(asIs bool) *version {
	if asIs && p.Came != nil {
		return p.Came
	}
	return &p.version
}

// origin is a file somebody brought, as it came.
type origin struct {
	Blob  spool.Blob
	Name  string
	Paper string // the document its pages are added to
	Next  int    // the first page that was not taken over yet
	Pages int
	Done  bool
	Tries int
}

// result is what was made of a paper.
type result struct {
	Format    kiosk.Format
	Files     []spool.Blob
	Pages     int
	MaxBytes  int64
	Known     bool
	Passed    bool
	Name      string
	OnKey     []string // names of finished savings
	Saved     []string // names of the one under way
	Printed   bool
	OnPhone   bool
	Delivered bool

	Paper *spool.Blob // the PDF for printing, where the files are none
	// PrintJob names the job on the printer until it is known to be out. A
	// new try under the same name is never printed twice.
	PrintJob string
}

func newVisit(lang string, now time.Time) *visit {
	v := &visit{
		ID: newID(), Lang: lang, Screen: ScreenScan, Started: now, Alive: now,
		Pages: make(map[string]*page), Origins: make(map[string]*origin),
	}
	v.addPaper()
	return v
}

func (v *visit) addPaper() {
	v.Papers = append(v.Papers, &paper{ID: newID()})
	v.Current = len(v.Papers) - 1
}

// show makes a paper the current one.
func (v *visit) show(p *paper) {
	if i := slices.Index(v.Papers, p); i >= 0 {
		v.Current = i
	}
}

// drop takes a paper out; there is always one left.
func (v *visit) drop(p *paper) {
	i := slices.Index(v.Papers, p)
	if i < 0 || len(v.Papers) == 1 {
		return
	}
	v.Papers = slices.Delete(slices.Clone(v.Papers), i, i+1)
	if v.Current >= i {
		v.Current = max(0, v.Current-1)
	}
}

func (v *visit) paper() *paper { return v.Papers[v.Current] }

func (v *visit) paperByID(id string) *paper {
	if i := slices.IndexFunc(v.Papers, func(p *paper) bool { return p.ID == id }); i >= 0 {
		return v.Papers[i]
	}
	return nil
}

func (v *visit) pageCount() int {
	n := 0
	for _, p := range v.Papers {
		n += len(p.Leaves)
	}
	return n
}

func (v *visit) hasResult() bool {
	return slices.ContainsFunc(v.Papers, func(p *paper) bool { return p.Result != nil })
}

// documents is the papers as screens see them.
func (v *visit) documents() []Document {
	docs := make([]Document, len(v.Papers))
	for i, p := range v.Papers {
		docs[i] = Document{ID: p.ID, Kind: p.Kind, Portal: p.Portal, Result: p.Result.public(),
			Attached: slices.Clone(p.Attached), From: p.From}
		for _, l := range p.Leaves {
			pg := v.Pages[l.Page]
			public := Page{ID: l.Page, Picture: pictureName(l.Page, l.AsIs), Turn: l.Turn,
				Findings: pg.shown(l.AsIs).Findings, Ready: pg.Ready, AsIs: l.AsIs}
			if v.hasWayBack(pg) {
				public.Changes = pg.Changes
			}
			docs[i].Pages = append(docs[i].Pages, public)
		}
	}
	return docs
}

func (r *result) public() *Result {
	if r == nil {
		return nil
	}
	return &Result{
		Format: r.Format, Files: len(r.Files), Pages: r.Pages, Bytes: r.bytes(),
		MaxBytes: r.MaxBytes, Known: r.Known, Passed: r.Passed, Name: r.Name,
		OnKey: slices.Clone(r.OnKey), Printed: r.Printed, OnPhone: r.OnPhone, Delivered: r.Delivered,
	}
}

func (r *result) bytes() int64 {
	var n int64
	for _, f := range r.Files {
		n += f.Size
	}
	return n
}

// blobs are the spool's blobs that the visit still needs.
func (v *visit) blobs() map[string]bool {
	ids := make(map[string]bool)
	for _, p := range v.Pages {
		for _, b := range p.blobs() {
			ids[b.ID] = true
		}
	}
	for _, o := range v.Origins {
		ids[o.Blob.ID] = true
	}
	for _, p := range v.Papers {
		for _, b := range p.Result.blobs() {
			ids[b.ID] = true
		}
	}
	return ids
}

func (r *result) blobs() []spool.Blob {
	if r == nil {
		return nil
	}
	all := slices.Clone(r.Files)
	if r.Paper != nil {
		all = append(all, *r.Paper)
	}
	return all
}

func newID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}
