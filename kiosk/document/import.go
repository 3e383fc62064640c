package document

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"time"

	"pointnum/kiosk"
	"pointnum/kiosk/document/tool"
	"pointnum/kiosk/document/wire"
)

// Bounds of what a child may say of a page.
const (
	maxSide    = 20_000
	maxMaster  = 64 << 20
	maxPreview = 8 << 20
)

// transferTime is how long an input may take on its way to the child.
const transferTime = 2 * time.Minute

// Import reads an input; see kiosk.Documents. Pages of a damaged file that
// can't be drawn are left out, and the others carry VerdictPartial.
func (e *Engine) Import(ctx context.Context, in kiosk.Input, each func(kiosk.Page) error) error {
	return e.open(ctx, in, nil, func(p kiosk.Page, _ wire.PageMessage) error {
		if len(e.o.Words) > 0 {
			e.words.add(p, append(slices.Clone(e.o.Words), languages[in.Language]...))
		}
		return each(p)
	})
}

// languages are the names that tesseract has for those of the screens.
var languages = map[string][]string{
	"fr": {"fra"}, "en": {"eng"}, "ar": {"ara"}, "es": {"spa"}, "pt": {"por"}, "tr": {"tur"}, "ru": {"rus"}, "uk": {"ukr"}, "fa": {"fas"}, "ps": {"pus"}, "ro": {"ron"},
}

// eachPage gets a page, and what the child said of it.
type eachPage func(kiosk.Page, wire.PageMessage) error

// open reads an input, an office file by way of a PDF; opened, which may be
// nil, hears what it is.
func (e *Engine) open(ctx context.Context, in kiosk.Input, opened func(wire.OpenedMessage), each eachPage) error {
	err := e.read(ctx, in, opened, each)
	var office *officeError
	if !errors.As(err, &office) {
		return err
	}
	r, err := openInput(in.Open, in.Size, e.o.MaxInput)
	if err != nil {
		return err
	}
	defer r.Close()
	data, err := e.tools.PDF(ctx, r, office.kind)
	if err != nil {
		return err
	}
	made := kiosk.Input{Name: in.Name, Size: int64(len(data)), AsIs: in.AsIs,
		Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil }}
	return e.read(ctx, made, func(m wire.OpenedMessage) {
		if opened != nil {
			opened(wire.OpenedMessage{Total: m.Total, Format: string(office.kind)})
		}
	}, func(p kiosk.Page, m wire.PageMessage) error {
		if p.Index == 0 {
			p.Source = data
		}
		return each(p, m)
	})
}

// officeKinds are those that can be turned into a PDF.
var officeKinds = []tool.OfficeKind{tool.DOCX, tool.DOC, tool.ODT, tool.RTF, tool.XLSX, tool.XLS, tool.ODS, tool.PPTX, tool.PPT, tool.ODP}

// officeError is the error of an office file: another program has to make a
// PDF of it.
type officeError struct{ kind tool.OfficeKind }

// Error says what it is.
func (e *officeError) Error() string { return "document: an office file" }

// Unwrap is what the error is where there is no such program.
func (e *officeError) Unwrap() error {
	return &kiosk.Error{Code: kiosk.CodeFileUnsupported, Op: "document: office file"}
}

// read reads an input that is a PDF or a picture.
func (e *Engine) read(ctx context.Context, in kiosk.Input, opened func(wire.OpenedMessage), each eachPage) error {
	if in.Size == 0 {
		return &kiosk.Error{Code: kiosk.CodeFileEmpty, Op: "document: import"}
	}
	r, err := openInput(in.Open, in.Size, e.o.MaxInput)
	if err != nil {
		return err
	}
	defer r.Close()
	p, err := e.take(ctx)
	if err != nil {
		return err
	}
	defer e.release(p)
	defer p.stopAfter(ctx)()
	t := newTimer(e.o, p)
	defer t.stop()
	// A visitor's key may be slow: reading it is not the child's time.
	p.limit(transferTime)
	job := e.job(wire.Import)
	job.Size, job.Scanned, job.DPI, job.AsIs = in.Size, in.Scanned, in.DPI, in.AsIs
	if err := wire.Send(p.in, wire.Job, job); err != nil {
		return p.fail(err, kiosk.CodeInternal)
	}
	if err := wire.SendInput(p.in, r, e.o.MaxInput); err != nil {
		return p.fail(err, kiosk.CodeFileBroken)
	}
	t.probe()
	return e.receivePages(p, t, opened, each)
}

