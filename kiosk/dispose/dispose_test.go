package dispose_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"pointnum/kiosk/dispose"
)

// tool runs one of the file systems' own programs.
func tool(t *testing.T, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Env = append(os.Environ(), "PATH="+os.Getenv("PATH")+":/usr/sbin:/sbin", "MTOOLS_SKIP_CHECK=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %v: %v: %s", name, args, err, out)
	}
	return string(out)
}

const canary = "CANARI-d-une-borne-7731"

// disk makes a real file system with canaries in it, as a file.
func disk(t *testing.T, kind string, megabytes int64) string {
	t.Helper()
	dir := t.TempDir()
	path, tree := filepath.Join(dir, kind), filepath.Join(dir, "tree")
	text := bytes.Repeat([]byte(canary+"\n"), 5000)
	if err := errors.Join(os.Mkdir(tree, 0o755), os.WriteFile(filepath.Join(tree, "identity.json"), text, 0o600), os.WriteFile(path, nil, 0o600), os.Truncate(path, megabytes<<20)); err != nil {
		t.Fatal(err)
	}
	if kind == "ext4" {
		tool(t, "mke2fs", "-q", "-t", "ext4", "-d", tree, path)
	} else {
		tool(t, "mkfs.vfat", "-n", "KIOSK-CONF", path)
		tool(t, "mcopy", "-i", path, filepath.Join(tree, "identity.json"), "::/borne.txt")
	}
	if !contains(t, path, canary) {
		t.Fatal("the canary is not on the disk")
	}
	return path
}

func contains(t *testing.T, path, text string) bool {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Contains(b, []byte(text))
}

func TestDiskIsErasedAndReadBack(t *testing.T) {
	for _, kind := range []string{"ext4", "vfat"} {
		for _, full := range []bool{false, true} {
			path := disk(t, kind, 4)
			r, err := dispose.Erase(t.Context(), path, dispose.Options{Name: kind, Full: full})
			if err != nil || !r.OK || r.Bytes != 4<<20 || r.Checked != r.Bytes-512 || r.SHA256 != r.Zeros || r.SHA256 == "" {
				t.Errorf("%s: %+v, %v", kind, r, err)
			}
			b, err := os.ReadFile(path)
			if err != nil || len(b) != 4<<20 || len(bytes.Trim(b, "\x00")) != 0 {
				t.Errorf("%s: something is left (%v)", kind, err)
			}
		}
	}
}

// A large disk is read back at both ends and in each stretch.
func TestLargeDiskIsReadBackInParts(t *testing.T) {
	path := filepath.Join(t.TempDir(), "disk")
	if err := errors.Join(os.WriteFile(path, []byte(canary), 0o600), os.Truncate(path, 100<<20)); err != nil {
		t.Fatal(err)
	}
	r, err := dispose.Erase(t.Context(), path, dispose.Options{})
	if err != nil || !r.OK || r.Checked < 32<<20 || r.Checked > 40<<20 {
		t.Errorf("%+v, %v", r, err)
	}
}

// The mark does no harm to a file system that is in use, and is found when the
// file system is not there any more.
func TestMarkIsBesideTheFileSystem(t *testing.T) {
	path := disk(t, "ext4", 16)
	if _, ok, err := dispose.Marked(path); ok || err != nil {
		t.Errorf("a new disk is marked: %v", err)
	}
	if err := dispose.Set(path, dispose.Mark{All: true}); err != nil {
		t.Fatal(err)
	}
	tool(t, "e2fsck", "-fn", path)
	if out := tool(t, "debugfs", "-R", "cat identity.json", path); !strings.Contains(out, canary) {
		t.Error("the file system lost a file by the mark")
	}
	if m, ok, err := dispose.Marked(path); !ok || !m.All || err != nil {
		t.Errorf("%+v %v %v", m, ok, err)
	}
}

