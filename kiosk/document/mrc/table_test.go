package mrc_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode"

	"pointnum/kiosk/document/mrc"
)

var (
	tableOf = flag.String("table", "qr-bill.jpg", "pages of the collection that TestTable measures, or all")
	ocr     = flag.Bool("ocr", false, "TestTable reads the pages with tesseract")
	keep    = flag.String("keep", "", "folder in which TestTable leaves its files")
)

// cpu is the processor time this process took so far.
func cpu(t testing.TB) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// TestTable prints what pages of the collection take, at 300 dpi as the
// pipeline has them:
//
//	go test -run TestTable -v . -args -table all -ocr
//
// Columns: bytes of the file, mask with ink, background; CPU milliseconds;
// strokes missing; and, where an exact text exists, tesseract's errors in
// percent of its letters and the words found again, first those of the scan.
func TestTable(t *testing.T) {
	names := strings.Split(*tableOf, ",")
	if *tableOf == "all" {
		names = nil
		for _, pattern := range []string{"*.jpg", "*.jpeg", "*.png"} {
			found, err := filepath.Glob(filepath.Join(collection, pattern))
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range found {
				if n := filepath.Base(f); !strings.HasPrefix(n, "hostile") {
					names = append(names, n)
				}
			}
		}
	}
	sum, split := 0, 0
	for _, name := range names {
		img, dpi := corpus(t, name, 3508)
		began := cpu(t)
		l := mrc.Split(img, dpi, mrc.Options{})
		if l.Photo {
			t.Logf("%-36s photo, not split, %d ms", name, (cpu(t) - began).Milliseconds())
			continue
		}
		_, n, err := mrc.Encode(l, mrc.Quality{})
		if err != nil {
			t.Fatal(err)
		}
		took := cpu(t) - began
		began = cpu(t)
		missing := mrc.Missing(img, l)
		guard := cpu(t) - began
		data, _ := file(t, l)
		sum, split = sum+len(data), split+1
		back := 0
		if l.Background != nil {
			p, _, err := mrc.Encode(mrc.Layers{Width: l.Width, Height: l.Height, Background: l.Background}, mrc.Quality{})
			if err != nil {
				t.Fatal(err)
			}
			back = len(p.Layers[0].Data)
		}
		inked := "grey"
		if l.Ink.Colors != nil {
			inked = "colour"
		}
		if *keep != "" {
			if err := os.WriteFile(filepath.Join(*keep, name+".pdf"), data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		t.Logf("%-36s %6d = ink %6d %-6s + background %6d; %3d + %3d ms; missing %d %v%s", name, len(data), n-back, inked, back,
			took.Milliseconds(), guard.Milliseconds(), len(missing), missing[:min(3, len(missing))], read(t, name, data))
	}
	t.Logf("mean of %d split pages: %d bytes", split, sum/max(split, 1))
}

// read compares what tesseract reads with the exact text.
func read(t *testing.T, name string, data []byte) string {
	want, err := os.ReadFile(filepath.Join(collection, "truth", name+".txt"))
	if !*ocr || err != nil {
		return ""
	}
	scan := filepath.Join(t.TempDir(), "scan.png")
	run(t, "convert", filepath.Join(collection, name), "-resize", "3508x3508", scan)
	report := ""
	for _, path := range []string{scan, drawn(t, data, 3508)} {
		text := string(run(t, "tesseract", path, "-", "-l", "fra", "--dpi", "300"))
		report += "; " + compare(text, string(want))
	}
	return report
}

func compare(got, want string) string {
	only := func(s string) []rune {
		var out []rune
		for _, r := range strings.ToLower(s) {
			if unicode.IsLetter(r) || unicode.IsDigit(r) {
				out = append(out, r)
			}
		}
		return out
	}
	words := func(s string) []string {
		return strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	}
	have := words(got)
	n, found := 0, 0
	for _, w := range words(want) {
		if len([]rune(w)) < 3 {
			continue
		}
		n++
		if i := slices.Index(have, w); i >= 0 {
			found++
			have = slices.Delete(have, i, i+1)
		}
	}
	a, b := only(got), only(want)
	return percent(distance(a, b), len(b)) + "/" + percent(found, n)
}

func percent(n, of int) string { return fmt.Sprintf("%.1f", 100*float64(n)/float64(max(of, 1))) }

// distance is Levenshtein's.
func distance(a, b []rune) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i, x := range a {
		last := row[0]
		row[0] = i + 1
		for j, y := range b {
			cost := last
			if x != y {
				cost++
			}
			last = row[j+1]
			row[j+1] = min(cost, last+1, row[j]+1)
		}
	}
	return row[len(b)]
}