func (e *Engine) job(op wire.Op) wire.JobMessage {
	return wire.JobMessage{Op: op, MaxPages: e.o.MaxPages, MaxPixels: e.o.MaxPixels, MaxInput: e.o.MaxInput,
		MaxMemory: e.o.MaxMemory / 2}
}

func (e *Engine) receivePages(p *process, t *timer, opened func(wire.OpenedMessage), each eachPage) error {
	for n := 0; ; {
		k, payload, err := wire.Read(p.r, wire.MaxMessage, wire.Opened, wire.Page, wire.Done)
		if err != nil {
			return p.fail(err, kiosk.CodeFileBroken)
		}
		switch k {
		case wire.Opened:
			var m wire.OpenedMessage
			if err := wire.Decode(payload, &m); err != nil || m.Total < 0 || checkedOp(m.Format) != m.Format {
				return p.fail(wire.ErrProtocol, kiosk.CodeFileBroken)
			}
			if opened != nil {
				opened(m)
			}
			t.page()
		case wire.Page:
			page, m, err := e.receivePage(p, payload, n)
			if err != nil {
				return p.fail(err, kiosk.CodeFileBroken)
			}
			t.pause()
			if err := each(page, m); err != nil {
				return err
			}
			n++
			t.delivered()
			t.page()
		case wire.Done:
			var m wire.DoneMessage
			if err := wire.Decode(payload, &m); err == nil && n == 0 && m.Code == kiosk.CodeFileUnsupported {
				if kind := tool.OfficeKind(m.Office); slices.Contains(officeKinds, kind) {
					return &officeError{kind}
				}
			}
			return doneError(payload, n)
		}
	}
}

// doneError reads a job's end: how it went, as far as the child may say.
func doneError(payload []byte, pages int) error {
	var m wire.DoneMessage
	if err := wire.Decode(payload, &m); err != nil {
		return &kiosk.Error{Code: kiosk.CodeFileBroken, Op: "document: end of job", Err: err}
	}
	if m.Code == "" {
		if pages == 0 {
			return &kiosk.Error{Code: kiosk.CodeFileBlank, Op: "document: no page came out"}
		}
		return nil
	}
	return &kiosk.Error{Code: checkedCode(m.Code), Op: checkedOp(m.Op)}
}

// checkedCode lets a child say no more than what is wrong with its file.
func checkedCode(c kiosk.Code) kiosk.Code {
	switch c {
	case kiosk.CodeFileEmpty, kiosk.CodeFileUnknown, kiosk.CodeFileBroken, kiosk.CodeFilePassword, kiosk.CodeFileTooBig,
		kiosk.CodeFileTooLong, kiosk.CodeFileTooSlow, kiosk.CodeFileBlank, kiosk.CodeFileUnsupported, kiosk.CodeCannotFit:
		return c
	}
	return kiosk.CodeInternal
}

// checkedOp keeps what a child's constants look like, so that no part of a
// document gets into a log.
func checkedOp(op string) string {
	if len(op) > 60 {
		return "document: child"
	}
	for _, c := range op {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != ' ' && c != ':' {
			return "document: child"
		}
	}
	return op
}

