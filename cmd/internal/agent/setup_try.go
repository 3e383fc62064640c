package agent

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"image"
	"image/color"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"pointnum/drivers/escpos/typeset"
	"pointnum/kiosk"
	"pointnum/kiosk/config"
	"pointnum/kiosk/document/pdf"
	"pointnum/kiosk/spool"
	"pointnum/provisioning/setup"
	uisetup "pointnum/ui/setup"
)

// How long a device may take in the self-test, and a sheet to come out.
const (
	tryTime   = 15 * time.Second
	sheetTime = 2 * time.Minute
)

// test tells the lines of the self-test that are about this machine.
func (s *settingUp) test(ctx context.Context, c *config.Config, tell func(setup.Line)) error {
	if id, ok := s.enrolled(); ok {
		tell(setup.Line{What: setup.LineHost, Name: id.Label, State: setup.LineOK})
		tell(s.testKey(ctx))
	}
	for _, d := range c.Devices {
		tell(s.testDevice(ctx, d))
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
	tell(testMemory(c))
	if c.Browser.On {
		tell(testPolicies(c))
	}
	tell(setup.Line{What: setup.LineVersion, Name: versions(), State: setup.LineOK})
	return nil
}

// testKey says where the kiosk's key is kept. A machine without a TPM works as
// well; it is only easier to copy.
func (s *settingUp) testKey(ctx context.Context) setup.Line {
	l := setup.Line{What: setup.LineIdentity, Name: "TPM", State: setup.LineOK}
	if tpm, err := s.Machine.TPM(ctx); err != nil || !tpm {
		l.Name = "-"
	}
	return l
}

// testDevice opens a device and asks how it is.
func (s *settingUp) testDevice(ctx context.Context, spec kiosk.Spec) setup.Line {
	l := setup.Line{What: setup.LineSensors, Name: string(spec.ID), State: setup.LineOK}
	ctx, cancel := context.WithTimeout(ctx, tryTime)
	defer cancel()
	d, kind, err := s.open(ctx, spec)
	if kind != "" {
		l.What = string(kind) // the words are the same
	}
	if err != nil {
		l.State, l.Code, l.Detail = setup.LineBad, kiosk.CodeOf(err), err.Error()
		return l
	}
	st, err := d.Status(ctx)
	if err = errors.Join(err, d.Close()); err != nil {
		l.State, l.Code, l.Detail = setup.LineBad, kiosk.CodeOf(err), err.Error()
		return l
	}
	// No key in its socket and no sheet in the feeder is how it should be.
	wrong := slices.DeleteFunc(slices.Clone(st.Conditions), func(c kiosk.Code) bool {
		return kind == kiosk.KindKey || c == kiosk.CodeFeederEmpty
	})
	if len(wrong) > 0 {
		l.State, l.Code, l.Detail = setup.LineWarn, wrong[0], st.Detail
		if !st.Ready {
			l.State = setup.LineBad
		}
	}
	return l
}

// open opens a device by its driver; the caller closes it.
func (s *settingUp) open(ctx context.Context, spec kiosk.Spec) (kiosk.Device, kiosk.Kind, error) {
	i := slices.IndexFunc(s.Drivers, func(d kiosk.Driver) bool { return d.Name == spec.Driver })
	if i < 0 {
		return nil, "", &kiosk.Error{Code: kiosk.CodeInternal, Op: "setup: no driver " + spec.Driver, Device: spec.ID}
	}
	d, err := s.Drivers[i].Open(ctx, spec, s.Log)
	return d, s.Drivers[i].Kind, err
}

// testMemory makes a spool beside the visits' and takes it away again.
func testMemory(c *config.Config) setup.Line {
	l := setup.Line{What: setup.LineMemory, State: setup.LineOK}
	dir := filepath.Join(filepath.Dir(c.Spool), ".setup")
	sp, err := spool.Open(dir, spool.Options{})
	if err == nil {
		err = sp.Close()
	}
	if err = errors.Join(err, os.RemoveAll(dir)); err != nil {
		l.State, l.Code, l.Detail = setup.LineBad, kiosk.CodeOutOfOrder, err.Error()
		return l
	}
	if on, err := spool.SwapActive(); err != nil || on {
		l.State, l.Detail = setup.LineWarn, "/proc/swaps"
	}
	return l
}

func testPolicies(c *config.Config) setup.Line {
	l := setup.Line{What: setup.LinePolicies, State: setup.LineOK}
	catalogue, err := Catalogue(c)
	if err != nil {
		l.State, l.Code, l.Detail = setup.LineBad, kiosk.CodeInternal, err.Error()
		return l
	}
	switch n, err := checkPolicies(c, catalogue); {
	case err != nil:
		l.State, l.Detail = setup.LineWarn, err.Error()
	case n > 0:
		l.State, l.Detail = setup.LineWarn, strconv.Itoa(n)+" (kioskctl policies)"
	}
	return l
}

// versions are the agent's, and the image's where there is one.
func versions() string {
	b, err := os.ReadFile("/usr/lib/os-release")
	if err != nil {
		return Version
	}
	for line := range strings.Lines(string(b)) {
		if v, ok := strings.CutPrefix(strings.TrimSpace(line), "IMAGE_VERSION="); ok && strings.Trim(v, `"`) != Version {
			return Version + " (image " + strings.Trim(v, `"`) + ")"
		}
	}
	return Version
}

// print prints the sheet on every printer that the kiosk has. The first that
// does not take it ends it.
func (s *settingUp) print(ctx context.Context, c *config.Config, st setup.State) error {
	ctx, cancel := context.WithTimeout(ctx, sheetTime)
	defer cancel()
	sheet, err := uisetup.Sheet(shownState(st), versions(), time.Now())
	if err != nil {
		return err
	}
	printed := false
	for _, spec := range c.Devices {
		d, kind, err := s.open(ctx, spec)
		if err != nil {
			if kind != kiosk.KindPrinter && kind != kiosk.KindReceipt {
				continue
			}
			return err
		}
		switch p := d.(type) {
		case kiosk.ReceiptPrinter:
			err = p.PrintReceipt(ctx, sheet)
			printed = true
		case kiosk.Printer:
			err = printA4(ctx, p, sheet)
			printed = true
		}
		if err = errors.Join(err, d.Close()); err != nil {
			return err
		}
	}
	if !printed {
		return &kiosk.Error{Code: kiosk.CodeJobRejected, Op: "setup: no printer"}
	}
	return nil
}

// printA4 prints what is made for a receipt on a sheet of A4.
func printA4(ctx context.Context, p kiosk.Printer, r kiosk.Receipt) error {
	data, err := sheetPDF(r)
	if err != nil {
		return err
	}
	return p.Print(ctx, kiosk.PrintRequest{
		ID: rand.Text(), MediaType: "application/pdf", Size: int64(len(data)), Pages: 1,
		Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil },
	}, nil)
}

