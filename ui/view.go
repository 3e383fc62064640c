package ui

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	"pointnum/kiosk"
	"pointnum/kiosk/portal"
	"pointnum/kiosk/session"
	"pointnum/ui/i18n"
)

// view is a state as the page shows it: every text is in the visitor's
// language and ready to be put on the screen.
type view struct {
	Seq     uint64 `json:"seq"`
	Lang    string `json:"lang"`
	Page    string `json:"page"` // which page shows it; another one is to be loaded
	Screen  string `json:"screen"`
	Section string `json:"section"` // the part of the page to show: "fault", "task", "key" or the screen
	Step    int    `json:"step"`    // 1 to 4; 0 outside a visit and on a portal
	Visit   bool   `json:"visit"`   // somebody's visit: it can be ended
	Help    bool   `json:"help"`
	Called  bool   `json:"called"`  // help was, and nobody said yet that they come
	Coming  bool   `json:"coming"`  // somebody is on their way to help
	Message string `json:"message"` // the host's, as it was written
	Paused  string `json:"paused"`  // the host's reason why no visit begins
	Notice  string `json:"notice"`
	Idle    int    `json:"idle"`  // seconds until the visit ends by itself; 0 while nothing warns
	Leave   string `json:"leave"` // what ending the visit would cost
	Wiped   bool   `json:"wiped"`
	Portal  string `json:"portal"` // the current document's, for the choice to come back to

	Task   *taskView   `json:"task"`
	Fault  *faultView  `json:"fault"`
	Scan   scanView    `json:"scan"`
	Review reviewView  `json:"review"`
	Keys   []fileView  `json:"keys"`
	Result *resultView `json:"result"`
	Sites  bool        `json:"sites"`  // a portal can be opened
	Voice  bool        `json:"voice"`  // its pages can be read aloud
	Speaks bool        `json:"speaks"` // so can these screens
	Reads  bool        `json:"reads"`  // something is being read
	Browse *browseView `json:"browse"` // the one that is

	Printer slotView `json:"printer"`

	Phones bool       `json:"phones"` // papers may come from phones
	Phone  *phoneView `json:"phone"`
}

// slotView says whether a device can be used, and else why not.
type slotView struct {
	OK  bool   `json:"ok"`
	Why string `json:"why"`
}

type taskView struct {
	Title   string     `json:"title"`
	Do      string     `json:"do"`
	Count   string     `json:"count"`
	Percent int        `json:"percent"` // -1 when nobody knows
	Picture string     `json:"picture"`
	Cancel  bool       `json:"cancel"`
	Pages   bool       `json:"pages"` // pages arrive: show them
	Waiting *faultView `json:"waiting"`
}

type faultView struct {
	Device  string `json:"device"`
	What    string `json:"what"`
	Do      string `json:"do"`
	Picture string `json:"picture"`
	Badge   string `json:"badge"`
	Kept    string `json:"kept"`
	Sheet   string `json:"sheet"`
	Code    string `json:"code"`
	Retry   bool   `json:"retry"`
}

type scanView struct {
	OK      bool   `json:"ok"`
	Why     string `json:"why"` // why the scanner is not ready
	Key     bool   `json:"key"`
	Pages   string `json:"pages"` // the button on to the review; "" without pages
	Scanner bool   `json:"scanner"`
	Back    bool   `json:"back"` // an empty paper may be given up for the one before
}

type fileView struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Size  string `json:"size"`
	Added bool   `json:"added"`
}

type resultView struct {
	Kind    string     `json:"kind"`
	Portal  string     `json:"portal"`
	Summary string     `json:"summary"`
	Fits    string     `json:"fits"`
	Given   string     `json:"given"` // to the portal; "" when it was not
	Next    string     `json:"next"`
	All     string     `json:"all"`
	Save    actionView `json:"save"`
	Print   actionView `json:"print"`
	Phone   actionView `json:"phone"`
	Receipt actionView `json:"receipt"`
	Site    string     `json:"site"`  // the portal to open, or to go back to; "" when there is none
	Open    string     `json:"open"`  // the button that does
	Sites   bool       `json:"sites"` // another one may be opened
}

// actionView is one of the big buttons of the result.
type actionView struct {
	Show bool   `json:"show"`
	OK   bool   `json:"ok"`
	Done bool   `json:"done"`
	Text string `json:"text"`
	How  string `json:"how"`
}

