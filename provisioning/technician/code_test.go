package technician_test

import (
	"bytes"
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pointnum/provisioning/technician"
)

func TestACodeIsKeptAsAHashThatOnlyItsOwnerReads(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "lib")
	if technician.Made(dir) {
		t.Error("a code in an empty folder")
	}
	c, err := technician.New()
	if err != nil {
		t.Fatal(err)
	}
	if err := technician.Keep(dir, c); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, technician.File)
	raw, err := os.ReadFile(path)
	if err != nil || bytes.Contains(raw, []byte(c)) {
		t.Errorf("%s, %v", raw, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	g := technician.Guard{Dir: dir}
	if ok, err := g.Try(c); !ok || err != nil {
		t.Errorf("the code itself: %v, %v", ok, err)
	}
	next, err := technician.New()
	if err != nil || next == c {
		t.Fatalf("the same code twice, or %v", err)
	}
	if err := technician.Keep(dir, next); err != nil {
		t.Fatal(err)
	}
	if ok, err := g.Try(c); ok || err != nil {
		t.Errorf("the code before: %v, %v", ok, err)
	}
}

func TestAFileThatMakesNoSenseOpensToNobody(t *testing.T) {
	dir := t.TempDir()
	g := technician.Guard{Dir: dir}
	for _, text := range []string{"", "{}", `{"rounds":1,"salt":"AA==","hash":""}`, `{"rounds":99999999999,"salt":"AA==","hash":"` + strings.Repeat("A", 43) + `="}`, strings.Repeat(" ", 2000)} {
		if err := os.WriteFile(filepath.Join(dir, technician.File), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if ok, err := g.Try("00000000"); ok || !errors.Is(err, technician.ErrNone) || !g.Stand().None {
			t.Errorf("%q: %v, %v", text, ok, err)
		}
	}
}

func TestFiveWrongCodesCloseForLongerAndLonger(t *testing.T) {
	dir := t.TempDir()
	// One round: the detector of races makes the real number slow.
	sum, err := pbkdf2.Key(sha256.New, "48217350", []byte("salt"), 1, 32)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(map[string]any{"rounds": 1, "salt": []byte("salt"), "hash": sum})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, technician.File), text, 0o600); err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	g := technician.Guard{Dir: dir, Now: func() time.Time { return now }}
	for _, want := range []time.Duration{10 * time.Minute, 20 * time.Minute} {
		for n := range technician.Tries {
			if left := g.Stand().Left; left != technician.Tries-n {
				t.Errorf("%d tries left after %d", left, n)
			}
			if ok, err := g.Try("00000000"); ok || err != nil {
				t.Errorf("%v, %v", ok, err)
			}
		}
		if got := g.Stand().Closed; got != want {
			t.Errorf("closed for %v, want %v", got, want)
		}
		if ok, _ := g.Try("48217350"); ok {
			t.Error("the right code opened what is closed")
		}
		now = now.Add(want)
		if got := g.Stand().Closed; got != 0 {
			t.Errorf("closed for %v yet", got)
		}
	}
	if ok, err := g.Try("48217350"); !ok || err != nil {
		t.Errorf("the right code: %v, %v", ok, err)
	}
	for range technician.Tries {
		if _, err := g.Try("00000000"); err != nil {
			t.Fatal(err)
		}
	}
	if got := g.Stand().Closed; got != 10*time.Minute {
		t.Errorf("after a right code: closed for %v", got)
	}
	if g.Forget(); g.Stand().Closed != 0 {
		t.Error("still closed")
	}
}

func TestACodeIsNeverLogged(t *testing.T) {
	var out bytes.Buffer
	c := technician.Code("48217350")
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "code", c, "err", fmt.Errorf("%v %s", c, c))
	if strings.Contains(out.String(), "48217350") {
		t.Error(out.String())
	}
	if c.Shown() != "4821 7350" {
		t.Error(c.Shown())
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"4821 7350", "4821-7350", "48217350", "4821\u202f7350", "", "482173500", "٤٨٢١٧٣٥٠", "4821735a"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		c, ok := technician.Parse(s)
		if !ok {
			if c != "" {
				t.Errorf("%q: not a code, and one", s)
			}
			return
		}
		if again, ok := technician.Parse(c.Shown()); !ok || again != c || len(c) != technician.Digits {
			t.Errorf("%q: %q, then %q", s, string(c), string(again))
		}
	})
}
