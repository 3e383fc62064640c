package document_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"pointnum/kiosk"
	"pointnum/kiosk/document"
	"pointnum/kiosk/document/documenttest"
)

// withChild makes options start the child that tests use.
func withChild(o document.Options) document.Options {
	o.Executable = childProgram
	return o
}

// waitFor waits for a state.
func waitFor(t testing.TB, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !is(); {
		if time.Now().After(deadline) {
			t.Fatalf("waited too long for %s", what)
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-t.Context().Done():
			t.Fatal(t.Context().Err())
		}
	}
}

// descendants lists the processes that this one and its children started and
// whose command line holds a word.
func descendants(t testing.TB, word string) []string {
	t.Helper()
	var found []string
	for todo := []string{"self"}; len(todo) > 0; todo = todo[1:] {
		tasks, err := filepath.Glob("/proc/" + todo[0] + "/task/*/children")
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range tasks {
			b, _ := os.ReadFile(f) // it may have ended
			for _, pid := range strings.Fields(string(b)) {
				line, _ := os.ReadFile("/proc/" + pid + "/cmdline")
				if cmd := string(bytes.ReplaceAll(line, []byte{0}, []byte(" "))); strings.Contains(cmd, word) {
					found = append(found, pid+" "+cmd)
				}
				todo = append(todo, pid)
			}
		}
	}
	return found
}

// scans are the pages of bundles, by their size and number: the race detector
// makes them slow.
var scans sync.Map

// bundle is a PDF of many scanned pages of so many pixels.
func bundle(t testing.TB, count, w, h int) []byte {
	t.Helper()
	var kinds []string
	for i := range min(count, 8) {
		key := [3]int{w, h, i}
		scan, ok := scans.Load(key)
		if !ok {
			scan, _ = scans.LoadOrStore(key, string(asJPEG(t, sheet(w, h, true, uint64(300+i)), 80)))
		}
		kinds = append(kinds, scan.(string))
	}
	objects := []string{"<</Type/Catalog/Pages 2 0 R>>", ""}
	kids := ""
	for i := range count {
		n := len(objects) + 1
		kids += fmt.Sprintf("%d 0 R ", n)
		objects = append(objects,
			fmt.Sprintf("<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents %d 0 R/Resources<</XObject<</I %d 0 R>>>>>>", n+1, n+2),
			documenttest.Stream("", "q 595 0 0 842 0 0 cm /I Do Q"),
			documenttest.Stream(fmt.Sprintf("/Type/XObject/Subtype/Image/Width %d/Height %d/BitsPerComponent 8/ColorSpace/DeviceRGB/Filter/DCTDecode", w, h), kinds[i%len(kinds)]))
	}
	objects[1] = fmt.Sprintf("<</Type/Pages/Count %d/Kids[%s]>>", count, kids)
	return pdfOf(append(objects, "<</Producer(x)>>")...)
}

