package leftover_test

import (
	"crypto/rand"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"pointnum/cmd/internal/leftover"
)

// A shell that has read a word holds it, and so does nobody else.
func TestFindsWhatAProcessHolds(t *testing.T) {
	word, id := rand.Text(), rand.Text()
	cmd := exec.Command("sh", "-c", "read word; echo read; read end")
	cmd.Env = append(os.Environ(), "LEFTOVER_TEST="+id)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fprintln(in, word); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAtLeast(out, make([]byte, 4), 4); err != nil {
		t.Fatal(err)
	}
	pid := cmd.Process.Pid
	pids, err := leftover.Processes("LEFTOVER_TEST", id)
	if err != nil || !slices.Equal(pids, []int{pid}) {
		t.Errorf("processes %v, %v, want %d", pids, err, pid)
	}
	if pids, err := leftover.Processes("LEFTOVER_TEST", id, pid); err != nil || len(pids) > 0 {
		t.Errorf("processes but that one: %v, %v", pids, err)
	}
	found, err := leftover.InMemory(t.Context(), pid, leftover.Text("the word", word))
	if err != nil || len(found) == 0 || !strings.Contains(string(found[0].Around), word) || found[0].Piece != "the word" {
		t.Errorf("found %v, %v", found, err)
	}
	if found, err := leftover.InMemory(t.Context(), pid, leftover.Text("another", rand.Text())); err != nil || len(found) > 0 {
		t.Errorf("what is not there was found: %v, %v", found, err)
	}
	if err := in.Close(); err != nil {
		t.Error(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case <-ended:
	case <-time.After(20 * time.Second):
		t.Fatal("the shell does not end")
	}
	if found, err := leftover.InMemory(t.Context(), pid, leftover.Text("the word", word)); err != nil || len(found) > 0 {
		t.Errorf("a process that is gone holds %v, %v", found, err)
	}
}

func TestTextIsLookedForInBothForms(t *testing.T) {
	pieces := leftover.Text("x", "aé")
	if len(pieces) != 2 || string(pieces[0].Data) != "aé" || string(pieces[1].Data) != "a\x00\xe9\x00" {
		t.Errorf("%q", pieces)
	}
}
