package spool_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pointnum/kiosk"
	"pointnum/kiosk/spool"
)

func TestWipeLeavesNothing(t *testing.T) {
	dir := folder(t)
	s := open(t, dir, spool.Options{})
	marker := strings.Repeat("Jeanne Exemple ", 100)
	blob := put(t, s, marker)
	if err := s.SaveState([]byte(marker)); err != nil {
		t.Fatal(err)
	}
	deep := filepath.Join(s.Temp(), "a", "b")
	if err := os.MkdirAll(deep, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(deep, "locked"), []byte(marker), 0o000); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(deep, 0o500); err != nil {
		t.Fatal(err)
	}
	// The pages themselves, seen through a handle that outlives the name.
	held, err := os.Open(filepath.Join(dir, "blobs", blob.ID))
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()

	rep, err := s.Wipe()
	if err != nil {
		t.Fatal(err)
	}
	if rep.Files != 6 || rep.Canaries != 3 || rep.Bytes < int64(3*len(marker)) {
		t.Errorf("report %+v, want 3 files and 3 canaries", rep)
	}
	if got := files(t, dir); len(got) != 0 {
		t.Errorf("left %v", got)
	}
	content, err := io.ReadAll(held)
	if err != nil || len(content) != len(marker) || len(bytes.Trim(content, "\x00")) != 0 {
		t.Errorf("the memory of the page still reads %.20q, %v", content, err)
	}
	if state, err := s.LoadState(); state != nil || err != nil {
		t.Errorf("state %q, %v", state, err)
	}
	if s.Usage() != (spool.Usage{}) {
		t.Errorf("usage %+v", s.Usage())
	}
	put(t, s, "the next visit")
}

func TestASparseFileDoesNotFillTheMemory(t *testing.T) {
	s := open(t, folder(t), spool.Options{})
	if err := os.WriteFile(filepath.Join(s.Temp(), "sparse"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(filepath.Join(s.Temp(), "sparse"), 1<<42); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Wipe(); err != nil {
		t.Fatal(err)
	}
}

func TestACrashInMidWipeIsFinishedAtTheNextStart(t *testing.T) {
	dir := folder(t)
	s := open(t, dir, spool.Options{})
	put(t, s, "page")
	if err := s.SaveState([]byte("journal")); err != nil {
		t.Fatal(err)
	}
	_ = s.Close()
	if err := os.WriteFile(filepath.Join(dir, "wiping"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir, spool.Options{})
	if got := files(t, dir); len(got) != 0 {
		t.Errorf("left %v", got)
	}
	put(t, s, "the next visit")
}

func TestAWipeOvertakesReadersAndWriters(t *testing.T) {
	dir := folder(t)
	s := open(t, dir, spool.Options{})
	r, err := s.Open(put(t, s, strings.Repeat("page", 10_000)).ID)
	if err != nil {
		t.Fatal(err)
	}
	pr, pw := io.Pipe()
	written := make(chan error, 1)
	go func() {
		_, err := s.Put(pr)
		_ = pr.CloseWithError(err)
		written <- err
	}()
	if _, err := pw.Write([]byte("half a page")); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Wipe(); err != nil {
		t.Fatal(err)
	}
	if _, err := pw.Write([]byte("the rest")); err == nil {
		_ = pw.Close()
	}
	if err := <-written; err == nil {
		t.Error("a page of the old visit was kept in the new one")
	}
	if n, err := r.Read(make([]byte, 10)); !errors.Is(err, os.ErrClosed) {
		t.Errorf("read %d bytes after the wipe, %v", n, err)
	}
	_ = r.Close()
	if got := files(t, dir); len(got) != 0 || s.Usage() != (spool.Usage{}) {
		t.Errorf("left %v, %+v", got, s.Usage())
	}
}

func TestAWipeThatCannotBeVerifiedIsAnErrorAndClosesTheSpool(t *testing.T) {
	dir := folder(t)
	s := open(t, dir, spool.Options{})
	put(t, s, "page")
	// Somebody keeps writing: what a child that was not ended would do.
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			default:
				_ = os.WriteFile(filepath.Join(dir, "again"), []byte("x"), 0o600)
			}
		}
	}()
	var err error
	for range 1000 { // the writer needs a turn between the last sweep and the check
		if _, err = s.Wipe(); err != nil {
			break
		}
	}
	close(stop)
	<-done
	if kiosk.CodeOf(err) != kiosk.CodeOutOfOrder {
		t.Fatalf("got %v, want %q", err, kiosk.CodeOutOfOrder)
	}
	if _, err := s.Put(strings.NewReader("x")); err == nil {
		t.Error("a spool that is not clean took a page")
	}
	if _, err := s.Wipe(); err != nil {
		t.Fatalf("with the writer gone: %v", err)
	}
	put(t, s, "the next visit")
}

func BenchmarkWipe(b *testing.B) {
	s := open(b, folder(b), spool.Options{})
	page := bytes.Repeat([]byte("x"), 1_000_000)
	for b.Loop() {
		b.StopTimer()
		for range 60 {
			if _, err := s.Put(bytes.NewReader(page)); err != nil {
				b.Fatal(err)
			}
		}
		b.StartTimer()
		if _, err := s.Wipe(); err != nil {
			b.Fatal(err)
		}
	}
}
