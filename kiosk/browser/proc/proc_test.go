package proc_test

import (
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"pointnum/kiosk/browser/proc"
)

func TestAllHasOurselvesAndOurChildren(t *testing.T) {
	cmd := exec.Command("sleep", "60")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Wait() }()
	all, err := proc.All()
	if err != nil {
		t.Fatal(err)
	}
	pid := cmd.Process.Pid
	if p := all[pid]; p.PID != pid || p.Group != pid || p.Parent != os.Getpid() || p.UID != os.Getuid() || p.Dead() {
		t.Errorf("got %+v", p)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(5 * time.Second)
	for {
		all, err = proc.All()
		if err != nil {
			t.Fatal(err)
		}
		if all[pid].Dead() {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("got %+v, want it dead and not fetched", all[pid])
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("1 (a) S 0 1 1 0"))
	f.Add([]byte("1 (a) b) ) Z 7 8 1 0"))
	f.Add([]byte(")"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if p, err := proc.Parse(raw); err == nil && p.State == 0 {
			t.Errorf("got %+v", p)
		}
	})
}