// view puts a state in words.
func (s *Server) view(st session.State, seq uint64, now time.Time) view {
	l := s.language(st.Lang)
	v := view{
		Seq: seq, Lang: l.Tag, Page: s.page(l.Tag).sum, Screen: string(st.Screen), Section: string(st.Screen),
		Step: step(st.Screen), Help: st.Help, Called: st.Help && !st.Coming, Coming: st.Coming, Wiped: st.Wiped, Paused: st.Paused,
		Scan: s.scanView(l, &st), Review: reviewOf(l, &st),
	}
	if st.Task != nil && st.Task.Kind == session.TaskWipe {
		v.Step = 0 // the visit has ended, its last screen is being erased
	}
	v.Visit = v.Step > 0 || st.Screen == session.ScreenBrowse
	v.Browse = s.browseOf(l, &st)
	v.Sites = st.Browser && v.Browse == nil
	v.Voice, v.Speaks, v.Reads = st.Voice, st.Speaks, st.Reading
	v.Printer = printerView(l, st.Printer)
	if st.Screen == "" {
		v.Screen, v.Section = string(session.ScreenWelcome), string(session.ScreenWelcome)
	}
	if v.Section == string(session.ScreenWelcome) && (st.Paused != "" || st.Closed) {
		v.Section = "shut"
	}
	if st.Screen != session.ScreenBrowse { // a portal's page keeps all the room
		v.Message = st.Message
	}
	if st.Coming {
		v.Notice = l.T("help", "coming")
	}
	if st.Restore && v.Visit {
		v.Notice = l.T("common", "restored")
	}
	if !st.IdleWarning.IsZero() {
		v.Idle = max(1, int((st.IdleWarning.Sub(now)+time.Second/2)/time.Second))
	}
	v.Leave = l.T("leave", "done")
	if undelivered(&st) {
		v.Leave = l.T("leave", "nothing")
	}
	if d := st.Doc(); d != nil {
		v.Portal = d.Portal
		v.Result = s.resultView(l, &st, d)
	}
	if st.Screen == session.ScreenBrowse && st.Browse != nil {
		v.Section = cmp.Or(asks(st.Browse.Asking), v.Section)
	}
	if st.Keys != nil {
		v.Section = "key"
		v.Keys = keysOf(l, st.Keys)
	}
	if v.Phones, v.Phone = st.Phones, s.phoneOf(l, &st); v.Phone != nil {
		v.Section = phoneSection(st.Phone)
	}
	if st.Task != nil {
		v.Section = "task"
		v.Task = s.taskView(l, st.Task)
	}
	if f := st.Fault; f != nil && st.Screen != session.ScreenBroken {
		v.Section = "fault"
		v.Fault = s.faultView(l, f.Code, f.Kind)
		v.Fault.Retry = f.Retry
		if f.Kept > 0 {
			v.Fault.Kept = l.N("fault", "kept", f.Kept)
		}
		if f.Sheet > 0 {
			v.Fault.Sheet = l.T("fault", "sheet", "n", strconv.Itoa(f.Sheet))
		}
	}
	return v
}

// step counts the screens that a visitor goes through.
func step(screen session.Screen) int {
	return 1 + slices.Index([]session.Screen{
		session.ScreenScan, session.ScreenReview, session.ScreenPortal, session.ScreenResult,
	}, screen)
}

// undelivered is true when ending the visit would lose work.
func undelivered(st *session.State) bool {
	return slices.ContainsFunc(st.Documents, func(d session.Document) bool {
		return len(d.Pages) > 0 && len(d.Attached) == 0 && (d.Result == nil || !d.Result.Delivered)
	})
}

func printerView(l *i18n.Language, slot session.Slot) slotView {
	v := slotView{OK: slot.Present && slot.Ready}
	if !v.OK {
		v.Why = l.T("result", "not_ready")
		if len(slot.Conditions) > 0 {
			f := l.Fault(slot.Conditions[0], kiosk.KindPrinter)
			v.Why = f.What + " " + f.Do
		}
	}
	return v
}

func (s *Server) scanView(l *i18n.Language, st *session.State) scanView {
	v := scanView{Scanner: st.Scanner.Present, OK: st.Scanner.Present && st.Scanner.Ready, Key: st.Key.Present}
	if !v.OK {
		v.Why = l.T("scan", "not_ready")
		if len(st.Scanner.Conditions) > 0 {
			f := l.Fault(st.Scanner.Conditions[0], kiosk.KindScanner)
			v.Why = f.What + " " + f.Do
		}
	}
	if d := st.Doc(); d != nil && len(d.Pages) > 0 {
		v.Pages = l.N("scan", "pages", len(d.Pages))
	} else if st.Current > 0 && st.Current < len(st.Documents) {
		v.Back = st.Documents[st.Current-1].Result != nil
	}
	return v
}

func keysOf(l *i18n.Language, k *session.KeyListing) []fileView {
	files := make([]fileView, 0, len(k.Files))
	for _, f := range k.Files {
		files = append(files, fileView{ID: f.ID, Name: f.Name, Size: l.Size(f.Size), Added: slices.Contains(k.Added, f.ID)})
	}
	return files
}

func (s *Server) taskView(l *i18n.Language, t *session.Task) *taskView {
	v := &taskView{
		Title: l.T("task", string(t.Kind)), Do: l.T("task", string(t.Kind)+"_do"),
		Percent: -1, Cancel: t.CanCancel,
		Picture: s.assets.Picture(staticPath, taskPicture(t.Kind)),
		Pages:   t.Kind == session.TaskScan || t.Kind == session.TaskImport || t.Kind == session.TaskReceive,
	}
	switch {
	case t.Total > 0:
		v.Percent = min(100, 100*t.Done/t.Total)
		v.Count = l.T("task", "of", "n", strconv.Itoa(t.Done), "total", strconv.Itoa(t.Total))
	case v.Pages && t.Done > 0:
		v.Count = l.N("task", "pages", t.Done)
	}
	if t.Waiting != "" {
		v.Waiting = s.faultView(l, t.Waiting, taskDevice(t.Kind))
	}
	return v
}

