package virtual

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/OpenPrinting/goipp"
)

// maxPrintRequest bounds one request with its document.
const maxPrintRequest = 256 << 20

// ServeHTTP implements http.Handler: IPP 1.1 and 2.0 over POST.
func (p *Printer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if p.on(PrinterOffline) {
		panic(http.ErrAbortHandler)
	}
	if r.Method != http.MethodPost || r.Header.Get("Content-Type") != goipp.ContentType {
		http.Error(w, "IPP only", http.StatusBadRequest)
		return
	}
	body := http.MaxBytesReader(w, r.Body, maxPrintRequest)
	var req goipp.Message
	if err := req.DecodeEx(body, goipp.DecoderOptions{EnableWorkarounds: true}); err != nil {
		http.Error(w, "no IPP message", http.StatusBadRequest)
		return
	}
	document, err := io.ReadAll(body)
	if err != nil {
		panic(http.ErrAbortHandler) // the sender went away: the document is not whole
	}
	if p.on(PrinterOffline) {
		panic(http.ErrAbortHandler)
	}
	resp := p.answer(&req, document, "ipp://"+r.Host+r.URL.Path)
	if p.lose(goipp.Op(req.Code)) {
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("Content-Type", goipp.ContentType)
	_ = resp.Encode(w) // the client is gone: nothing to tell it
}

func (p *Printer) on(f PrinterFault) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.faults[f]
}

func (p *Printer) lose(op goipp.Op) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.loses[op] == 0 {
		return false
	}
	p.loses[op]--
	return true
}

// exchange is one question and what belongs to it.
type exchange struct {
	req      *goipp.Message
	document []byte
	uri      string
	groups   goipp.Groups
}

func (p *Printer) answer(req *goipp.Message, document []byte, uri string) *goipp.Message {
	version := goipp.DefaultVersion
	if req.Version.Major() == 1 {
		version = goipp.MakeVersion(1, 1) // RFC 8011 §4.1.8
	}
	e := &exchange{req: req, document: document, uri: uri}
	p.mu.Lock()
	status := p.serve(e)
	p.bump()
	p.mu.Unlock()
	groups := goipp.Groups{{Tag: goipp.TagOperationGroup, Attrs: goipp.Attributes{
		goipp.MakeAttribute("attributes-charset", goipp.TagCharset, goipp.String("utf-8")),
		goipp.MakeAttribute("attributes-natural-language", goipp.TagLanguage, goipp.String("en")),
		goipp.MakeAttribute("status-message", goipp.TagText, goipp.String(status.String())),
	}}}
	return goipp.NewMessageWithGroups(version, goipp.Code(status), req.RequestID, append(groups, e.groups...))
}

// serve does one operation; mu is held.
func (p *Printer) serve(e *exchange) goipp.Status {
	if len(e.req.Operation) < 2 || e.req.Operation[0].Name != "attributes-charset" {
		return goipp.StatusErrorBadRequest
	}
	switch goipp.Op(e.req.Code) {
	case goipp.OpGetPrinterAttributes:
		e.groups.Add(goipp.Group{Tag: goipp.TagPrinterGroup, Attrs: e.only(p.attributes(e.uri))})
		return goipp.StatusOk
	case goipp.OpValidateJob:
		return p.admit(e)
	case goipp.OpCreateJob:
		if p.opts.PrintJobOnly {
			return goipp.StatusErrorOperationNotSupported
		}
		return p.create(e)
	case goipp.OpPrintJob:
		status := p.create(e)
		if status == goipp.StatusOk {
			p.load(p.jobs[len(p.jobs)-1], e)
		}
		return status
	case goipp.OpSendDocument:
		return p.sendDocument(e)
	case goipp.OpGetJobAttributes:
		j := p.job(e)
		if j == nil {
			return goipp.StatusErrorNotFound
		}
		e.groups.Add(goipp.Group{Tag: goipp.TagJobGroup, Attrs: e.only(p.jobAttributes(j, e.uri))})
		return goipp.StatusOk
	case goipp.OpGetJobs:
		return p.getJobs(e)
	case goipp.OpCancelJob:
		return p.cancel(e)
	}
	return goipp.StatusErrorOperationNotSupported
}

// admit says whether a job would be taken.
func (p *Printer) admit(e *exchange) goipp.Status {
	format := e.text("document-format")
	media := e.text("media")
	switch {
	case p.faults[PrinterReject]:
		return goipp.StatusErrorAttributesOrValues
	case format != "" && !slices.Contains(p.opts.Formats, format):
		return goipp.StatusErrorDocumentFormatNotSupported
	case media != "" && media != "iso_a4_210x297mm":
		return goipp.StatusErrorAttributesOrValues
	}
	return goipp.StatusOk
}

func (p *Printer) create(e *exchange) goipp.Status {
	if p.faults[PrinterBusy] {
		return goipp.StatusErrorBusy
	}
	if status := p.admit(e); status != goipp.StatusOk {
		return status
	}
	j := &printJob{state: 4, reason: "job-incoming"}
	j.ID = len(p.jobs) + 1
	j.Name = e.text("job-name")
	j.Sides = e.text("sides")
	if j.Sides == "" {
		j.Sides = "one-sided"
	}
	j.Copies = max(1, e.int("copies"))
	j.Gray = e.text("print-color-mode") == "monochrome"
	p.jobs = append(p.jobs, j)
	e.groups.Add(goipp.Group{Tag: goipp.TagJobGroup, Attrs: p.jobAttributes(j, e.uri)})
	return goipp.StatusOk
}