func (e *Engine) receivePage(p *process, payload []byte, n int) (kiosk.Page, wire.PageMessage, error) {
	var m wire.PageMessage
	if err := wire.Decode(payload, &m); err != nil {
		return kiosk.Page{}, m, err
	}
	if m.Index != n || m.Total < 1 || m.Total > e.o.MaxPages || n >= m.Total ||
		m.Width < 1 || m.Width > maxSide || m.Height < 1 || m.Height > maxSide || m.DPI < 1 || m.DPI > 5000 || !known(m) {
		return kiosk.Page{}, m, wire.ErrProtocol
	}
	page := kiosk.Page{Index: m.Index, Total: m.Total, Width: m.Width, Height: m.Height, DPI: m.DPI, Gray: m.Gray,
		Kind: m.Kind, Findings: m.Findings, Changes: m.Changes, Turned: m.Turned}
	for _, part := range []struct {
		to     *[]byte
		limit  int
		magics [][]byte
	}{
		{&page.Image, maxMaster, [][]byte{magicJPEG, magicPNG}}, {&page.Preview, maxPreview, [][]byte{magicJPEG}},
		{&page.Thumb, maxPreview, [][]byte{magicJPEG}}, {&page.Packed, maxMaster, nil},
	} {
		_, b, err := wire.Read(p.r, part.limit, wire.Data)
		if err != nil {
			return kiosk.Page{}, m, err
		}
		if part.magics != nil && !slices.ContainsFunc(part.magics, func(m []byte) bool { return bytes.HasPrefix(b, m) }) {
			return kiosk.Page{}, m, wire.ErrProtocol
		}
		*part.to = b
	}
	return page, m, nil
}

// What a child may say of a page.
var (
	verdicts = []kiosk.Verdict{kiosk.VerdictBlank, kiosk.VerdictBlurred, kiosk.VerdictDark, kiosk.VerdictCut, kiosk.VerdictPartial,
		kiosk.VerdictLowRes, kiosk.VerdictGlare, kiosk.VerdictFingers, kiosk.VerdictTurned}
	changes = []kiosk.Change{kiosk.ChangeFlattened, kiosk.ChangeStraightened, kiosk.ChangeCropped, kiosk.ChangeTurned, kiosk.ChangeLit}
	kinds   = []kiosk.PageKind{kiosk.PageDigital, kiosk.PageWriting, kiosk.PagePicture, kiosk.PageBilevel}
)

// known says whether a child speaks of its page in words that we know.
func known(m wire.PageMessage) bool {
	for _, f := range m.Findings {
		a := f.Area
		if !slices.Contains(verdicts, f.Verdict) || a.X0 < 0 || a.Y0 < 0 || a.X1 > 1000 || a.Y1 > 1000 || a.X0 > a.X1 || a.Y0 > a.Y1 {
			return false
		}
	}
	for _, c := range m.Changes {
		if !slices.Contains(changes, c) {
			return false
		}
	}
	return len(m.Findings) <= 12 && (m.Turned == 0 || m.Turned == 90 || m.Turned == 180 || m.Turned == 270) && len(m.Changes) <= 4 && slices.Contains(kinds, m.Kind) && m.SourceDPI >= 0 && m.SourceDPI < 100_000
}

var (
	magicJPEG = []byte("\xff\xd8\xff")
	magicPNG  = []byte("\x89PNG\r\n\x1a\n")
	magicPDF  = []byte("%PDF-")
	magicTIFF = []byte("II*\x00")
)

// timer sets a child's deadlines. Time that the caller takes does not count.
type timer struct {
	o     Options
	p     *process
	left  time.Duration // of the whole job
	since time.Time     // zero while paused
}

func newTimer(o Options, p *process) *timer {
	return &timer{o: o, p: p, left: o.Input}
}

func (t *timer) run(step time.Duration) {
	t.settle()
	t.since = time.Now()
	t.p.limit(max(min(step, t.left), time.Millisecond))
}

func (t *timer) settle() {
	if !t.since.IsZero() {
		t.left -= time.Since(t.since)
		t.since = time.Time{}
	}
}

func (t *timer) probe() { t.run(t.o.Probe) }
func (t *timer) page()  { t.run(t.o.Page) }

// whole gives the step all that is left.
func (t *timer) whole() { t.run(t.left) }

// delivered adds time for a page that came out.
func (t *timer) delivered() { t.left += t.o.PerPage }

func (t *timer) pause() {
	t.settle()
	t.p.limit(0)
}

func (t *timer) stop() { t.pause() }

// errNoPages is a caller's mistake.
var errNoPages = errors.New("document: no pages")
