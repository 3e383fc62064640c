package seal_test

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"sync"
	"testing"

	"pointnum/kiosk"
	"pointnum/provisioning"
	"pointnum/provisioning/enrol"
	"pointnum/provisioning/enrol/seal"
)

func identity(t *testing.T) *enrol.Identity {
	t.Helper()
	key, err := enrol.New()
	if err != nil {
		t.Fatal(err)
	}
	return &enrol.Identity{Server: "https://fleet.example.org", Present: enrol.Pair{Key: key,
		Credential: provisioning.Credential{Structure: "s-1", Kiosk: "k-1", Token: "token"}}}
}

func TestIdentityMovesIntoTheTPMAtItsNextSave(t *testing.T) {
	tpm, id := newTPM(t), identity(t)
	dir := t.TempDir()
	path := filepath.Join(dir, "identity.json")
	is := func(by seal.TPM, sealed bool) {
		t.Helper()
		got, err := enrol.LoadBy(path, by)
		if err != nil || !reflect.DeepEqual(got, id) {
			t.Errorf("loaded %+v, %v", got, err)
		}
		if s, err := enrol.Sealed(path); err != nil || s != sealed {
			t.Errorf("sealed: %v, %v", s, err)
		}
		info, err := os.Stat(path)
		if err != nil || info.Mode() != 0o600 {
			t.Errorf("%v, %v", info, err)
		}
	}
	if err := id.SaveBy(path, ""); err != nil {
		t.Fatal(err)
	}
	is(tpm.path, false)
	if err := id.SaveBy(path, tpm.path); err != nil {
		t.Fatal(err)
	}
	is(tpm.path, true)
	// A TPM that was cleared: a code, and a new identity takes the file's place.
	tpm.clear()
	if _, err := enrol.LoadBy(path, tpm.path); kiosk.CodeOf(err) != seal.CodeBroken {
		t.Errorf("after clearing: %v", err)
	}
	if err := id.SaveBy(path, tpm.path); err != nil {
		t.Fatal(err)
	}
	is(tpm.path, true)
	// A TPM that does not answer is done without.
	tpm.stop()
	if err := id.SaveBy(path, tpm.path); err != nil {
		t.Fatal(err)
	}
	is("", false)
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("left %v, %v", left, err)
	}
	tpm.start()
}

// busy is a TPM that says "again" (TPM_RC_RETRY) before each answer.
func busy(t *testing.T, behind seal.TPM) seal.TPM {
	t.Helper()
	dir, err := os.MkdirTemp("", "s")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "busy.sock")
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "unix", path)
	if err != nil {
		t.Fatal(err)
	}
	var work sync.WaitGroup
	work.Go(func() {
		for n := 0; ; {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_ = answerLate(c, behind, &n) // ends when the asker goes away
			_ = c.Close()
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		work.Wait()
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return seal.TPM(path)
}

// answerLate has every third command answered; n counts them.
func answerLate(c net.Conn, behind seal.TPM, n *int) error {
	tpm, err := dial(behind)
	if err != nil {
		return err
	}
	defer tpm.Close()
	for {
		command, err := message(c)
		if err != nil {
			return err
		}
		if *n++; *n%3 != 0 {
			if _, err := c.Write([]byte{0x80, 1, 0, 0, 0, 10, 0, 0, 9, 0x22}); err != nil {
				return err
			}
			continue
		}
		if _, err := tpm.Write(command); err != nil {
			return err
		}
		answer, err := message(tpm)
		if err != nil {
			return err
		}
		if _, err := c.Write(answer); err != nil {
			return err
		}
	}
}

// message reads one command or answer: its size is in its head.
func message(r io.Reader) ([]byte, error) {
	b := make([]byte, 10)
	if _, err := io.ReadFull(r, b); err != nil {
		return nil, err
	}
	size := binary.BigEndian.Uint32(b[2:])
	if size < 10 || size > 1<<16 {
		return nil, errors.New("no message")
	}
	b = append(b, make([]byte, size-10)...)
	_, err := io.ReadFull(r, b[10:])
	return b, err
}

func TestATPMThatSaysAgainIsAskedAgain(t *testing.T) {
	tpm := busy(t, newTPM(t).path)
	b, err := tpm.Seal(secret)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := tpm.Open(b); err != nil || string(got) != string(secret) {
		t.Errorf("opened %q, %v", got, err)
	}
}
