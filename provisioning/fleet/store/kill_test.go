package store_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"pointnum/provisioning"
	"pointnum/provisioning/fleet/store"
)

// serverFile is the variable that makes the test's program a server that
// ingests into that file and writes the number of each batch once it was
// acknowledged.
const serverFile = "STORE_TEST_SERVE"

// killSize is how many events the server's batches have.
const killSize = 10

func killBatch(b int64) (evs []provisioning.Event) {
	for i := range int64(killSize) {
		evs = append(evs, counts(1, b*killSize+i+1, noon, 2))
	}
	return evs
}

func serve(dsn string) int {
	s, err := store.Open(context.Background(), dsn, store.Options{Now: func() time.Time { return noon }})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	var wg sync.WaitGroup
	for _, kiosk := range []string{"k0", "k1"} { // they share commits
		wg.Go(func() {
			for b := int64(0); ; b++ {
				if _, err := s.Ingest(context.Background(), "town", kiosk, killBatch(b)); err != nil {
					fmt.Fprintln(os.Stderr, err)
					return
				}
				fmt.Println(kiosk, b)
			}
		})
	}
	wg.Wait()
	return 1
}

// A server is killed in mid-commit again and again: what it acknowledged is
// there, and kiosks that send everything anew are counted once.
func TestAKilledServerLosesNothingThatItAcknowledged(t *testing.T) {
	dsn := databases(t)["sqlite"]
	s := open(t, dsn)
	settle(t, s, "town", "k0", "k1")
	must(t, s.Close())
	acked := map[string]int64{}
	for round := range 4 {
		for kiosk, n := range killServer(t, dsn, 30*(round+1)) {
			acked[kiosk] = max(acked[kiosk], n)
		}
	}
	s = open(t, dsn)
	var made int64
	for kiosk, last := range acked {
		for b := range last + 1 {
			if n := ingest(t, s, "town", kiosk, killBatch(b)...); n != 0 {
				t.Errorf("batch %d of %s was acknowledged, and %d of it were not there", b, kiosk, n)
			}
		}
		// Those after it were committed whole or not at all.
		for b := last + 1; b < last+3; b++ {
			if n := ingest(t, s, "town", kiosk, killBatch(b)...); n != 0 && n != killSize {
				t.Errorf("%d of batch %d were there", killSize-n, b)
			}
		}
		made += (last + 3) * killSize
	}
	if v, p := total(t, s, "visits"), total(t, s, "pages"); v != made || p != 2*made {
		t.Errorf("made %d events: %d visits, %d pages", made, v, p)
	}
}

// killServer lets a server acknowledge some batches, kills it and says which
// was each kiosk's last that it acknowledged.
func killServer(t *testing.T, dsn string, batches int) map[string]int64 {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), serverFile+"="+dsn)
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	last := map[string]int64{}
	lines := bufio.NewScanner(out)
	for n := 0; lines.Scan(); n++ {
		kiosk, b, ok := strings.Cut(lines.Text(), " ")
		number, err := strconv.ParseInt(b, 10, 64)
		if !ok || err != nil {
			continue // a line that was cut by the kill
		}
		last[kiosk] = max(last[kiosk], number)
		if n == batches {
			must(t, cmd.Process.Kill())
		}
	}
	_ = cmd.Wait() // killed
	if len(last) == 0 {
		t.Fatal("the server acknowledged nothing")
	}
	return last
}
