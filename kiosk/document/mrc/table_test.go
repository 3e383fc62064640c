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

	"pointnum/kiosk/document/documenttest"
	"pointnum/kiosk/document/mrc"
)

var (
	tableOf = flag.String("table", "qr-bill.jpg", "pages of the collection that TestTable measures, or all")
	ocr     = flag.Bool("ocr", false, "TestTable reads the pages with tesseract")
	at      = flag.Int("level", 1, "level at which TestTable encodes")
	seen    = flag.String("seen", "", "folder in which TestTable keeps what tesseract reads in the scans")
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
			found, err := filepath.Glob(documenttest.Path(t, pattern))
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
			t.Logf("%-32s photo, not split, %d ms", name, (cpu(t) - began).Milliseconds())
			continue
		}
		p, _, err := l.Encode(mrc.Levels()[*at])
		if err != nil {
			t.Fatal(err)
		}
		took := cpu(t) - began
		began = cpu(t)
		missing := l.Missing()
		guard := cpu(t) - began
		data, _ := file(t, l, mrc.Levels()[*at])
		sum, split = sum+len(data), split+1
		layers := ""
		for _, m := range p.Layers {
			layers += fmt.Sprintf(" %5d", len(m.Data))
			if m.Stencil {
				layers += fmt.Sprintf(" %02x%02x%02x", m.Color.R, m.Color.G, m.Color.B)
			}
		}
		if *keep != "" {
			if err := os.WriteFile(filepath.Join(*keep, name+".pdf"), data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		t.Logf("%-32s %6d =%s; %3d + %3d ms; sure %.2f missing %d %v%s", name, len(data), layers,
			took.Milliseconds(), guard.Milliseconds(), l.Confidence(), len(missing), missing[:min(2, len(missing))], read(t, name, data))
	}
	t.Logf("mean of %d split pages: %d bytes", split, sum/max(split, 1))
}

// read compares what tesseract reads with the exact text, or with what it
// reads in the scan.
func read(t *testing.T, name string, data []byte) string {
	if !*ocr {
		return ""
	}
	read := func(path string) string {
		return string(documenttest.Run(t, "tesseract", path, "-", "-l", "fra", "--dpi", "300"))
	}
	original, err := os.ReadFile(filepath.Join(*seen, name+".txt"))
	if err != nil || *seen == "" {
		scan := filepath.Join(t.TempDir(), "scan.png")
		documenttest.Run(t, "convert", documenttest.Path(t, name), "-resize", "3508x3508", scan)
		original = []byte(read(scan))
		if *seen != "" {
			if err := os.WriteFile(filepath.Join(*seen, name+".txt"), original, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	ours := read(drawn(t, data, 3508))
	want, err := os.ReadFile(documenttest.Path(t, "truth/"+name+".txt"))
	if err != nil {
		return "; " + compare(ours, string(original)) + " of its own"
	}
	return "; " + compare(string(original), string(want)) + "; " + compare(ours, string(want))
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
