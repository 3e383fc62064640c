package sandbox_test

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"

	"pointnum/kiosk/document/sandbox"
)

// The tests run in a copy of the test program: there is no way out again.
const inside = "POINTNUM_TEST_SANDBOX"

func TestMain(m *testing.M) {
	switch os.Getenv(inside) {
	case "":
		os.Exit(m.Run())
	case "room":
		lookAroundRoom()
		return
	}
	got := sandbox.Enter(sandbox.Limits{CPUSeconds: 20, Data: 64 << 20, Files: 16})
	fmt.Println("locks", strings.Join(got, " "))
	_, err := os.ReadFile("/etc/hostname")
	fmt.Println("read", err != nil)
	_, err = os.Create(os.TempDir() + "/pointnum-sandbox")
	fmt.Println("write", err != nil)
	_, err = net.Dial("tcp", "127.0.0.1:9")
	fmt.Println("dial", err != nil && strings.Contains(err.Error(), "not permitted"))
	fmt.Println("exec", exec.Command("/bin/true").Run() != nil)
	fmt.Println("signal", syscall.Kill(os.Getppid(), 0) != nil)
	done := make(chan int)
	for range 8 { // threads can still be made
		go func() {
			b := bytes.Repeat([]byte{1}, 1<<20)
			done <- len(b)
		}()
	}
	for range 8 {
		<-done
	}
	fmt.Println("threads true")
}

func TestNothingCanBeReachedFromInside(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = []string{inside + "=1"}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, what := range []string{"read", "write", "dial", "exec", "signal", "threads"} {
		if !strings.Contains(string(out), what+" true") {
			t.Errorf("%s got through", what)
		}
	}
	locks, _, _ := strings.Cut(string(out), "\n")
	for _, want := range []string{sandbox.NoNewPrivs, sandbox.NoDump, sandbox.RLimits, sandbox.Seccomp} {
		if !slices.Contains(strings.Fields(locks), want) {
			t.Errorf("%q is not among the %s", want, locks)
		}
	}
}