// The sheet in dots.
const (
	sheetDPI    = 150
	sheetWidth  = 1240
	sheetHeight = 1754
	sheetMargin = 150
	sheetSize   = 26 // of the letters
)

// sheetPDF sets a receipt's lines on one page.
func sheetPDF(r kiosk.Receipt) ([]byte, error) {
	ts, err := typeset.New()
	if err != nil {
		return nil, fmt.Errorf("setup: sheet: %w", err)
	}
	page := typeset.NewBitmap(sheetWidth, sheetHeight)
	y := sheetMargin
	for _, item := range r.Items {
		y = drawItem(ts, page, r.RTL, item, y)
	}
	img := image.NewGray(image.Rect(0, 0, sheetWidth, sheetHeight))
	for y := range sheetHeight {
		for x := range sheetWidth {
			if !page.At(x, y) {
				img.SetGray(x, y, color.Gray{Y: 255})
			}
		}
	}
	packed, err := pdf.Lossless(img)
	if err != nil {
		return nil, fmt.Errorf("setup: sheet: %w", err)
	}
	var out bytes.Buffer
	err = pdf.Write(&out, []pdf.Page{{Data: packed.Data, Encoding: packed.Encoding, Width: packed.Width, Height: packed.Height, Gray: packed.Gray, DPI: sheetDPI}})
	if err != nil {
		return nil, fmt.Errorf("setup: sheet: %w", err)
	}
	return out.Bytes(), nil
}

// drawItem draws one item at y and returns where the next one goes.
func drawItem(ts *typeset.Typesetter, page *typeset.Bitmap, rtl bool, item kiosk.ReceiptItem, y int) int {
	style := typeset.Style{Size: sheetSize, Bold: item.Bold}
	if item.Large {
		style.Size *= 2
	}
	const width = sheetWidth - 2*sheetMargin
	at := func(text string, width int, place func(w int) int) int {
		low := y
		for _, line := range ts.Lines(text, style, rtl, width) {
			page.Draw(line, place(line.Width), low)
			low += line.Height
		}
		return low
	}
	left := func(int) int { return sheetMargin }
	right := func(w int) int { return sheetWidth - sheetMargin - w }
	start, end := left, right
	if rtl {
		start, end = right, left
	}
	switch {
	case item.Rule:
		page.Fill(sheetMargin, y+sheetSize/2, width, 2)
		return y + sheetSize
	case item.Pair != [2]string{}:
		return max(at(item.Pair[0], width*2/3, start), at(item.Pair[1], width/3, end)) + sheetSize/4
	case item.Text != "" && item.Align == kiosk.AlignCenter:
		return at(item.Text, width, func(w int) int { return (sheetWidth - w) / 2 })
	case item.Text != "":
		return at(item.Text, width, start)
	}
	return y + sheetSize
}