func taskPicture(k session.TaskKind) string {
	switch k {
	case session.TaskScan:
		return "scanner"
	case session.TaskImport, session.TaskSave:
		return "key"
	case session.TaskReceive, session.TaskSend:
		return "device-mobile"
	case session.TaskPrint:
		return "printer"
	case session.TaskReceipt:
		return "receipt"
	case session.TaskAsIs:
		return "clock-counter-clockwise"
	case session.TaskOpen:
		return "globe"
	case session.TaskAttach:
		return "paperclip"
	case session.TaskWipe:
		return "broom"
	default:
		return "file-text"
	}
}

// taskDevice is the kind of device that a task waits for.
func taskDevice(k session.TaskKind) kiosk.Kind {
	switch k {
	case session.TaskScan:
		return kiosk.KindScanner
	case session.TaskImport, session.TaskSave:
		return kiosk.KindKey
	case session.TaskPrint:
		return kiosk.KindPrinter
	case session.TaskReceipt:
		return kiosk.KindReceipt
	default:
		return ""
	}
}

func (s *Server) faultView(l *i18n.Language, code kiosk.Code, kind kiosk.Kind) *faultView {
	f := l.Fault(code, kind)
	return &faultView{
		Device: f.Device, What: f.What, Do: f.Do,
		Picture: s.assets.Picture(staticPath, f.Picture), Badge: s.assets.Picture(staticPath, f.Badge),
		Code: l.T("fault", "code", "code", string(code)),
	}
}

func (s *Server) resultView(l *i18n.Language, st *session.State, d *session.Document) *resultView {
	r := d.Result
	if r == nil {
		return nil
	}
	v := &resultView{Summary: summary(l, r)}
	if k, ok := s.catalogue.Kind(d.Kind); ok {
		v.Kind = k.Official
	}
	if p, ok := s.catalogue.Portal(d.Portal); ok {
		v.Portal, v.Next = p.Official, p.Next.In(l.Tag)
		if a, ok := givenTo(d, p.ID); ok {
			v.Given = l.T("receipt", "given", "portal", p.Official, "time", l.Time(a.At))
		} else {
			// The kiosk sends nothing by itself: what comes after starts with sending.
			v.Next = l.T("receipt", "send", "portal", p.Official) + " " + v.Next
		}
		v.Fits = fits(l, r, p)
		if st.Browser && p.Address != "" {
			v.Site, v.Open = p.ID, l.T("result", "open_site", "portal", p.Official)
		}
	}
	if b := st.Browse; b != nil { // to the one that is open, whichever it is
		v.Site, v.Open = b.Portal, l.T("browse", "return")
	}
	v.Sites = st.Browser && v.Site == ""
	if len(st.Documents) > 1 {
		v.All = l.N("result", "all", len(st.Documents))
	}
	v.Save = deliver(l, st.Key, len(r.OnKey) > 0, "save", "saved", "save_how")
	v.Print = deliver(l, st.Printer, r.Printed, "print", "printed", "print_how")
	v.Phone = phoned(l, st, r.OnPhone)
	v.Receipt = deliver(l, st.ReceiptPrinter, st.Receipt, "receipt", "receipt_done", "receipt_how")
	// A key that is not there can be brought: its button stays, and says how.
	if v.Save.Show && !st.Key.Ready {
		v.Save.OK = true
		if !v.Save.Done {
			v.Save.How = l.T("result", "save_absent")
		}
	}
	return v
}

func summary(l *i18n.Language, r *session.Result) string {
	pages, size := l.N("result", "pages", r.Pages), l.Size(r.Bytes)
	if r.Files > 1 {
		return l.T("result", "summary_files", "files", l.N("result", "files", r.Files), "pages", pages, "size", size)
	}
	return l.T("result", "summary", "pages", pages, "size", size)
}

// fits says that a document fits only when the portal's own rule is known.
func fits(l *i18n.Language, r *session.Result, p *portal.Portal) string {
	text := l.T("result", "fits_unknown")
	if r.Known {
		text = l.T("result", "fits", "portal", p.Official, "limit", l.Size(r.MaxBytes))
	}
	if r.Passed {
		text += " " + l.T("result", "passed")
	}
	return text
}

// deliver is the button of a way to take a document away.
func deliver(l *i18n.Language, slot session.Slot, done bool, todo, did, how string) actionView {
	v := actionView{Show: slot.Present, OK: slot.Ready, Done: done, Text: l.T("result", todo), How: l.T("result", how)}
	if done {
		v.Text, v.How = l.T("result", did), l.T("result", "again")
	}
	if !slot.Ready && !done {
		v.How = l.T("result", "not_ready")
	}
	return v
}
