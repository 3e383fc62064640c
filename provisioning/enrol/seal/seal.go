// Package seal keeps a small secret file so that only this machine's TPM 2.0,
// started the same way (PCR 7: the state and the keys of Secure Boot), opens
// it. Nothing is left in the TPM: who removes the file has removed all, and a
// disk in another machine is worth nothing.
//
// It does not protect from somebody who listens on the wires between processor
// and TPM, or who runs programs on the kiosk as the agent's user.
package seal

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/google/go-tpm/tpm2"
	"github.com/google/go-tpm/tpm2/transport"
	"github.com/google/go-tpm/tpm2/transport/linuxtpm"
	"github.com/google/go-tpm/tpm2/transport/linuxudstpm"

	"pointnum/kiosk"
)

// CodeBroken means that the TPM does not open what it sealed: it was cleared
// or changed, or the machine starts another way. The kiosk is enrolled again.
const CodeBroken kiosk.Code = "identity_sealed"

// ErrNoTPM means that there is no TPM to seal with.
var ErrNoTPM = errors.New("seal: no TPM")

// TPM is where a TPM is: the path of the kernel's device, or of a socket that
// speaks the same. "" is none.
type TPM string

// Machine is this machine's TPM, through the kernel's resource manager.
const Machine TPM = "/dev/tpmrm0"

// There says whether there is one.
func (t TPM) There() bool {
	if t == "" {
		return false
	}
	_, err := os.Stat(string(t))
	return err == nil
}

// file is what Seal returns, as JSON.
type file struct {
	Sealed  int    `json:"sealed"`  // version: 1
	Public  []byte `json:"public"`  // TPM2B_PUBLIC of the sealed key
	Private []byte `json:"private"` // TPM2B_PRIVATE of it, encrypted by the TPM
	Nonce   []byte `json:"nonce"`
	Data    []byte `json:"data"` // AES-256-GCM; Public is authenticated with it
}

// maxFile bounds what Open reads, in bytes.
const maxFile = 256 << 10

// Is says whether something was written by Seal.
func Is(b []byte) bool { return bytes.HasPrefix(b, []byte(`{"sealed":`)) }

// Seal encrypts data by a new key that only the TPM gives back. The error is
// ErrNoTPM where there is none; others are of a TPM that can't.
func (t TPM) Seal(data []byte) ([]byte, error) {
	c, err := t.open()
	if err != nil {
		return nil, err
	}
	defer c.Close()
	key := make([]byte, 32)
	if _, err := rand.Read(key); err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	f := file{Sealed: 1}
	if f.Public, f.Private, err = sealKey(patient{c}, key); err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	// A key that cannot be got back now never can: a TPM without the bank of
	// PCRs, an owner who wants a password.
	if again, err := unsealKey(patient{c}, f); err != nil || !bytes.Equal(again, key) {
		return nil, errors.Join(errors.New("seal: the TPM does not give the key back"), err)
	}
	gcm, err := newGCM(key)
	if err != nil {
		return nil, err
	}
	f.Nonce = make([]byte, gcm.NonceSize())
	if _, err := rand.Read(f.Nonce); err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	f.Data = gcm.Seal(nil, f.Nonce, data, f.Public)
	return json.Marshal(f)
}

// Open gives back what Seal was given. The error is CodeBroken when this TPM
// does not open it, or no longer: it will not another time either. It is
// kiosk.CodeNotResponding when the TPM could not be asked.
func (t TPM) Open(sealed []byte) ([]byte, error) {
	f, err := decode(sealed)
	if err != nil {
		return nil, broken(err)
	}
	c, err := t.open()
	if errors.Is(err, ErrNoTPM) {
		return nil, broken(err)
	}
	if err != nil {
		return nil, &kiosk.Error{Code: kiosk.CodeNotResponding, Op: "seal", Err: err}
	}
	defer c.Close()
	key, err := unsealKey(patient{c}, f)
	if err != nil {
		if _, said := errors.AsType[tpm2.TPMRC](err); said || isFormat(err) {
			return nil, broken(err)
		}
		return nil, &kiosk.Error{Code: kiosk.CodeNotResponding, Op: "seal", Err: err}
	}
	gcm, err := newGCM(key)
	if err != nil {
		return nil, broken(err)
	}
	data, err := gcm.Open(nil, f.Nonce, f.Data, f.Public)
	if err != nil {
		return nil, broken(err)
	}
	return data, nil
}

func broken(err error) error { return &kiosk.Error{Code: CodeBroken, Op: "seal", Err: err} }

// errFormat is for bytes that are no key of a TPM.
var errFormat = errors.New("seal: not a sealed file")

func isFormat(err error) bool { return errors.Is(err, errFormat) }

func decode(b []byte) (file, error) {
	if len(b) > maxFile {
		return file{}, errFormat
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	var f file
	if err := d.Decode(&f); err != nil {
		return file{}, fmt.Errorf("%w: %w", errFormat, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) || f.Sealed != 1 || len(f.Nonce) != 12 || len(f.Public) > 1024 || len(f.Private) > 1024 {
		return file{}, errFormat
	}
	return f, nil
}

func newGCM(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	return gcm, nil
}

// open opens the TPM. The caller closes it.
func (t TPM) open() (transport.TPMCloser, error) {
	if t == "" {
		return nil, ErrNoTPM
	}
	info, err := os.Stat(string(t))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNoTPM
	}
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	open := linuxtpm.Open
	if info.Mode()&fs.ModeSocket != 0 {
		open = linuxudstpm.Open
	}
	c, err := open(string(t))
	if err != nil {
		return nil, fmt.Errorf("seal: open the TPM: %w", err)
	}
	return c, nil
}

// What a TPM answers that is not ready yet (TPM 2.0 Part 2, 6.6.3).
const (
	rcYielded = 0x908
	rcTesting = 0x90A
	rcRetry   = 0x922
)

const (
	retries    = 100
	retryPause = 20 * time.Millisecond
)

// patient asks again while the TPM says to.
type patient struct{ tpm transport.TPM }

// Send implements transport.TPM.
func (p patient) Send(command []byte) ([]byte, error) {
	for try := 0; ; try++ {
		answer, err := p.tpm.Send(command)
		if err != nil || len(answer) < 10 || try == retries {
			return answer, err
		}
		switch binary.BigEndian.Uint32(answer[6:]) {
		case rcYielded, rcTesting, rcRetry:
			time.Sleep(retryPause)
		default:
			return answer, nil
		}
	}
}
