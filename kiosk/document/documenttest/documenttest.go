// Package documenttest holds what tests of documents share: programs of others
// that must be there, the collection of real documents, files to be taken apart
// and what other programs make of ours. A part that is missing fails the test.
package documenttest

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Tool returns the path of a program.
func Tool(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("%s is not installed: run 'make deps' first", name)
	}
	return path
}

// Run runs a program and returns what it writes; an exit code fails the test
// and shows what it complained of.
func Run(t testing.TB, name string, args ...string) []byte {
	t.Helper()
	out, _ := run(t, name, args)
	return out
}

// Quiet is Run of a program that must not complain either.
func Quiet(t testing.TB, name string, args ...string) []byte {
	t.Helper()
	out, complaints := run(t, name, args)
	if len(complaints) > 0 {
		t.Fatalf("%s %v: %s", name, args, complaints)
	}
	return out
}

func run(t testing.TB, name string, args []string) (out, complaints []byte) {
	t.Helper()
	var errs bytes.Buffer
	cmd := exec.CommandContext(t.Context(), Tool(t, name), args...)
	// Threads of OpenMP mostly wait for each other.
	cmd.Env = append(os.Environ(), "OMP_THREAD_LIMIT=1")
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, errs.Bytes())
	}
	return out, errs.Bytes()
}

// ErrFull is the error of a FullDisk.
var ErrFull = errors.New("full")

// FullDisk takes so many bytes and then fails.
type FullDisk struct{ Left int }

// Write takes what it can.
func (f *FullDisk) Write(b []byte) (int, error) {
	if len(b) > f.Left {
		return f.Left, ErrFull
	}
	f.Left -= len(b)
	return len(b), nil
}

// Save writes data into a file of that name, alone in a folder that is gone
// after the test, and returns its path.
func Save(t testing.TB, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Path is where a document of the collection is, which lies beside the
// repository.
func Path(t testing.TB, name string) string {
	t.Helper()
	root, err := os.Getwd()
	for err == nil {
		if _, err := os.Stat(filepath.Join(root, "go.mod")); err == nil {
			break
		}
		if filepath.Dir(root) == root {
			t.Fatal("the test does not run below the repository")
		}
		root = filepath.Dir(root)
	}
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(root, "../shared/corpus", name)
}

// Read returns a document of the collection.
func Read(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(Path(t, name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}
