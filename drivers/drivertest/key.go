package drivertest

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pointnum/kiosk"
)

// KeyRig is a key in its socket behind the driver that is tested, and what the
// suite may do to it. The key must be empty and have room for 512 kB at least.
type KeyRig struct {
	Key kiosk.Key
	// Dir is the key's content as the test sees it, also while the key is out
	// or write-protected.
	Dir string
	// Pull takes the key out, Insert puts it in again.
	Pull, Insert func(t *testing.T)
	// Fill leaves no room on the key.
	Fill func(t *testing.T)
	// Protect switches its write protection on.
	Protect func(t *testing.T)
}

// KeySuite holds a kiosk.Key to its contract. open is called for each case.
func KeySuite(t *testing.T, open func(t *testing.T) KeyRig) {
	t.Helper()
	cases := []struct {
		name string
		test func(*testing.T, KeyRig)
	}{
		{"a saved file is on the key, under a name of its own", keySaves},
		{"a name that computers can't read is changed", keySafeNames},
		{"no key is absent, and found again", keyAbsent},
		{"a full key says so and keeps no part", keyFull},
		{"a key that fills up meanwhile keeps no part", keyFillsUp},
		{"a protected key says so", keyProtected},
		{"a key pulled in a save is removed, and cleaned when it is back", keyPulled},
		{"a visitor who leaves ends the save", keyCanceled},
		{"a document cut short is not saved", keyShort},
		{"lists what a visitor may want, the newest first", keyLists},
		{"opens only what was listed on this key", keyOpens},
		{"shows names that can't deceive", keyShownNames},
		{"Close may be called twice", keyCloses},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { c.test(t, open(t)) })
	}
}

func saveText(t *testing.T, k kiosk.Key, name, text string) (string, error) {
	t.Helper()
	return k.Save(t.Context(), name, strings.NewReader(text), int64(len(text)))
}

// keyFiles are the names in the key's top folder.
func keyFiles(t *testing.T, rig KeyRig) []string {
	t.Helper()
	entries, err := os.ReadDir(rig.Dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		if e.Name() != "filler" {
			names = append(names, e.Name())
		}
	}
	return names
}

