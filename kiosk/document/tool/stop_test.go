package tool_test

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"pointnum/kiosk"
	"pointnum/kiosk/document/tool"
)

// working says whether LibreOffice runs below a process, and who does.
func working(pid int) ([]int, bool) {
	all := descendants(pid)
	for _, p := range all {
		comm, _ := os.ReadFile("/proc/" + strconv.Itoa(p) + "/comm")
		if strings.HasPrefix(string(comm), "soffice.bin") {
			return all, true
		}
	}
	return all, false
}

func TestAStoppedRunIsGoneAtOnce(t *testing.T) {
	x := newTools(t, tool.Options{})
	needOffice(t, x)
	ctx, cancel := context.WithCancelCause(t.Context())
	done := make(chan error)
	go func() {
		_, err := x.PDF(ctx, long(), tool.RTF)
		done <- err
	}()
	eventually(t, "LibreOffice", func() bool { _, yes := working(os.Getpid()); return yes })
	stop := time.Now()
	cancel(&kiosk.Error{Code: kiosk.CodeOutOfOrder})
	err := <-done
	wantCode(t, err, kiosk.CodeOutOfOrder)
	if took := time.Since(stop); took > 3*time.Second {
		t.Errorf("took %v", took)
	}
	if left := descendants(os.Getpid()); len(left) > 0 {
		t.Errorf("processes %v are left", left)
	}
}

// agent is the other program of TestNothingOutlivesItsAgent.
func agent() {
	x, err := tool.New(tool.Options{})
	if err == nil {
		_, err = x.PDF(context.Background(), long(), tool.RTF)
	}
	if err != nil {
		os.Exit(1)
	}
	os.Exit(0)
}

func TestNothingOutlivesItsAgent(t *testing.T) {
	needOffice(t, newTools(t, tool.Options{}))
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), agentMark+"=1")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var theirs []int
	eventually(t, "LibreOffice", func() (yes bool) { theirs, yes = working(cmd.Process.Pid); return yes })
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // it was killed
	eventually(t, "everything to end", func() bool {
		for _, p := range theirs {
			comm, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(p), "comm"))
			if err == nil && !errors.Is(err, io.EOF) && len(comm) > 0 && !zombie(p) {
				return false
			}
		}
		return true
	})
}

// zombie is true for what has ended and nobody waits for.
func zombie(pid int) bool {
	stat, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	_, state, _ := strings.Cut(string(stat), ") ")
	return strings.HasPrefix(state, "Z")
}

func TestRunsTakeTurns(t *testing.T) {
	x := newTools(t, tool.Options{})
	needOffice(t, x)
	ctx, cancel := context.WithCancel(t.Context())
	var first sync.WaitGroup
	first.Go(func() {
		_, err := x.PDF(ctx, long(), tool.RTF)
		wantCode(t, err, kiosk.CodeCanceled)
	})
	eventually(t, "LibreOffice", func() bool { _, yes := working(os.Getpid()); return yes })
	soon, cancelSoon := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancelSoon()
	_, err := x.PDF(soon, strings.NewReader(rtf("a")), tool.RTF)
	wantCode(t, err, kiosk.CodeNotResponding)
	cancel()
	first.Wait()
}