// Cut anywhere, it is marked until the last byte was read back, and another
// run ends it.
func TestCutIsGoneOnWith(t *testing.T) {
	whole, err := os.ReadFile(disk(t, "ext4", 4))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "disk")
	for cut := 0; ; cut++ {
		if err := os.WriteFile(path, whole, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := dispose.Set(path, dispose.Mark{}); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		steps := 0
		_, err := dispose.Erase(ctx, path, dispose.Options{Tell: func(string, int) {
			if steps++; steps > cut {
				cancel()
			}
		}})
		cancel()
		if err == nil {
			if cut < 4 {
				t.Errorf("only %d places to cut", cut)
			}
			return
		}
		// Between the last zero and its proof is the only time without a mark.
		_, marked, lost := dispose.Marked(path)
		if lost != nil || !marked && contains(t, path, canary) {
			t.Errorf("cut at %d: not marked, and not erased (%v)", cut, lost)
		}
		r, err := dispose.Erase(t.Context(), path, dispose.Options{Full: true})
		if err != nil || !r.OK || contains(t, path, canary) {
			t.Errorf("cut at %d: %+v, %v", cut, r, err)
		}
	}
}

func TestProofIsReadOnAnyPC(t *testing.T) {
	for _, megabytes := range []int64{8, 64} {
		path := disk(t, "vfat", megabytes)
		if _, err := dispose.Erase(t.Context(), path, dispose.Options{}); err != nil {
			t.Fatal(err)
		}
		text := dispose.Proof{Version: "2.0.1", Verdict: true, Regions: []dispose.Region{{Name: "partition de données", OK: true}}}.Text()
		if err := dispose.WriteVolume(path, "KIOSK-CONF", "PREUVE.TXT", []byte(text)); err != nil {
			t.Fatal(err)
		}
		tool(t, "fsck.fat", "-n", path)
		if got := tool(t, "mtype", "-i", path, "::/PREUVE.TXT"); got != text {
			t.Errorf("%d MB: read back %q", megabytes, got)
		}
		if out := tool(t, "blkid", "-p", "-s", "LABEL", "-o", "value", path); strings.TrimSpace(out) != "KIOSK-CONF" {
			t.Errorf("%d MB: label %q", megabytes, out)
		}
		if contains(t, path, canary) {
			t.Error("the canary is back")
		}
	}
}

func TestProofSaysWhatIsNotDone(t *testing.T) {
	for _, c := range []struct {
		p    dispose.Proof
		want string
	}{
		{dispose.Proof{Verdict: true, Regions: []dispose.Region{{OK: true}}}, "tout ce qui était propre à cette borne est effacé"},
		{dispose.Proof{Verdict: true, Whole: true}, "La machine ne démarre plus"},
		{dispose.Proof{Verdict: true, Files: 3}, "effacez-le en entier"},
		{dispose.Proof{Regions: []dispose.Region{{Name: "x"}}}, "L’EFFACEMENT N’EST PAS PROUVÉ"},
		{dispose.Proof{Regions: []dispose.Region{{Name: "x"}}}, "NON EFFACÉ"},
		{dispose.Proof{Kiosk: "k1", Why: "no_network"}, "NON révoquée (no_network)"},
		{dispose.Proof{Kiosk: "k1", Revoked: true}, "la borne y est révoquée"},
	} {
		if !strings.Contains(c.p.Text(), c.want) {
			t.Errorf("no %q in\n%s", c.want, c.p.Text())
		}
	}
}

func TestFilesAreOverwrittenAndGone(t *testing.T) {
	dir := t.TempDir()
	for i := range 3 {
		path := filepath.Join(dir, "a", fmt.Sprint(i), "f")
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(canary), 0o400)); err != nil {
			t.Fatal(err)
		}
	}
	outside := filepath.Join(dir, "outside")
	if err := errors.Join(os.WriteFile(outside, []byte("stays"), 0o600), os.Symlink(outside, filepath.Join(dir, "a", "link"))); err != nil {
		t.Fatal(err)
	}
	// A second name shows what became of the content.
	if err := os.Link(filepath.Join(dir, "a/0/f"), filepath.Join(dir, "second")); err != nil {
		t.Fatal(err)
	}
	n, err := dispose.Files(t.Context(), nil, filepath.Join(dir, "a"), filepath.Join(dir, "nothing"))
	if err != nil || n != 4 {
		t.Errorf("%d files, %v", n, err)
	}
	if _, err := os.Lstat(filepath.Join(dir, "a")); !errors.Is(err, os.ErrNotExist) {
		t.Error("the folder is there")
	}
	if b, err := os.ReadFile(outside); err != nil || string(b) != "stays" {
		t.Errorf("a link was followed: %q %v", b, err)
	}
	if b, err := os.ReadFile(filepath.Join(dir, "second")); err != nil || len(bytes.Trim(b, "\x00")) != 0 || len(b) != len(canary) {
		t.Errorf("not overwritten: %q %v", b, err)
	}
}
