package outbox_test

import (
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"pointnum/provisioning"
	"pointnum/provisioning/link/outbox"
)

// A file that may not grow: the oldest days are merged, the sums stay.
func TestAFullBoxMergesDaysAndLosesNothing(t *testing.T) {
	t.Parallel()
	m := newMachine()
	b := open(t, filepath.Join(t.TempDir(), "b"), outbox.Options{Clock: m.clock(), Bytes: 128 << 10})
	want := map[string]int64{}
	var given []provisioning.Event
	for i := range 300 {
		for _, name := range []string{
			provisioning.CountVisits, provisioning.CountPages, provisioning.CountOpened + "caf-mon-compte-and-all-that-it-is-called",
			provisioning.CountAttached + "caf-mon-compte-and-all-that-it-is-called", provisioning.CountPaper + "justificatif-de-domicile-recent",
			provisioning.CountPaper + "avis-d-imposition-de-l-an-dernier", provisioning.CountPaper + "attestation-de-l-employeur",
			provisioning.CountPaper + "certificat-de-scolarite-de-l-enfant", provisioning.CountPaper + "releve-d-identite-bancaire",
		} {
			b.Count(name, int64(i%7+1))
			want[name] += int64(i%7 + 1)
		}
		m.pass(15 * time.Minute)
		ok(t, b.Flush(t.Context()))
		if i == 105 { // sent, and the answer is lost: these must not change any more
			var err error
			given, err = b.Next(t.Context(), provisioning.MaxBatch)
			ok(t, err)
		}
	}
	evs := drain(t, b)
	got := map[string]int64{}
	for _, e := range evs {
		for name, n := range e.Counts.N {
			got[name] += n
		}
	}
	equal(t, got, want)
	for i, e := range given {
		if evs[i].Seq != e.Seq || evs[i].Counts.Slot != e.Counts.Slot || fmt.Sprint(evs[i].Counts.N) != fmt.Sprint(e.Counts.N) {
			t.Fatalf("event %d was changed after it was given out", i)
		}
	}
	if len(evs) > 250 {
		t.Errorf("%d events: nothing was merged", len(evs))
	}
}

// A disk that is full: a child process whose files may not grow beyond a
// limit, which is lifted later.
func TestAFullDiskDisturbsNobody(t *testing.T) {
	if path := os.Getenv("OUTBOX_ON_A_FULL_DISK"); path != "" {
		fullDisk(t, path)
		return
	}
	exe, err := os.Executable()
	ok(t, err)
	cmd := exec.CommandContext(t.Context(), exe, "-test.run=^TestAFullDiskDisturbsNobody$", "-test.v")
	cmd.Env = append(os.Environ(), "OUTBOX_ON_A_FULL_DISK="+filepath.Join(t.TempDir(), "box"))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

func fullDisk(t *testing.T, path string) {
	signal.Ignore(unix.SIGXFSZ) // then a write fails with EFBIG
	var was unix.Rlimit
	ok(t, unix.Getrlimit(unix.RLIMIT_FSIZE, &was))
	m := newMachine()
	b := open(t, path, outbox.Options{Clock: m.clock()})
	want := map[string]int64{}
	failed := 0
	for i := range 600 {
		switch i {
		case 100, 400:
			info, err := os.Stat(path + "-wal")
			ok(t, err)
			ok(t, unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: uint64(info.Size()), Max: was.Max}))
		case 300, 500:
			ok(t, unix.Setrlimit(unix.RLIMIT_FSIZE, &was))
		}
		b.Count(provisioning.CountPages, 3)
		want[m.now().Truncate(provisioning.Slot).Format("01-02 15:04 ")+provisioning.CountPages] += 3
		err := b.Add(t.Context(), state(fmt.Sprint(i)))
		if err != nil {
			failed++
			if !errors.Is(err, outbox.ErrNotKept) || b.Kept() {
				t.Fatalf("%v, kept %v", err, b.Kept())
			}
		}
		m.pass(2 * time.Minute)
	}
	if failed < 50 {
		t.Errorf("only %d writes failed: the disk was not full", failed)
	}
	m.pass(time.Hour)
	ok(t, b.Flush(t.Context()))
	evs := drain(t, b)
	equal(t, totals(evs), want)
	if last := evs[len(evs)-2].State; last == nil || last.Version != "599" {
		if last = evs[len(evs)-1].State; last == nil || last.Version != "599" {
			t.Error("the newest state is not there")
		}
	}
}

func TestWhatCannotBeReadIsForgottenAndDoesNotWait(t *testing.T) {
	path := filepath.Join(t.TempDir(), "box")
	b := open(t, path, outbox.Options{})
	ok(t, b.Add(t.Context(), state("1")))
	ok(t, b.Close())
	db, err := sql.Open("sqlite", path)
	ok(t, err)
	_, err = db.ExecContext(t.Context(), `UPDATE ev SET body='{'`)
	ok(t, errors.Join(err, db.Close()))
	b = open(t, path, outbox.Options{})
	if n := b.Waiting(); n != 1 {
		t.Fatalf("%d events wait after the start", n)
	}
	evs, err := b.Next(t.Context(), provisioning.MaxBatch)
	if err != nil || len(evs) != 0 || b.Waiting() != 0 {
		t.Errorf("%v, %v; %d still wait", evs, err, b.Waiting())
	}
}
