package diag_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pointnum/kiosk/diag"
)

// unpack returns what is in a report's file, by name, and the names in their
// order.
func unpack(t *testing.T, r diag.Report) (files map[string]string, names []string) {
	t.Helper()
	var b bytes.Buffer
	if err := r.Write(&b); err != nil {
		t.Fatal(err)
	}
	z, err := zip.NewReader(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	files = map[string]string{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		files[f.Name] = string(text)
		names = append(names, f.Name)
	}
	return files, names
}

func TestFileSaysWhatItLacks(t *testing.T) {
	r, err := diag.Collect(t.Context(), "1.2.3", []diag.Part{
		{Name: "a", Title: "Bien", Fill: func(_ context.Context, s *diag.Sheet) error { s.Say("n", "nombre", 3); return nil }},
		{Name: "b", Title: "Fermé", Fill: func(_ context.Context, s *diag.Sheet) error {
			s.Say("x", "avant", "<b>oui</b>")
			return fmt.Errorf("read: %w", fs.ErrPermission)
		}},
		{Name: "c", Title: "Inconnu", Fill: func(context.Context, *diag.Sheet) error { return errors.New("JEAN: permission denied") }},
		{Name: "d", Title: "Long", Fill: func(_ context.Context, s *diag.Sheet) error {
			for range 20000 {
				s.Line("%s", strings.Repeat("x", 100))
			}
			return nil
		}},
		{Name: "e", Title: "Deux lignes", Fill: func(_ context.Context, s *diag.Sheet) error { s.Say("x", "valeur", "a\nb"); return nil }},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	files, names := unpack(t, r)
	if strings.Join(names, " ") != "LISEZMOI.html resume.json a.txt b.txt c.txt d.txt e.txt" {
		t.Errorf("the file holds %v", names)
	}
	for name, want := range map[string]string{
		"LISEZMOI.html": "pas entier : pas le droit de lire", "resume.json": `"version": "1.2.3"`, "a.txt": "nombre : 3",
		"b.txt": "avant : <b>oui</b>", "c.txt": "pas entier : …: permission denied", "d.txt": "coupé : trop long", "e.txt": "valeur : ?",
	} {
		if !strings.Contains(files[name], want) {
			t.Errorf("%s does not say %q:\n%.2000s", name, want, files[name])
		}
	}
	if strings.Contains(files["LISEZMOI.html"], "<b>oui") || len(files["d.txt"]) > diag.MaxPart+1000 {
		t.Errorf("not kept within its bounds: %d bytes", len(files["d.txt"]))
	}
	var sum struct {
		Parts []struct {
			Name string
			OK   bool
		}
	}
	if err := json.Unmarshal([]byte(files["resume.json"]), &sum); err != nil || len(sum.Parts) != 5 || !sum.Parts[0].OK || sum.Parts[1].OK {
		t.Errorf("summary: %v %+v", err, sum)
	}
}

func TestWhoStopsGetsNoFile(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	_, err := diag.Collect(ctx, "", []diag.Part{{Name: "a", Fill: func(ctx context.Context, _ *diag.Sheet) error {
		cancel()
		<-ctx.Done()
		return ctx.Err()
	}}}, nil)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// A machine that tells too much: names of keys and networks are beside what
// is wanted.
func TestMachineTellsWhatWasNamed(t *testing.T) {
	root := t.TempDir()
	for name, text := range map[string]string{
		"usr/lib/os-release":                          "ID=debian\nIMAGE_VERSION=\"2.0.1\"\nHOME_URL=\"JEAN\"\n",
		"proc/sys/kernel/osrelease":                   "6.12.5\n",
		"proc/cmdline":                                "quiet roothash=0123456789abcdef wifi=JEAN\n",
		"proc/meminfo":                                "MemTotal: 100 kB\nJEAN: 1 kB\n",
		"proc/net/route":                              "Iface\tDestination\neth0\t00000000\t0100A8C0\n",
		"etc/resolv.conf":                             "nameserver 192.0.2.1\nsearch JEAN\n",
		"sys/class/net/wlan0/operstate":               "up\n",
		"sys/bus/usb/devices/1-1:1.0/bInterfaceClass": "07\n",
		"sys/bus/usb/devices/1-1/idVendor":            "04b8\n",
		"sys/bus/usb/devices/1-1/idProduct":           "0202\n",
		"sys/bus/usb/devices/1-2:1.0/bInterfaceClass": "08\n",
		"sys/bus/usb/devices/1-2/idVendor":            "1111\n",
		"sys/bus/usb/devices/1-2/product":             "JEAN\n",
		"efi/EFI/Linux/pointnum_2.0.1+2-1.efi":        "",
		"efi/EFI/Linux/JEAN.efi":                      "",
		"dev/disk/by-partlabel/pointnum_2.0.1":        "",
		"dev/disk/by-partlabel/JEAN":                  "",
		"sys/firmware/efi/efivars/LoaderEntrySelected-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f": "\x06\x00\x00\x00p\x00o\x00i\x00n\x00t\x00",
	} {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	said := map[string]string{
		"systemctl":   "Id=kioskd.service\nLoadState=loaded\nActiveState=failed\nSubState=failed\nResult=exit-code\nExecMainStatus=125\nNRestarts=0\nActiveEnterTimestamp=\n\nId=JEAN.service\nLoadState=loaded\n",
		"timedatectl": "Timezone=Europe/Paris\nNTPSynchronized=yes\nJEAN=1\n",
		"dpkg-query":  "pointnum-kioskd 2.0.1\nJEAN: is not there\n",
		"dmesg":       "[    0.000000] Linux version 6.12.5 (x)\n[   12.5] usb 1-2: Product: JEAN\n[   13.5] usb 1-2: USB disconnect, device number 4\n",
		"journalctl":  string(line(map[string]any{"_SYSTEMD_UNIT": "kioskd.service", "MESSAGE": `level=INFO msg="visit starts"`})) + "\nJEAN\n",
	}
	m := diag.Machine{Root: root, Filter: filter(), Packages: []string{"pointnum-kioskd"},
		Run: func(_ context.Context, out io.Writer, name string, _ ...string) error {
			_, err := io.WriteString(out, said[name])
			return err
		}}
	r, err := diag.Collect(t.Context(), "", m.Parts(), nil)
	if err != nil {
		t.Fatal(err)
	}
	files, _ := unpack(t, r)
	for name, wants := range map[string][]string{
		"systeme.txt": {"IMAGE_VERSION : 2.0.1", "noyau : 6.12.5", "pointnum-kioskd : 2.0.1"}, "demarrage.txt": {"roothash : 0123456789abcdef", "pointnum_2.0.1+2-1.efi", "pointnum_2.0.1]", "LoaderEntrySelected : point"},
		"unites.txt": {"kioskd.service : failed (failed), résultat exit-code, code 125"}, "disque-memoire.txt": {"MemTotal : 100 kB"},
		"heure.txt": {"Timezone : Europe/Paris"}, "reseau.txt": {"wlan0 : up", "passerelles : 1", "serveurs de noms : 1"}, "usb.txt": {"04b8:0202 imprimante"},
		"noyau.txt": {"Linux version", "USB disconnect", "laissées de côté : 1"}, "journal.txt": {"INFO visit starts", "laissées de côté : 1"},
	} {
		for _, want := range wants {
			if !strings.Contains(files[name], want) {
				t.Errorf("%s does not say %q:\n%s", name, want, files[name])
			}
		}
	}
	for name, text := range files {
		if strings.Contains(text, "JEAN") || strings.Contains(text, "1111") {
			t.Errorf("%s tells too much:\n%s", name, text)
		}
	}
}
