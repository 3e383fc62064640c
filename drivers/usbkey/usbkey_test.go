package usbkey_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"pointnum/drivers/drivertest"
	"pointnum/drivers/usbkey"
	"pointnum/drivers/virtual"
	"pointnum/kiosk"
)

// insideEnv tells the test's own child that it may mount.
const insideEnv = "POINTNUM_TEST_MAY_MOUNT"

// mayMount runs the rest of a test in a child with a mount table of its own,
// so that real file systems can be mounted whoever runs the test and nothing
// stays behind. It is false in the parent, which only waits.
func mayMount(t *testing.T) bool {
	t.Helper()
	if os.Getenv(insideEnv) != "" {
		return true
	}
	cmd := exec.CommandContext(t.Context(), drivertest.Tool(t, "unshare"), "--user", "--map-root-user", "--mount",
		os.Args[0], "-test.run=^"+t.Name()+"$", "-test.count=1", "-test.v")
	cmd.Env = append(os.Environ(), insideEnv+"=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	return false
}

func open(t *testing.T, dir string, options map[string]string) kiosk.Key {
	t.Helper()
	d, err := usbkey.Driver().Open(t.Context(), kiosk.Spec{ID: "key", URI: "dir:" + dir, Options: options}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d.(kiosk.Key)
}

func mount(t *testing.T, source, target, kind string, flags uintptr, data string) {
	t.Helper()
	if err := unix.Mount(source, target, kind, flags, data); err != nil {
		t.Fatalf("mount %s: %v", kind, err)
	}
}

// fill takes all the room there is below dir.
func fill(t *testing.T, dir string) {
	t.Helper()
	f, err := os.Create(filepath.Join(dir, "filler"))
	if err != nil {
		t.Error(err)
		return
	}
	defer f.Close()
	for _, size := range []int{64 << 10, 4096, 1} {
		for block := make([]byte, size); err == nil; {
			_, err = f.Write(block)
		}
		err = nil
	}
}

// mountedKey is a file system of one megabyte that can be mounted below a
// socket's folder; its content stays when it is "pulled".
func mountedKey(t *testing.T) drivertest.KeyRig {
	base := t.TempDir()
	content, socket := filepath.Join(base, "content"), filepath.Join(base, "media with space")
	slot := filepath.Join(socket, "KEY")
	for _, dir := range []string{content, slot} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	mount(t, "tmpfs", content, "tmpfs", 0, "size=1m")
	t.Cleanup(func() { _ = unix.Unmount(content, unix.MNT_DETACH) })
	insert := func(t *testing.T) { mount(t, content, slot, "", unix.MS_BIND, "") }
	pull := func(t *testing.T) {
		if err := unix.Unmount(slot, unix.MNT_DETACH); err != nil {
			t.Errorf("pull: %v", err)
		}
	}
	insert(t)
	t.Cleanup(func() { _ = unix.Unmount(slot, unix.MNT_DETACH) })
	return drivertest.KeyRig{
		Key: open(t, socket, nil), Dir: content, Insert: insert, Pull: pull,
		Fill:    func(t *testing.T) { fill(t, content) },
		Protect: func(t *testing.T) { mount(t, "", slot, "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY, "") },
	}
}

func TestMountedKey(t *testing.T) {
	if mayMount(t) {
		drivertest.KeySuite(t, mountedKey)
	}
}

func TestVirtualKey(t *testing.T) {
	t.Parallel()
	drivertest.KeySuite(t, func(t *testing.T) drivertest.KeyRig {
		dir := t.TempDir()
		k := virtual.NewKey("key", dir, nil)
		k.Insert()
		return drivertest.KeyRig{
			Key: k, Dir: dir,
			Pull:    func(*testing.T) { k.Pull() },
			Insert:  func(*testing.T) { k.Insert() },
			Fill:    func(*testing.T) { k.SetFull(true) },
			Protect: func(*testing.T) { k.SetReadOnly(true) },
		}
	})
}

func TestVirtualKeyPulledAfterSomeBytes(t *testing.T) {
	t.Parallel()
	k := virtual.NewKey("key", t.TempDir(), nil)
	k.Insert()
	k.PullAfter(100_000)
	req, _ := drivertest.PrintRequest(3000)
	doc, err := req.Open()
	if err != nil {
		t.Fatal(err)
	}
	_, err = k.Save(t.Context(), "a.pdf", doc, req.Size)
	if kiosk.CodeOf(err) != kiosk.CodeKeyRemoved {
		t.Errorf("got %v, want key_removed", err)
	}
	if s, err := k.Status(t.Context()); err != nil || s.Ready {
		t.Errorf("status %+v, %v; want no key", s, err)
	}
}

func TestPlainFolderIsAKeyOnlyWhenAllowed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if s, err := open(t, dir, nil).Status(t.Context()); err != nil || s.Ready {
		t.Errorf("status %+v, %v; a folder that nothing is mounted on is no key", s, err)
	}
	if s, err := open(t, dir, map[string]string{"mount": "any"}).Status(t.Context()); err != nil || !s.Ready {
		t.Errorf("status %+v, %v; want the folder as a key", s, err)
	}
}

func TestMountPointItselfIsAKey(t *testing.T) {
	if !mayMount(t) {
		return
	}
	dir := t.TempDir()
	k := open(t, dir, map[string]string{"mount": "required"})
	mount(t, "tmpfs", dir, "tmpfs", 0, "size=1m")
	t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
	if s, err := k.Status(t.Context()); err != nil || !s.Ready {
		t.Errorf("status %+v, %v; want a key", s, err)
	}
}

func TestSpecThatCannotBeRight(t *testing.T) {
	t.Parallel()
	for _, s := range []kiosk.Spec{
		{URI: "dir:relative"}, {URI: "file:///x"}, {URI: ""}, {URI: "dir://host/x"},
		{URI: "dir:/x", Options: map[string]string{"mount": "perhaps"}},
	} {
		if _, err := usbkey.Driver().Open(t.Context(), s, nil); kiosk.CodeOf(err) != kiosk.CodeInternal {
			t.Errorf("%+v: got %v, want internal", s, err)
		}
	}
}

func TestErrorsHoldNoFileName(t *testing.T) {
	if !mayMount(t) {
		return
	}
	rig := mountedKey(t)
	rig.Fill(t)
	_, err := rig.Key.Save(t.Context(), "Dupont.pdf", &zeroes{}, 200<<10)
	if got := fmt.Sprint(err); kiosk.CodeOf(err) != kiosk.CodeKeyFull || namesAFile(got) {
		t.Errorf("got %q", got)
	}
}

type zeroes struct{}

func (*zeroes) Read(b []byte) (int, error) { clear(b); return len(b), nil }

func namesAFile(s string) bool {
	for _, part := range []string{"Dupont", "pointnum-", "/"} {
		if strings.Contains(s, part) {
			return true
		}
	}
	return false
}

func BenchmarkSave(b *testing.B) {
	k := virtual.NewKey("key", b.TempDir(), nil)
	k.Insert()
	data := make([]byte, 1<<20)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		name, err := k.Save(b.Context(), "a.pdf", bytes.NewReader(data), int64(len(data)))
		if err != nil {
			b.Fatal(err)
		}
		if err := os.Remove(filepath.Join(k.Dir(), name)); err != nil {
			b.Fatal(err)
		}
	}
}
