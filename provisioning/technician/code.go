// Package technician is the code that opens the technician's menu on a
// kiosk's own screen: eight digits, made when the kiosk is set up, known to
// the technician alone. The kiosk keeps a slow hash of it.
//
// Nobody types fast enough on a screen to guess it: a Guard closes the
// entrance for longer and longer.
package technician

import (
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"strings"

	"pointnum/kiosk/atomicfile"
)

// File is the name of the hash in a kiosk's folder (config.Fleet.Dir).
const File = "technician.json"

// Digits is how many a code has.
const Digits = 8

// rounds is what OWASP asks of PBKDF2 with SHA-256 (Password Storage Cheat
// Sheet, 2023): a quarter of a second on a kiosk.
const rounds = 600_000

// A file that says something beyond these was not written by us.
const (
	maxRounds = 10_000_000
	maxFile   = 1024
	sumBytes  = 32
)

// ErrNone means that the kiosk has no code yet.
var ErrNone = errors.New("technician: no code was made")

// Code is a technician's code, digits only. It goes to a screen and to paper,
// never to a log.
type Code string

// New makes a code.
func New() (Code, error) {
	most := big.NewInt(1)
	for range Digits {
		most.Mul(most, big.NewInt(10))
	}
	n, err := rand.Int(rand.Reader, most)
	if err != nil {
		return "", fmt.Errorf("technician: %w", err)
	}
	return Code(fmt.Sprintf("%0*d", Digits, n)), nil
}

// Parse reads what a person typed or wrote: spaces and hyphens do not count.
func Parse(text string) (Code, bool) {
	if len(text) > 4*Digits {
		return "", false
	}
	text = strings.NewReplacer(" ", "", "-", "", "\u00a0", "", "\u202f", "").Replace(text)
	if len(text) != Digits || strings.Trim(text, "0123456789") != "" {
		return "", false
	}
	return Code(text), true
}

// Shown is the code as people read it: "4821 7350".
func (c Code) Shown() string {
	if len(c) != Digits {
		return ""
	}
	return string(c[:Digits/2] + " " + c[Digits/2:])
}

// String keeps a code out of logs and errors.
func (Code) String() string { return "********" }

// kept is what is in the file.
type kept struct {
	Rounds int    `json:"rounds"`
	Salt   []byte `json:"salt"`
	Hash   []byte `json:"hash"`
}

// Keep has a kiosk know a code from now on, in its folder dir, and forget the
// one before.
func Keep(dir string, c Code) error {
	if _, ok := Parse(string(c)); !ok {
		return errors.New("technician: not a code")
	}
	k := kept{Rounds: rounds, Salt: make([]byte, 16)}
	rand.Read(k.Salt) // it never fails
	var err error
	if k.Hash, err = k.sum(c); err != nil {
		return err
	}
	b, err := json.Marshal(k)
	if err != nil {
		return fmt.Errorf("technician: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("technician: %w", err)
	}
	if err := atomicfile.Write(filepath.Join(dir, File), append(b, '\n'), 0o600); err != nil {
		return fmt.Errorf("technician: %w", err)
	}
	return nil
}

func (k kept) sum(c Code) ([]byte, error) {
	h, err := pbkdf2.Key(sha256.New, string(c), k.Salt, k.Rounds, sumBytes)
	if err != nil {
		return nil, fmt.Errorf("technician: %w", err)
	}
	return h, nil
}

// load reads the hash. A file that is cut or makes no sense is as none, so
// that it opens to nobody.
func load(dir string) (kept, error) {
	f, err := os.Open(filepath.Join(dir, File))
	if errors.Is(err, fs.ErrNotExist) {
		return kept{}, ErrNone
	} else if err != nil {
		return kept{}, fmt.Errorf("technician: %w", err)
	}
	b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err = errors.Join(err, f.Close()); err != nil {
		return kept{}, fmt.Errorf("technician: %w", err)
	}
	var k kept
	if len(b) > maxFile || json.Unmarshal(b, &k) != nil || k.Rounds < 1 || k.Rounds > maxRounds || len(k.Salt) == 0 || len(k.Hash) != sumBytes {
		return kept{}, ErrNone
	}
	return k, nil
}

// Made says whether the kiosk of the folder dir has a code.
func Made(dir string) bool {
	_, err := load(dir)
	return err == nil
}

// check compares in constant time. It is ErrNone where there is nothing to
// compare with.
func check(dir string, c Code) (bool, error) {
	k, err := load(dir)
	if err != nil {
		return false, err
	}
	h, err := k.sum(c)
	return err == nil && subtle.ConstantTimeCompare(h, k.Hash) == 1, err
}