func putFile(t *testing.T, rig KeyRig, name, text string, age time.Duration) {
	t.Helper()
	full := filepath.Join(rig.Dir, name)
	if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(full, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	when := time.Now().Add(-age)
	if err := os.Chtimes(full, when, when); err != nil {
		t.Fatal(err)
	}
}

func keySaves(t *testing.T, rig KeyRig) {
	if info := rig.Key.Info(); info.Kind != kiosk.KindKey || info.ID == "" || info.Driver == "" {
		t.Errorf("info is not complete: %+v", info)
	}
	if s, err := rig.Key.Status(t.Context()); err != nil || !s.Ready || len(s.Conditions) > 0 {
		t.Fatalf("status %+v, %v; want ready without conditions", s, err)
	}
	big := make([]byte, 300<<10)
	_, _ = rand.Read(big)
	want := map[string]string{"caf.pdf": "one", "caf-2.pdf": "two", "caf-3.pdf": string(big)}
	for _, name := range []string{"caf.pdf", "caf-2.pdf", "caf-3.pdf"} {
		got, err := saveText(t, rig.Key, "caf.pdf", want[name])
		if err != nil || got != name {
			t.Fatalf("saved as %q, %v; want %q", got, err, name)
		}
	}
	for name, text := range want {
		if data, err := os.ReadFile(filepath.Join(rig.Dir, name)); err != nil || string(data) != text {
			t.Errorf("%s holds %d bytes, %v; want %d", name, len(data), err, len(text))
		}
	}
	if n := len(keyFiles(t, rig)); n != len(want) {
		t.Errorf("%d files on the key, want %d: %q", n, len(want), keyFiles(t, rig))
	}
}

func keySafeNames(t *testing.T, rig KeyRig) {
	cases := []struct{ name, want string }{
		{"Relevé d'identité.pdf", "Releve-d-identite.pdf"},
		{"../../etc/passwd", "passwd"},
		{`..\..\boot.pdf`, "boot.pdf"},
		{"CON.pdf", "_CON.pdf"},
		{"شهادة.pdf", "document.pdf"},
		{".hidden", "document.hidden"},
		{"a:b*c?.PDF", "a-b-c.PDF"},
		{"", "document"},
		{strings.Repeat("x", 300) + ".pdf", strings.Repeat("x", 60) + ".pdf"},
	}
	for _, c := range cases {
		got, err := saveText(t, rig.Key, c.name, "x")
		if err != nil || got != c.want {
			t.Errorf("%q is saved as %q, %v; want %q", c.name, got, err, c.want)
		}
	}
}

func keyAbsent(t *testing.T, rig KeyRig) {
	rig.Pull(t)
	s, err := rig.Key.Status(t.Context())
	if err != nil || s.Ready || !slices.Contains(s.Conditions, kiosk.CodeKeyAbsent) {
		t.Errorf("status %+v, %v; want key_absent", s, err)
	}
	_, err = saveText(t, rig.Key, "a.pdf", "x")
	mustCode(t, err, kiosk.CodeKeyAbsent)
	_, err = rig.Key.List(t.Context(), 10)
	mustCode(t, err, kiosk.CodeKeyAbsent)
	rig.Insert(t)
	if s, err := rig.Key.Status(t.Context()); err != nil || !s.Ready {
		t.Errorf("status %+v, %v once the key is in again", s, err)
	}
	_, err = saveText(t, rig.Key, "a.pdf", "x")
	mustCode(t, err, "")
}

func keyFull(t *testing.T, rig KeyRig) {
	rig.Fill(t)
	s, err := rig.Key.Status(t.Context())
	if err != nil || !s.Ready || !slices.Contains(s.Conditions, kiosk.CodeKeyFull) {
		t.Errorf("status %+v, %v; want key_full", s, err)
	}
	_, err = saveText(t, rig.Key, "a.pdf", strings.Repeat("x", 300<<10))
	mustCode(t, err, kiosk.CodeKeyFull)
	if names := keyFiles(t, rig); len(names) > 0 {
		t.Errorf("left on the key: %q", names)
	}
}

// meanwhile calls do once, when the document's second half is asked for.
type meanwhile struct {
	parts []io.Reader
	do    func()
}

func (m *meanwhile) Read(b []byte) (int, error) {
	n, err := m.parts[0].Read(b)
	if errors.Is(err, io.EOF) && len(m.parts) > 1 {
		m.parts = m.parts[1:]
		m.do()
		return n, nil
	}
	return n, err
}

// halves is a document of 400 kB in whose middle do is called, and its size.
func halves(do func()) (io.Reader, int64) {
	half := bytes.Repeat([]byte("half"), 50<<10)
	// The first part is as long as what is already with the key by then.
	return &meanwhile{parts: []io.Reader{bytes.NewReader(half), bytes.NewReader(half)}, do: do}, int64(2 * len(half))
}

func keyFillsUp(t *testing.T, rig KeyRig) {
	r, size := halves(func() { rig.Fill(t) })
	_, err := rig.Key.Save(t.Context(), "a.pdf", r, size)
	mustCode(t, err, kiosk.CodeKeyFull)
	if names := keyFiles(t, rig); len(names) > 0 {
		t.Errorf("left on the key: %q", names)
	}
}

func keyProtected(t *testing.T, rig KeyRig) {
	putFile(t, rig, "brought.pdf", "x", 0)
	rig.Protect(t)
	s, err := rig.Key.Status(t.Context())
	if err != nil || !s.Ready || !slices.Contains(s.Conditions, kiosk.CodeKeyReadOnly) {
		t.Errorf("status %+v, %v; want key_read_only", s, err)
	}
	_, err = saveText(t, rig.Key, "a.pdf", "x")
	mustCode(t, err, kiosk.CodeKeyReadOnly)
	if files, err := rig.Key.List(t.Context(), 10); err != nil || len(files) != 1 {
		t.Errorf("listed %v, %v; a protected key can be read", files, err)
	}
}

func keyPulled(t *testing.T, rig KeyRig) {
	r, size := halves(func() { rig.Pull(t) })
	_, err := rig.Key.Save(t.Context(), "a.pdf", r, size)
	mustCode(t, err, kiosk.CodeKeyRemoved)
	rig.Insert(t)
	_, err = saveText(t, rig.Key, "b.pdf", "x")
	mustCode(t, err, "")
	if names := keyFiles(t, rig); !slices.Equal(names, []string{"b.pdf"}) {
		t.Errorf("on the key: %q, want only b.pdf", names)
	}
}

func keyCanceled(t *testing.T, rig KeyRig) {
	ctx, cancel := context.WithCancel(t.Context())
	r, size := halves(cancel)
	_, err := rig.Key.Save(ctx, "a.pdf", r, size)
	mustCode(t, err, kiosk.CodeCanceled)
	if names := keyFiles(t, rig); len(names) > 0 {
		t.Errorf("left on the key: %q", names)
	}
}

func keyShort(t *testing.T, rig KeyRig) {
	for _, size := range []int64{2, 4} {
		_, err := rig.Key.Save(t.Context(), "a.pdf", strings.NewReader("abc"), size)
		mustCode(t, err, kiosk.CodeInternal)
	}
	if names := keyFiles(t, rig); len(names) > 0 {
		t.Errorf("left on the key: %q", names)
	}
}

func keyLists(t *testing.T, rig KeyRig) {
	for i, name := range []string{"new.jpg", "a/b/c/deep.pdf", "old.pdf"} {
		putFile(t, rig, name, name, time.Duration(i+1)*time.Hour)
	}
	for _, name := range []string{".hidden.pdf", "setup.exe", "Photo.JPG.lnk", "a/b/c/d/deeper.pdf", "autorun.inf",
		"System Volume Information/x.pdf", "$RECYCLE.BIN/y.pdf", ".Trashes/z.pdf"} {
		putFile(t, rig, name, "x", 0)
	}
	if err := os.Symlink("/etc/hostname", filepath.Join(rig.Dir, "link.pdf")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/etc", filepath.Join(rig.Dir, "folder")); err != nil {
		t.Fatal(err)
	}
	files, err := rig.Key.List(t.Context(), 10)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range files {
		names = append(names, f.Name)
		if f.ID == "" || strings.Contains(f.ID, "/") || strings.Contains(f.ID, ".") || f.Modified.IsZero() || f.Size == 0 {
			t.Errorf("listed %+v", f)
		}
	}
	if want := []string{"new.jpg", "deep.pdf", "old.pdf"}; !slices.Equal(names, want) {
		t.Errorf("listed %q, want %q", names, want)
	}
	if files, err := rig.Key.List(t.Context(), 1); err != nil || len(files) != 1 || files[0].Name != "new.jpg" {
		t.Errorf("listed %v, %v; want only the newest", files, err)
	}
}

func keyOpens(t *testing.T, rig KeyRig) {
	putFile(t, rig, "folder/a.pdf", "content", 0)
	files, err := rig.Key.List(t.Context(), 10)
	if err != nil || len(files) != 1 {
		t.Fatalf("listed %v, %v", files, err)
	}
	f, err := rig.Key.Open(t.Context(), files[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(f)
	if err := errors.Join(err, f.Close()); err != nil || string(data) != "content" {
		t.Errorf("read %q, %v", data, err)
	}
	_, err = rig.Key.Open(t.Context(), "../../etc/passwd")
	mustCode(t, err, kiosk.CodeBadRequest)

	// The file is swapped for a way out between the list and the opening.
	swapped := filepath.Join(rig.Dir, "folder", "a.pdf")
	if err := errors.Join(os.Remove(swapped), os.Symlink("/etc/hostname", swapped)); err != nil {
		t.Fatal(err)
	}
	if _, err := rig.Key.Open(t.Context(), files[0].ID); err == nil {
		t.Error("a link out of the key was followed")
	}
	if err := os.Remove(swapped); err != nil {
		t.Fatal(err)
	}
	putFile(t, rig, "folder/a.pdf", "somebody else's", time.Hour)
	_, err = rig.Key.Open(t.Context(), files[0].ID)
	mustCode(t, err, kiosk.CodeKeyRemoved)
	rig.Pull(t)
	_, err = rig.Key.Open(t.Context(), files[0].ID)
	mustCode(t, err, kiosk.CodeKeyAbsent)
}

func keyShownNames(t *testing.T, rig KeyRig) {
	putFile(t, rig, "photo\u202egpj.pdf", "x", 0)
	putFile(t, rig, "line\nbreak.pdf", "x", time.Hour)
	putFile(t, rig, strings.Repeat("é", 100)+".jpg", "x", 2*time.Hour)
	files, err := rig.Key.List(t.Context(), 10)
	if err != nil || len(files) != 3 {
		t.Fatalf("listed %v, %v", files, err)
	}
	if files[0].Name != "photogpj.pdf" || files[1].Name != "linebreak.pdf" {
		t.Errorf("shown as %q and %q", files[0].Name, files[1].Name)
	}
	if n := []rune(files[2].Name); len(n) > 80 || !strings.HasSuffix(files[2].Name, ".jpg") {
		t.Errorf("shown as %q, %d characters", files[2].Name, len(n))
	}
}

func keyCloses(t *testing.T, rig KeyRig) {
	for range 2 {
		if err := rig.Key.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	}
	_, err := rig.Key.Status(t.Context())
	mustCode(t, err, kiosk.CodeUnplugged)
}
