package spool_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"pointnum/kiosk"
	"pointnum/kiosk/spool"
)

// folder is a fresh folder in memory.
func folder(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "pointnum-spool-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func open(t testing.TB, dir string, o spool.Options) *spool.Spool {
	t.Helper()
	s, err := spool.Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func put(t testing.TB, s *spool.Spool, content string) spool.Blob {
	t.Helper()
	b, err := s.Put(strings.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// files lists all that is below dir but folders.
func files(t testing.TB, dir string) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			found = append(found, p)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestADiskIsRefused(t *testing.T) {
	dir := t.TempDir()
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		t.Fatal(err)
	}
	if st.Type == unix.TMPFS_MAGIC {
		dir = "testdata/spool" // TMPDIR is in memory, the checkout hardly
		t.Cleanup(func() { _ = os.RemoveAll("testdata") })
	}
	if s, err := spool.Open(dir, spool.Options{}); !errors.Is(err, spool.ErrNotMemory) {
		_ = s.Close()
		t.Errorf("got %v, want ErrNotMemory", err)
	}
	open(t, dir, spool.Options{Development: true})
}

func TestOnlyOneAgentAndOnlyItsUser(t *testing.T) {
	dir := folder(t)
	s := open(t, dir, spool.Options{})
	put(t, s, "page")
	if err := s.SaveState([]byte("state")); err != nil {
		t.Fatal(err)
	}
	if _, err := spool.Open(dir, spool.Options{}); err == nil {
		t.Error("two agents on one spool")
	}
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s can be read by others: %v", p, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestBlobsSurviveARestart(t *testing.T) {
	dir := folder(t)
	s := open(t, dir, spool.Options{})
	b := put(t, s, "page one")
	if err := s.SaveState([]byte("journal")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s.Temp(), "child"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	_ = s.Close()

	s = open(t, dir, spool.Options{})
	r, err := s.Open(b.ID)
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(r)
	if err != nil || string(got) != "page one" {
		t.Errorf("got %q, %v", got, err)
	}
	if err := s.Check(b); err != nil {
		t.Error(err)
	}
	if got, err := s.LoadState(); err != nil || string(got) != "journal" {
		t.Errorf("state %q, %v", got, err)
	}
	if u := s.Usage(); u != (spool.Usage{Blobs: 1, Bytes: 8}) {
		t.Errorf("usage %+v", u)
	}
	if got := files(t, s.Temp()); len(got) != 0 {
		t.Errorf("temporary files after a restart: %v", got)
	}
}

func TestAHalfWrittenPageNeverCounts(t *testing.T) {
	dir := folder(t)
	s := open(t, dir, spool.Options{})
	cut := errors.New("scanner cut")
	if _, err := s.Put(io.MultiReader(strings.NewReader("half"), &failing{cut})); !errors.Is(err, cut) {
		t.Errorf("got %v, want the reader's error", err)
	}
	if got := files(t, dir); len(got) != 0 {
		t.Errorf("left %v", got)
	}
	if u := s.Usage(); u != (spool.Usage{}) {
		t.Errorf("usage %+v after nothing was kept", u)
	}

	// A crash in mid-write: the folder as it is while the page arrives.
	started, proceed := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		_, err := s.Put(io.MultiReader(strings.NewReader("half"), &waiting{started, proceed}))
		if err != nil {
			t.Error(err)
		}
	})
	<-started
	crashed := folder(t)
	if err := os.CopyFS(filepath.Join(crashed, "copy"), os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	close(proceed)
	wg.Wait()
	s2 := open(t, filepath.Join(crashed, "copy"), spool.Options{})
	if ids, err := s2.IDs(); err != nil || len(ids) != 0 || s2.Usage() != (spool.Usage{}) {
		t.Errorf("after the crash %v, %v, %+v", ids, err, s2.Usage())
	}
}

type failing struct{ err error }

func (f *failing) Read([]byte) (int, error) { return 0, f.err }

type waiting struct{ started, proceed chan struct{} }

func (w *waiting) Read([]byte) (int, error) {
	close(w.started)
	<-w.proceed
	return 0, io.EOF
}

func TestLimits(t *testing.T) {
	s := open(t, folder(t), spool.Options{MaxBlobs: 2, MaxBytes: 100})
	first := put(t, s, strings.Repeat("x", 60))
	if _, err := s.Put(strings.NewReader(strings.Repeat("x", 41))); kiosk.CodeOf(err) != kiosk.CodeSpoolFull {
		t.Errorf("got %v, want %q for too many bytes", err, kiosk.CodeSpoolFull)
	}
	put(t, s, strings.Repeat("x", 40))
	if _, err := s.Put(strings.NewReader("")); kiosk.CodeOf(err) != kiosk.CodeSpoolFull {
		t.Errorf("got %v, want %q for too many blobs", err, kiosk.CodeSpoolFull)
	}
	if err := s.Remove(first.ID); err != nil {
		t.Fatal(err)
	}
	if err := s.Remove(first.ID); err != nil {
		t.Errorf("removing what is gone: %v", err)
	}
	put(t, s, strings.Repeat("x", 60))
}

func TestNamesLeadNowhereElse(t *testing.T) {
	dir := folder(t)
	s := open(t, dir, spool.Options{})
	if err := s.SaveState([]byte("journal")); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"", "../journal", "/etc/passwd", ".", strings.Repeat("z", 32), "..%2fjournal"} {
		if r, err := s.Open(id); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("opened %q: %v, %v", id, r, err)
		}
		if err := s.Remove(id); err != nil {
			t.Error(err)
		}
	}
	// Somebody planted a link among the blobs.
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	id := strings.Repeat("ab", 16)
	if err := os.Symlink(secret, filepath.Join(dir, "blobs", id)); err != nil {
		t.Fatal(err)
	}
	if r, err := s.Open(id); err == nil {
		_ = r.Close()
		t.Error("a link out of the spool was followed")
	}
	if _, err := s.Wipe(); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(secret); err != nil || string(got) != "secret" {
		t.Errorf("the wipe went through a link: %q, %v", got, err)
	}
}

