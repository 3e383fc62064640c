package mrc_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"pointnum/kiosk/document/documenttest"
	"pointnum/kiosk/document/mrc"
)

var (
	tableOf = flag.String("table", "", "pages of the collection that TestTable measures, or all")
	at      = flag.Int("level", 1, "level at which TestTable encodes")
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
//	go test -run TestTable -v . -args -table all
//
// Columns: bytes of the file, mask with ink, background; CPU milliseconds;
// strokes missing. What can be read of them, make bench-engine says.
func TestTable(t *testing.T) {
	if *tableOf == "" {
		return
	}
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
		t.Logf("%-32s %6d =%s; %3d + %3d ms; sure %.2f missing %d %v", name, len(data), layers,
			took.Milliseconds(), guard.Milliseconds(), l.Confidence(), len(missing), missing[:min(2, len(missing))])
	}
	t.Logf("mean of %d split pages: %d bytes", split, sum/max(split, 1))
}
