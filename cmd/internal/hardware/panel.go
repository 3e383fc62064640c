package hardware

import (
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"

	"pointnum/drivers/virtual"
	"pointnum/kiosk"
	"pointnum/ui/safeweb"
)

//go:embed panel.html panel.css
var files embed.FS

// State is what the panel shows, and what GET /state answers as JSON.
type State struct {
	Sheets   int      `json:"sheets"`   // in the feeder
	Prints   int      `json:"prints"`   // /printed/1.pdf to /printed/N.pdf
	Receipts int      `json:"receipts"` // /receipts/1.png to /receipts/N.png
	KeyIn    bool     `json:"key_in"`
	KeyDir   string   `json:"key_dir"`
	Lamp     bool     `json:"lamp"`
	Faults   []string `json:"faults"` // "scanner/jam"
}

// Group is a device and the faults it can have.
type Group struct {
	Device, Name string
	Faults       []string
}

// Groups lists every fault switch.
func Groups() []Group {
	return []Group{
		{"scanner", "Scanner", []string{"jam", "double_feed", "cover_open", "busy", "unplugged", "hang", "cut_page", "short_page", "empty_page", "job_aborted"}},
		{"printer", "Imprimante", []string{"media-empty", "media-jam", "cover-open", "toner-empty", "toner-low", "busy", "reject", "aborts", "offline"}},
		{"receipt", "Imprimante de reçus", []string{"paper-out", "near-end", "cover-open", "cutter-error", "overheated", "unplugged", "silent", "stalled"}},
		{"key", "Clé USB", []string{"full", "read-only"}},
	}
}

// state reads what is now.
func (b *Bench) state() State {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := State{Sheets: b.scanner.Sheets(), Prints: b.prints, Receipts: b.slips, KeyIn: b.keyIn,
		KeyDir: b.KeyDir(), Lamp: b.sensors.Lamp(), Faults: []string{}}
	for f, on := range b.faults {
		if on {
			s.Faults = append(s.Faults, f)
		}
	}
	slices.Sort(s.Faults)
	return s
}

// panel serves the panel:
//
//	GET  /                     for people
//	GET  /state                State as JSON
//	POST /load                 sheets=N lays sheets in the feeder and frees a jam; from= and total= number them
//	POST /fault                device=, fault=, on=true|false, sheet=N (scanner)
//	POST /key                  in=true|false; after=BYTES pulls it in mid-save
//	POST /press                signal=help|presence, on=true|false
//	GET  /printed/N.pdf        what came out of the printer
//	GET  /receipts/N.png       what came out of the receipt printer
func (b *Bench) panel() (http.Handler, error) {
	hosts, err := safeweb.Hosts(b.panelLn.Addr())
	if err != nil {
		return nil, fmt.Errorf("panel: %w", err)
	}
	page, err := template.ParseFS(files, "panel.html")
	if err != nil {
		return nil, fmt.Errorf("panel: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		s := b.state()
		on := map[string]bool{}
		for _, f := range s.Faults {
			on[f] = true
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		err := page.Execute(w, map[string]any{"State": s, "Groups": Groups(), "On": on,
			"Prints": numbers(s.Prints), "Receipts": numbers(s.Receipts)})
		if err != nil {
			b.opts.Log.Debug("panel not sent", "err", err)
		}
	})
	mux.Handle("GET /panel.css", http.FileServerFS(files))
	mux.HandleFunc("GET /state", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if err := json.NewEncoder(w).Encode(b.state()); err != nil {
			b.opts.Log.Debug("state not sent", "err", err)
		}
	})
	for path, do := range map[string]func(*http.Request) error{
		"/load": b.postLoad, "/fault": b.postFault, "/key": b.postKey, "/press": b.postPress,
	} {
		mux.HandleFunc("POST "+path, func(w http.ResponseWriter, r *http.Request) {
			if err := do(r); err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
				return
			}
			http.Redirect(w, r, "/", http.StatusSeeOther)
		})
	}
	for _, dir := range []string{"printed", "receipts"} {
		mux.HandleFunc("GET /"+dir+"/{name}", func(w http.ResponseWriter, r *http.Request) {
			http.ServeFile(w, r, filepath.Join(b.opts.Dir, dir, filepath.Base(r.PathValue("name"))))
		})
	}
	return safeweb.Protect(safeweb.Options{Hosts: hosts, Log: b.opts.Log}, mux), nil
}

// numbers is n, n-1, … 1: the newest first.
func numbers(n int) []int {
	var list []int
	for i := n; i > 0; i-- {
		list = append(list, i)
	}
	return list
}

func (b *Bench) postLoad(r *http.Request) error {
	n, err := strconv.Atoi(r.FormValue("sheets"))
	if err != nil || n < 0 || n > 200 {
		return fmt.Errorf("sheets: a number from 0 to 200")
	}
	from, total := 1, n
	if r.FormValue("from") != "" {
		if from, err = strconv.Atoi(r.FormValue("from")); err == nil {
			total, err = strconv.Atoi(r.FormValue("total"))
		}
		if err != nil || from < 1 || from > 200 || total < from || total > 200 {
			return fmt.Errorf("from and total: numbers from 1 to 200")
		}
	}
	b.mu.Lock()
	delete(b.faults, "scanner/jam")
	b.mu.Unlock()
	return b.load(n, from, total)
}

func (b *Bench) postFault(r *http.Request) error {
	device, fault := r.FormValue("device"), r.FormValue("fault")
	on := r.FormValue("on") == "true"
	known := slices.ContainsFunc(Groups(), func(g Group) bool {
		return g.Device == device && slices.Contains(g.Faults, fault)
	})
	if !known {
		return fmt.Errorf("no fault %s of %s", fault, device)
	}
	switch device {
	case "scanner":
		sheet, err := strconv.Atoi("0" + r.FormValue("sheet"))
		if err != nil {
			return fmt.Errorf("sheet: a number")
		}
		kind := virtual.FaultKind(fault)
		if on {
			b.scanner.SetFault(virtual.Fault{Kind: kind, Sheet: sheet, Once: r.FormValue("once") == "true"})
		} else {
			b.scanner.ClearFault(kind)
		}
	case "printer":
		b.printer.Set(virtual.PrinterFault(fault), on)
	case "receipt":
		b.receipts.Set(virtual.ReceiptFault(fault), on)
	case "key":
		if fault == "full" {
			b.key.SetFull(on)
		} else {
			b.key.SetReadOnly(on)
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.faults[device+"/"+fault] = on
	return nil
}

func (b *Bench) postKey(r *http.Request) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if after := r.FormValue("after"); after != "" {
		n, err := strconv.ParseInt(after, 10, 64)
		if err != nil {
			return fmt.Errorf("after: a number of bytes")
		}
		b.key.PullAfter(n)
		return nil
	}
	if b.keyIn = r.FormValue("in") == "true"; b.keyIn {
		b.key.Insert()
	} else {
		b.key.Pull()
	}
	return nil
}

func (b *Bench) postPress(r *http.Request) error {
	signal := kiosk.Signal(r.FormValue("signal"))
	switch signal {
	case kiosk.SignalHelp, kiosk.SignalPresence, kiosk.SignalTamper:
	default:
		return fmt.Errorf("no signal %q", signal)
	}
	if r.FormValue("on") == "false" {
		b.sensors.Release(signal)
	} else {
		b.sensors.Press(signal)
	}
	return nil
}