func TestManyWritersAndReaders(t *testing.T) {
	s := open(t, folder(t), spool.Options{MaxBlobs: 50})
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 10 {
				content := bytes.Repeat([]byte{byte(i), byte(j)}, 5000)
				b, err := s.Put(bytes.NewReader(content))
				if kiosk.CodeOf(err) == kiosk.CodeSpoolFull {
					continue
				}
				if err != nil {
					t.Error(err)
					return
				}
				r, err := s.Open(b.ID)
				if err != nil {
					t.Error(err)
					return
				}
				got, err := io.ReadAll(r)
				if err := errors.Join(err, r.Close()); err != nil || !bytes.Equal(got, content) {
					t.Errorf("%d bytes, %v", len(got), err)
				}
			}
		})
	}
	wg.Wait()
	ids, err := s.IDs()
	if err != nil || len(ids) != 50 || s.Usage() != (spool.Usage{Blobs: 50, Bytes: 500_000}) {
		t.Errorf("%d blobs, %v, %+v", len(ids), err, s.Usage())
	}
}

func TestSwapIsReported(t *testing.T) {
	data, err := os.ReadFile("/proc/swaps")
	if err != nil {
		t.Fatal(err)
	}
	want := false
	for l := range strings.Lines(string(data)) {
		want = want || strings.HasPrefix(l, "/") && !strings.HasPrefix(l, "/dev/zram")
	}
	if got, err := spool.SwapActive(); err != nil || got != want {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
}

func BenchmarkPut(b *testing.B) {
	s := open(b, folder(b), spool.Options{})
	for _, kb := range []int{10, 1000} {
		content := bytes.Repeat([]byte("x"), kb*1000)
		b.Run(fmt.Sprintf("%dkB", kb), func(b *testing.B) {
			b.SetBytes(int64(len(content)))
			for b.Loop() {
				blob, err := s.Put(bytes.NewReader(content))
				if err != nil {
					b.Fatal(err)
				}
				if err := s.Remove(blob.ID); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
