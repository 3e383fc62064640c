package agent

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"pointnum/kiosk"
	"pointnum/kiosk/control"
	"pointnum/kiosk/spool"
	"pointnum/provisioning/enrol"
)

// Health tries what has to work after an update: a page becomes a file that
// fits and is wiped, in memory; the screen shows the kiosk's page; the
// identity can be read. Devices and network are no part of it: an outage at
// the place would bring a good release back.
func (a *parts) Health(ctx context.Context) ([]control.Check, error) {
	list, err := a.healthWith(ctx, func() (string, error) { return pagesOpen(a.screens.Pages()) })
	if err == nil && !slices.ContainsFunc(list, func(c control.Check) bool { return !c.OK }) {
		a.updates.Healthy()
	}
	return list, err
}

// healthWith does so with the screen's part given.
func (a *parts) healthWith(ctx context.Context, screen func() (string, error)) ([]control.Check, error) {
	a.trying.Lock()
	defer a.trying.Unlock()
	var list []control.Check
	for _, part := range []struct {
		name string
		try  func() (string, error)
	}{
		{"page", func() (string, error) { return a.tryPage(ctx) }},
		{"memory", a.tryWipe},
		{"screen", screen},
		{"identity", a.tryIdentity},
	} {
		detail, err := part.try()
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		c := control.Check{Name: part.name, OK: err == nil, Code: kiosk.CodeOf(err), Detail: detail}
		if err != nil {
			c.Detail = err.Error()
			a.Log.Warn("not well", "part", part.name, "err", err)
		}
		list = append(list, c)
	}
	return list, nil
}

// The virtual page.
const (
	pageDPI   = 150
	pageBytes = 200_000 // what it has to fit in
)

// tryPage sends a page through the document engine, as a scanner's.
func (a *parts) tryPage(ctx context.Context) (string, error) {
	data, err := virtualPage()
	if err != nil {
		return "", err
	}
	open := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil }
	var pages []kiosk.PageRef
	err = a.documents.Import(ctx, kiosk.Input{Open: open, Size: int64(len(data)), Scanned: true, DPI: pageDPI}, func(p kiosk.Page) error {
		pages = append(pages, kiosk.PageRef{
			Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(p.Image)), nil },
			Size: int64(len(p.Image)), DPI: p.DPI, Kind: p.Kind,
		})
		return nil
	})
	if err != nil {
		return "", err
	}
	out, err := a.documents.Convert(ctx, pages, kiosk.Target{Format: kiosk.FormatPDF, MaxBytes: pageBytes, MaxFiles: 1}, nil)
	if err != nil {
		return "", err
	}
	if len(out.Files) != 1 || len(out.Files[0].Data) > pageBytes || !bytes.HasPrefix(out.Files[0].Data, []byte("%PDF-")) {
		return "", errors.New("health: the page did not become a PDF that fits")
	}
	return fmt.Sprintf("%d bytes", len(out.Files[0].Data)), nil
}

// virtualPage draws an A4 sheet with lines like those of a letter.
func virtualPage() ([]byte, error) {
	img := image.NewGray(image.Rect(0, 0, 1240, 1754))
	draw.Draw(img, img.Rect, image.White, image.Point{}, draw.Src)
	ink := image.NewUniform(color.Gray{40})
	for y := 200; y < 1500; y += 40 {
		for x := 150; x < 1050; x += 60 + y%7*10 {
			draw.Draw(img, image.Rect(x, y, x+40+y%7*8, y+14), ink, image.Point{}, draw.Src)
		}
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, nil); err != nil {
		return nil, fmt.Errorf("health: page: %w", err)
	}
	return b.Bytes(), nil
}

// tryWipe wipes a spool beside the visit's, which is left alone.
func (a *parts) tryWipe() (detail string, err error) {
	dir := filepath.Join(filepath.Dir(a.Config.Spool), ".health")
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	s, err := spool.Open(dir, spool.Options{})
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if _, err := s.Put(bytes.NewReader(bytes.Repeat([]byte("page"), 1<<16))); err != nil {
		return "", err
	}
	if _, err := s.Wipe(); err != nil {
		return "", err
	}
	return "wiped", nil
}

// pagesOpen hears from the pages themselves: a display that runs and shows
// nothing looks well from outside.
func pagesOpen(n int) (string, error) {
	if n > 0 {
		return fmt.Sprintf("%d open", n), nil
	}
	return "", &kiosk.Error{Code: kiosk.CodeNotResponding, Op: "health: no screen shows the kiosk's page"}
}

func (a *parts) tryIdentity() (string, error) {
	id, err := enrol.Load(a.fleet.path(identityFile))
	if errors.Is(err, fs.ErrNotExist) {
		return "not enrolled", nil
	}
	if err != nil {
		return "", err
	}
	return id.Kiosk(), nil
}