// load gives a job its document.
func (p *Printer) load(j *printJob, e *exchange) {
	j.Data, j.MediaType, j.complete = e.document, e.text("document-format"), true
	j.total = sidesOf(j.Data) * j.Copies
	j.state, j.reason = 3, "none"
	e.groups = goipp.Groups{{Tag: goipp.TagJobGroup, Attrs: p.jobAttributes(j, e.uri)}}
}

func (p *Printer) sendDocument(e *exchange) goipp.Status {
	j := p.job(e)
	switch {
	case j == nil:
		return goipp.StatusErrorNotFound
	case j.complete || j.state >= 7:
		return goipp.StatusErrorNotPossible
	case !slices.Contains(p.opts.Formats, e.text("document-format")):
		j.end(8, "unsupported-document-format")
		return goipp.StatusErrorDocumentFormatNotSupported
	}
	p.load(j, e)
	return goipp.StatusOk
}

func (p *Printer) cancel(e *exchange) goipp.Status {
	j := p.job(e)
	switch {
	case j == nil:
		return goipp.StatusErrorNotFound
	case j.state >= 7:
		return goipp.StatusErrorNotPossible
	case !j.complete:
		j.end(7, "job-canceled-by-user")
	default:
		j.reason = cancelling
	}
	return goipp.StatusOk
}

func (p *Printer) getJobs(e *exchange) goipp.Status {
	completed := e.text("which-jobs") == "completed"
	limit := e.int("limit")
	for _, j := range slices.Backward(p.jobs) {
		if (j.state >= 7) != completed {
			continue
		}
		if limit > 0 && len(e.groups) == limit {
			break
		}
		e.groups.Add(goipp.Group{Tag: goipp.TagJobGroup, Attrs: e.only(p.jobAttributes(j, e.uri))})
	}
	return goipp.StatusOk
}

func (p *Printer) job(e *exchange) *printJob {
	id := e.int("job-id")
	if id < 1 || id > len(p.jobs) {
		return nil
	}
	return p.jobs[id-1]
}

// text returns the first string of an attribute of the request.
func (e *exchange) text(name string) string {
	for _, a := range slices.Concat(e.req.Operation, e.req.Job) {
		if a.Name == name && len(a.Values) > 0 {
			return a.Values[0].V.String()
		}
	}
	return ""
}

func (e *exchange) int(name string) int {
	for _, a := range slices.Concat(e.req.Operation, e.req.Job) {
		if a.Name == name && len(a.Values) > 0 {
			if n, ok := a.Values[0].V.(goipp.Integer); ok {
				return int(n)
			}
		}
	}
	return 0
}

// only keeps what requested-attributes asks for.
func (e *exchange) only(all goipp.Attributes) goipp.Attributes {
	var asked []string
	for _, a := range e.req.Operation {
		if a.Name == "requested-attributes" {
			for _, v := range a.Values {
				asked = append(asked, v.V.String())
			}
		}
	}
	groups := []string{"all", "printer-description", "job-template", "job-description"}
	if len(asked) == 0 || slices.ContainsFunc(asked, func(s string) bool { return slices.Contains(groups, s) }) {
		return all
	}
	return slices.DeleteFunc(all, func(a goipp.Attribute) bool { return !slices.Contains(asked, a.Name) })
}

func (p *Printer) jobAttributes(j *printJob, uri string) goipp.Attributes {
	return goipp.Attributes{
		num("job-id", j.ID),
		str("job-uri", goipp.TagURI, fmt.Sprintf("%s/%d", strings.TrimSuffix(uri, "/"), j.ID)),
		str("job-name", goipp.TagName, j.Name),
		goipp.MakeAttribute("job-state", goipp.TagEnum, goipp.Integer(j.state)),
		str("job-state-reasons", goipp.TagKeyword, j.reason),
		num("job-impressions-completed", j.sides),
		str("job-originating-user-name", goipp.TagName, "anonymous"),
		str("job-printer-uri", goipp.TagURI, uri),
		num("job-printer-up-time", p.upTime()),
	}
}

func (p *Printer) upTime() int { return 1 + int(time.Since(p.started)/time.Second) }

func num(name string, n int) goipp.Attribute {
	return goipp.MakeAttribute(name, goipp.TagInteger, goipp.Integer(n))
}

func str(name string, tag goipp.Tag, values ...string) goipp.Attribute {
	a := goipp.Attribute{Name: name}
	for _, v := range values {
		a.Values.Add(tag, goipp.String(v))
	}
	return a
}

func enums(name string, values ...goipp.Op) goipp.Attribute {
	a := goipp.Attribute{Name: name}
	for _, v := range values {
		a.Values.Add(goipp.TagEnum, goipp.Integer(v))
	}
	return a
}

// printerState is printer-state and its reasons; mu is held.
func (p *Printer) printerState() (state int, reasons []string) {
	state = 3
	working := p.turn < len(p.jobs) && p.jobs[p.turn].complete && p.jobs[p.turn].state < 7
	if working {
		state = 4
	}
	for _, f := range stops {
		if p.faults[f] {
			// A real laser printer says -error and stops; the suffix is ours to
			// choose, drivers must not need it.
			reasons = append(reasons, string(f)+"-error")
			state = 5
		}
	}
	if p.faults[PrinterMediaEmpty] && working {
		reasons = append(reasons, "media-needed-error")
	}
	if p.faults[PrinterTonerLow] {
		reasons = append(reasons, "toner-low-warning")
	}
	if len(reasons) == 0 {
		reasons = []string{"none"}
	}
	return state, reasons
}
