package seal_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-tpm/tpm2"
	"github.com/google/go-tpm/tpm2/transport/linuxudstpm"

	"pointnum/kiosk"
	"pointnum/provisioning/enrol/seal"
)

// software is a TPM 2.0 in a program, swtpm, with its state in a folder.
type software struct {
	t     testing.TB
	state string
	cmd   *exec.Cmd
	path  seal.TPM
}

func newTPM(t testing.TB) *software {
	t.Helper()
	dir, err := os.MkdirTemp("", "s") // a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	s := &software{t: t, state: dir, path: seal.TPM(filepath.Join(dir, "tpm.sock"))}
	s.start()
	t.Cleanup(func() {
		s.stop()
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return s
}

// start powers it on, as a machine's start does: PCRs begin anew.
func (s *software) start() {
	s.t.Helper()
	s.cmd = exec.Command("swtpm", "socket", "--tpm2", "--tpmstate", "dir="+s.state, "--server", "type=unixio,path="+string(s.path),
		"--ctrl", "type=unixio,path="+filepath.Join(s.state, "ctrl.sock"), "--flags", "not-need-init,startup-clear")
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	c, err := dial(s.path)
	if err != nil {
		s.t.Fatal(err)
	}
	_ = c.Close()
}

// dial waits until swtpm takes a connection: its socket is there before it
// listens, and it serves one asker at a time with one more waiting.
func dial(path seal.TPM) (net.Conn, error) {
	for deadline := time.Now().Add(40 * time.Second); ; time.Sleep(2 * time.Millisecond) {
		c, err := net.Dial("unix", string(path))
		if err == nil || time.Now().After(deadline) {
			return c, err
		}
	}
}

func (s *software) stop() {
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
	_ = os.Remove(string(s.path))
}

// extend changes a PCR, as another state of Secure Boot would.
func (s *software) extend(pcr tpm2.TPMHandle) {
	s.t.Helper()
	c, err := linuxudstpm.Open(string(s.path))
	if err != nil {
		s.t.Fatal(err)
	}
	defer c.Close()
	_, err = tpm2.PCRExtend{
		PCRHandle: tpm2.AuthHandle{Handle: pcr, Auth: tpm2.PasswordAuth(nil)},
		Digests:   tpm2.TPMLDigestValues{Digests: []tpm2.TPMTHA{{HashAlg: tpm2.TPMAlgSHA256, Digest: bytes.Repeat([]byte{7}, 32)}}},
	}.Execute(c)
	if err != nil {
		s.t.Fatal(err)
	}
}

var secret = []byte("a kiosk's identity")

func (s *software) sealed() []byte {
	s.t.Helper()
	b, err := s.path.Seal(secret)
	if err != nil {
		s.t.Fatal(err)
	}
	if !seal.Is(b) || bytes.Contains(b, secret) {
		s.t.Errorf("sealed as %s", b)
	}
	return b
}

func TestOnlyTheSameMachineOpens(t *testing.T) {
	tpm := newTPM(t)
	b := tpm.sealed()
	open := func(want kiosk.Code) {
		t.Helper()
		got, err := tpm.path.Open(b)
		if kiosk.CodeOf(err) != want || want == "" && !bytes.Equal(got, secret) {
			t.Errorf("opened %q, %v, want code %q", got, err, want)
		}
	}
	for range 5 { // nothing stays in the TPM: it has three places
		open("")
	}
	tpm.stop()
	tpm.start()
	open("")
	tpm.extend(11) // another kernel of ours
	open("")
	tpm.extend(7)
	open(seal.CodeBroken)
	tpm.stop()
	tpm.start()
	open("") // started the same way again
	other := newTPM(t)
	if _, err := other.path.Open(b); kiosk.CodeOf(err) != seal.CodeBroken {
		t.Errorf("another machine: %v", err)
	}
	tpm.clear()
	open(seal.CodeBroken)
	b = tpm.sealed()
	open("")
}

// clear is what a firmware's menu does.
func (s *software) clear() {
	s.t.Helper()
	c, err := linuxudstpm.Open(string(s.path))
	if err != nil {
		s.t.Fatal(err)
	}
	defer c.Close()
	if _, err := (tpm2.Clear{AuthHandle: tpm2.AuthHandle{Handle: tpm2.TPMRHLockout, Auth: tpm2.PasswordAuth(nil)}}).Execute(c); err != nil {
		s.t.Fatal(err)
	}
}

func TestDamagedFilesAreBrokenAndNothingWorse(t *testing.T) {
	tpm := newTPM(t)
	b := tpm.sealed()
	var whole map[string]any
	if err := json.Unmarshal(b, &whole); err != nil {
		t.Fatal(err)
	}
	for key := range whole {
		for _, value := range []any{nil, "", "AAAA", 2, []byte("0123456789ab"), bytes.Repeat([]byte{1}, 100)} {
			var other map[string]any
			if err := json.Unmarshal(b, &other); err != nil {
				t.Fatal(err)
			}
			other[key] = value
			raw, err := json.Marshal(other)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := tpm.path.Open(raw); kiosk.CodeOf(err) != seal.CodeBroken {
				t.Errorf("%s is %v: %v", key, value, err)
			}
		}
	}
	for _, raw := range [][]byte{nil, []byte("{"), b[:len(b)/2], append(bytes.Clone(b), b...)} {
		if _, err := tpm.path.Open(raw); kiosk.CodeOf(err) != seal.CodeBroken {
			t.Errorf("%.20q: %v", raw, err)
		}
	}
	if got, err := tpm.path.Open(b); err != nil || !bytes.Equal(got, secret) {
		t.Errorf("after all that: %q, %v", got, err)
	}
}

func TestWithoutATPM(t *testing.T) {
	b := newTPM(t).sealed()
	for _, none := range []seal.TPM{"", seal.TPM(filepath.Join(t.TempDir(), "none"))} {
		if none.There() {
			t.Errorf("%q is there", none)
		}
		if _, err := none.Seal(secret); !errors.Is(err, seal.ErrNoTPM) {
			t.Errorf("sealed: %v", err)
		}
		if _, err := none.Open(b); kiosk.CodeOf(err) != seal.CodeBroken {
			t.Errorf("opened: %v", err)
		}
	}
	silent := seal.TPM(filepath.Join(t.TempDir(), "file"))
	if err := os.WriteFile(string(silent), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := silent.Open(b); kiosk.CodeOf(err) != kiosk.CodeNotResponding {
		t.Errorf("a TPM that can't be asked: %v", err)
	}
}

func FuzzOpen(f *testing.F) {
	f.Add([]byte(`{"sealed":1,"public":"AA==","private":"AA==","nonce":"AAAAAAAAAAAAAAAA","data":"AA=="}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := seal.TPM("").Open(b); kiosk.CodeOf(err) != seal.CodeBroken {
			t.Errorf("opened: %v", err)
		}
	})
}
