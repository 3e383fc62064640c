package update_test

import (
	"crypto/ed25519"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pointnum/kiosk"
	"pointnum/provisioning"
	"pointnum/provisioning/update"
)

const uuid = "0123456789abcdef0123456789abcdef"

// release makes a signed release in a folder.
func release(t *testing.T, version string) (dir string, key ed25519.PrivateKey, keys []ed25519.PublicKey) {
	t.Helper()
	dir = t.TempDir()
	for _, name := range []string{"_" + uuid + ".root", "_" + uuid + ".verity", ".efi"} {
		write(t, filepath.Join(dir, "pointnum_"+version+name), "content of "+name)
	}
	public, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := update.WriteManifest(t.Context(), dir, update.Manifest{Arch: "amd64", Created: 1}); err != nil {
		t.Fatal(err)
	}
	if err := update.SignFolder(dir, key); err != nil {
		t.Fatal(err)
	}
	return dir, key, []ed25519.PublicKey{public}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestAReleaseIsTakenOnlyAsItWasSigned(t *testing.T) {
	_, stranger, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	const root = "pointnum_2.0.0_" + uuid + ".root"
	for name, c := range map[string]struct {
		harm func(t *testing.T, dir string)
		want kiosk.Code
	}{
		"as it is": {func(*testing.T, string) {}, ""},
		"signed by a stranger": {func(t *testing.T, dir string) {
			if err := update.SignFolder(dir, stranger); err != nil {
				t.Fatal(err)
			}
		}, provisioning.CodeUpdateSignature},
		"another manifest": {func(t *testing.T, dir string) {
			if _, err := update.WriteManifest(t.Context(), dir, update.Manifest{Arch: "amd64", Created: 2}); err != nil {
				t.Fatal(err)
			}
		}, provisioning.CodeUpdateMissing}, // WriteManifest takes the signature away
		"half a signature": {func(t *testing.T, dir string) { truncate(t, filepath.Join(dir, update.SignatureName)) }, provisioning.CodeUpdateSignature},
		"half a manifest":  {func(t *testing.T, dir string) { truncate(t, filepath.Join(dir, update.ManifestName)) }, provisioning.CodeUpdateSignature},
		"half a file":      {func(t *testing.T, dir string) { truncate(t, filepath.Join(dir, root)) }, provisioning.CodeUpdateAltered},
		"another file":     {func(t *testing.T, dir string) { write(t, filepath.Join(dir, root), "content of .ROOT") }, provisioning.CodeUpdateAltered},
		"a file less": {func(t *testing.T, dir string) {
			if err := os.Remove(filepath.Join(dir, root)); err != nil {
				t.Fatal(err)
			}
		}, provisioning.CodeUpdateMissing},
		"a link": {func(t *testing.T, dir string) {
			manifest := filepath.Join(dir, update.ManifestName)
			if err := os.Rename(manifest, manifest+".old"); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink(manifest+".old", manifest); err != nil {
				t.Fatal(err)
			}
		}, provisioning.CodeUpdateMissing},
	} {
		t.Run(name, func(t *testing.T) {
			dir, _, keys := release(t, "2.0.0")
			c.harm(t, dir)
			m, err := update.Verify(t.Context(), keys, dir)
			if kiosk.CodeOf(err) != c.want {
				t.Errorf("%v, want %q", err, c.want)
			}
			if err == nil && (m.Version != "2.0.0" || len(m.Files) != 3 || m.Size() == 0) {
				t.Errorf("%+v", m)
			}
		})
	}
}

func truncate(t *testing.T, path string) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, info.Size()/2); err != nil {
		t.Fatal(err)
	}
}

func TestEitherOfTwoKeysOpensARelease(t *testing.T) {
	dir, _, keys := release(t, "2.0.0")
	other, _, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	text := "# keys\n\n" + update.PublicLine(other) + "\n " + update.PublicLine(keys[0]) + "\r\n"
	both, err := update.ParseKeys([]byte(text))
	if err != nil || len(both) != 2 {
		t.Fatal(both, err)
	}
	if _, err := update.Verify(t.Context(), both, dir); err != nil {
		t.Error(err)
	}
	for _, bad := range []string{"", "# none\n", "aGVsbG8=\n", "not base64\n", strings.Repeat(update.PublicLine(other)+"\n", 9)} {
		if _, err := update.ParseKeys([]byte(bad)); err == nil {
			t.Errorf("%.20q holds keys", bad)
		}
	}
}

func TestAPrivateKeyIsItsOwnersOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "release.key")
	public, err := update.NewKey(path)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Error(info.Mode(), err)
	}
	key, err := update.LoadPrivateKey(path)
	if err != nil || !public.Equal(key.Public()) {
		t.Error("not the pair", err)
	}
	if _, err := update.NewKey(path); err == nil {
		t.Error("a key was written over another")
	}
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := update.LoadPrivateKey(path); err == nil {
		t.Error("a key that others may read is used")
	}
}

func TestWhichKioskMayGoToARelease(t *testing.T) {
	m := update.Manifest{Arch: "amd64", Version: "2.10.0", Minimum: "1.5.0"}
	for _, c := range []struct {
		arch, runs, confirmed string
		want                  kiosk.Code
	}{
		{"amd64", "2.9.0", "", ""},
		{"amd64", "1.5.0", "1.5.0", ""},
		{"amd64", "2.10.0", "", provisioning.CodeUpdateOlder},
		{"amd64", "3.0.0", "", provisioning.CodeUpdateOlder},
		{"amd64", "2.0.0", "2.11.0", provisioning.CodeUpdateOlder}, // an older slot was started by hand
		{"amd64", "1.4.9", "", provisioning.CodeUpdateMinimum},
		{"arm64", "2.0.0", "", provisioning.CodeUpdateForeign},
	} {
		if err := m.Fits(c.arch, c.runs, c.confirmed); kiosk.CodeOf(err) != c.want {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

func FuzzManifest(f *testing.F) {
	public, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		f.Fatal(err)
	}
	sum := strings.Repeat("0a", 32)
	f.Add([]byte(`{"words":1,"image":"pointnum","arch":"amd64","version":"2.0.0","files":[` +
		`{"name":"pointnum_2.0.0.efi","size":1,"sha256":"` + sum + `"},{"name":"pointnum_2.0.0_` + uuid + `.root","size":1,"sha256":"` + sum + `"},` +
		`{"name":"pointnum_2.0.0_` + uuid + `.verity","size":1,"sha256":"` + sum + `"}]}`))
	f.Add([]byte(`{"words":2}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := update.Open([]ed25519.PublicKey{public}, b, b); err == nil {
			t.Error("opened without a signature")
		}
		m, err := update.Open([]ed25519.PublicKey{public}, b, update.Sign(key, b))
		if err != nil {
			if kiosk.CodeOf(err) == kiosk.CodeInternal {
				t.Errorf("no code: %v", err)
			}
			return
		}
		for _, file := range m.Files {
			if file.Name != filepath.Base(file.Name) || strings.HasPrefix(file.Name, ".") || file.Size < 1 {
				t.Errorf("%+v", file)
			}
		}
		if len(m.Files) < 3 || !provisioning.ValidVersion(m.Version) || m.Size() < 3 {
			t.Errorf("%+v", m)
		}
	})
}

func TestOnlyOurImageHasAVersion(t *testing.T) {
	path := filepath.Join(t.TempDir(), "os-release")
	for text, want := range map[string]string{
		"ID=debian\nIMAGE_ID=pointnum\nIMAGE_VERSION=2.0.0\n":     "2.0.0",
		"ID=debian\nIMAGE_ID=\"pointnum\"\nIMAGE_VERSION='2.0.1'": "2.0.1",
		"ID=debian\nVERSION_ID=\"13\"\n":                          "",
		"IMAGE_ID=other\nIMAGE_VERSION=2.0.0\n":                   "",
		"IMAGE_ID=pointnum\nIMAGE_VERSION=newest\n":               "",
	} {
		write(t, path, text)
		if got, err := update.ImageVersion(path); err != nil || got != want {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
}

func TestSticksAreWhatIsMountedFromDisks(t *testing.T) {
	table := `22 28 0:21 / /proc rw - proc proc rw
36 28 8:17 / /media/CL\303\211\040USB rw,nosuid shared:1 - vfat /dev/sdb1 rw
37 28 8:17 /etc /run/part rw - vfat /dev/sdb1 rw
38 28 0:40 / /media/net rw - cifs //server/share rw
39 28
40 28 8:1 / /bad\0 rw - ext4 /dev/sda1 rw
`
	got := update.Disks(table)
	if len(got) != 2 || got[0] != "/media/CLÉ USB" || got[1] != `/bad\0` {
		t.Errorf("%q", got)
	}
	if _, err := update.Sticks(); err != nil {
		t.Error(err)
	}
}

func FuzzMounts(f *testing.F) {
	f.Add(`36 28 8:17 / /media/a\040b rw - vfat /dev/sdb1 rw`)
	f.Fuzz(func(t *testing.T, table string) {
		for _, p := range update.Disks(table) {
			if p == "" {
				t.Error("a mount point without a name")
			}
		}
	})
}