// The first page of a long file is seen long before the last is made.
func TestPagesArriveWhileOthersAreMade(t *testing.T) {
	e := newEngine(t, patient())
	e.Sandbox() // its child is up
	in := input(bundle(t, 20, 1240, 1754))
	start := time.Now()
	var first time.Duration
	n := 0
	if err := e.Import(t.Context(), *in, func(p kiosk.Page) error {
		if first == 0 {
			first = time.Since(start)
		}
		if p.Index != n || p.Total != 20 {
			t.Errorf("page %d of %d came as number %d", p.Index, p.Total, n)
		}
		n++
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if all := time.Since(start); n != 20 || first > all/4 {
		t.Errorf("%d pages, the first after %v of %v", n, first, all)
	}
}

var errEnough = errors.New("somebody walked away")

func TestACancelIsObeyedAtOnce(t *testing.T) {
	e, err := document.New(withChild(patient()))
	if err != nil {
		t.Fatal(err)
	}
	in := input(bundle(t, 12, 1240, 1754))
	var all []kiosk.Page
	ctx, cancel := context.WithCancelCause(t.Context())
	var asked time.Time
	err = e.Import(ctx, *in, func(p kiosk.Page) error {
		if all = append(all, p); len(all) == 3 {
			asked = time.Now()
			cancel(errEnough)
		}
		return nil
	})
	if took := time.Since(asked); !errors.Is(err, errEnough) || kiosk.CodeOf(err) == kiosk.CodeFileBroken || took > 2*time.Second || len(all) > 4 {
		t.Errorf("import: %v after %v and %d pages", err, took, len(all))
	}
	r := refs(nil, all)
	for i := range r {
		r[i].Packed = nil // all is to be encoded again, whatever PackedSize says
	}
	ctx, cancel = context.WithCancelCause(t.Context())
	_, err = e.Convert(ctx, r, kiosk.Target{Format: kiosk.FormatPDF, MaxBytes: 1_000_000}, func(done, total int) {
		asked = time.Now()
		cancel(errEnough)
	})
	if took := time.Since(asked); !errors.Is(err, errEnough) || took > 2*time.Second {
		t.Errorf("convert: %v after %v", err, took)
	}
	if err := e.Close(); err != nil {
		t.Error(err)
	}
	if left := descendants(t, ""); len(left) > 0 {
		t.Errorf("%v are left", left)
	}
}

// A whole drawer of paper takes no more memory than a few sheets of it.
func TestALongFileTakesNoMoreMemoryThanAShortOne(t *testing.T) {
	t.Parallel()
	o := patient()
	if _, err := pages(t.Context(), newEngine(t, o), input(bundle(t, 201, 60, 84))); kiosk.CodeOf(err) != kiosk.CodeFileTooLong {
		t.Errorf("201 pages: %v, want %q", err, kiosk.CodeFileTooLong)
	}
	o.MaxPages, o.Input = 500, 10*time.Minute
	w, h := 220, 311
	if *every {
		w, h = 1654, 2339
	}
	var peaks, sizes [2]int64
	for i, count := range []int{40, 400} {
		e := newEngine(t, o)
		in := input(bundle(t, count, w, h))
		all, err := pages(t.Context(), e, in)
		if err != nil || len(all) != count {
			t.Fatalf("%d of %d pages, %v", len(all), count, err)
		}
		imported := e.PeakMemory()
		c := made(t, e, refs(in, all), kiosk.FormatPDF, 50_000_000)
		checkPDF(t, c.Files[0].Data, count)
		peaks[i], sizes[i] = e.PeakMemory(), in.Size
		t.Logf("%d pages, %d kB: %d MB while they came in, %d MB in all, %d kB out", count, in.Size/1000, imported>>20, peaks[i]>>20, len(c.Files[0].Data)/1000)
	}
	// The file itself is held, and by the decoder too.
	if most := peaks[0] + 3*(sizes[1]-sizes[0]) + 20<<20; peaks[1] > min(most, 200<<20) {
		t.Errorf("400 pages took %d MB, 40 took %d", peaks[1]>>20, peaks[0]>>20)
	}
}

// The same papers give the same file, on any machine.
func TestTheNumberOfProcessorsChangesNoByte(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	type result struct {
		pages []kiosk.Page
		files [][]byte
	}
	var first result
	for i, processors := range []int{1, 4} {
		runtime.GOMAXPROCS(processors) // the child gets as many
		e := newEngine(t, patient())
		var r result
		for _, name := range []string{"ocrmypdf-multipage.pdf", "cerfa-cni-12100.pdf", "photo-fairscan-img01.jpg"} {
			in := input(documenttest.Read(t, name))
			all, err := pages(t.Context(), e, in)
			if err != nil {
				t.Fatal(err)
			}
			r.pages = append(r.pages, all...)
			for _, target := range []kiosk.Target{{Format: kiosk.FormatPDF, MaxBytes: 150_000, MaxFiles: 3}, {Format: kiosk.FormatJPEG, MaxBytes: 300_000, MaxFiles: 6}} {
				c, err := e.Convert(t.Context(), refs(in, all), target, nil)
				if err != nil {
					t.Fatalf("%s as %s: %v", name, target.Format, err)
				}
				for _, f := range c.Files {
					r.files = append(r.files, f.Data)
				}
			}
		}
		if i == 0 {
			first = r
			continue
		}
		if len(first.pages) != len(r.pages) || len(first.files) != len(r.files) {
			t.Fatalf("%d processors: %d pages, %d files", processors, len(r.pages), len(r.files))
		}
		for k, p := range r.pages {
			if q := first.pages[k]; !bytes.Equal(p.Image, q.Image) || !bytes.Equal(p.Packed, q.Packed) || !bytes.Equal(p.Preview, q.Preview) {
				t.Errorf("%d processors: page %d is another", processors, k)
			}
		}
		for k := range r.files {
			if !bytes.Equal(first.files[k], r.files[k]) {
				t.Errorf("%d processors: file %d is another", processors, k)
			}
		}
	}
}
