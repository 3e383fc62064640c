package main_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"pointnum/cmd/internal/cli"
	"pointnum/drivers/drivertest"
)

// seen is what inspect says of a file, for programs.
type seen struct {
	File   string `json:"file"`
	Bytes  int64  `json:"bytes"`
	Format string `json:"format"`
	Pages  []struct {
		Kind    string `json:"kind"`
		DPI     int    `json:"dpi"`
		WouldBe string `json:"would_be"`
	} `json:"pages"`
	Error   string `json:"error"`
	Code    string `json:"code"`
	WouldBe *struct {
		Format   string `json:"format"`
		MaxBytes int64  `json:"max_bytes"`
		Bytes    []int  `json:"bytes"`
	} `json:"would_be"`
}

// brought is a folder of what somebody brings: a PDF with live text, one of a
// scan, a photograph, a letter and a file that is none. The first two and the
// letter are of other programs.
func brought(t *testing.T) map[string]string {
	t.Helper()
	dir := t.TempDir()
	write := func(name, data string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	page := pages(t, 1)[0]
	files := map[string]string{"photo": page, "broken": write("broken.pdf", "%PDF-1.4\n%%EOF\n"), "text": write("letter.txt", "Bonjour Madame,\nvoici ma demande de logement social.\n")}
	code, _, stderr := ctl(t, "convert", "--scanned", "-o", filepath.Join(dir, "scan.pdf"), page)
	if code != cli.ExitDone {
		t.Fatal(stderr)
	}
	files["scan"] = filepath.Join(dir, "scan.pdf")
	for _, to := range []string{"pdf", "docx"} {
		cmd := exec.Command(drivertest.Tool(t, "soffice"), "-env:UserInstallation=file://"+filepath.Join(dir, "office"), "--headless", "--convert-to", to, "--outdir", dir, files["text"])
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		files[to] = filepath.Join(dir, "letter."+to)
	}
	return files
}

func TestInspectSaysWhatIsInAFile(t *testing.T) {
	files := brought(t)
	for name, want := range map[string]struct {
		format, kind, form string
	}{
		"photo": {"jpeg", "writing", "layers"},
		"scan":  {"pdf", "writing", ""},
		"pdf":   {"pdf", "digital", "original"},
		"docx":  {"docx", "digital", "original"},
	} {
		code, stdout, stderr := ctl(t, "inspect", "--json", "--max-bytes", "500000", files[name])
		var all []seen
		if err := json.Unmarshal([]byte(stdout), &all); err != nil || code != cli.ExitDone || len(all) != 1 || len(all[0].Pages) != 1 || all[0].WouldBe == nil {
			t.Errorf("%s: exit %d, %v: %s%s", name, code, err, stdout, stderr)
			continue
		}
		got, page := all[0], all[0].Pages[0]
		if got.Format != want.format || page.Kind != want.kind || want.form != "" && page.WouldBe != want.form {
			t.Errorf("%s: %+v", name, got)
		}
		if w := got.WouldBe; w.Format != "pdf" || w.MaxBytes != 500_000 || len(w.Bytes) != 1 || w.Bytes[0] >= 500_000 || w.Bytes[0] == 0 {
			t.Errorf("%s: would be %+v", name, w)
		}
	}
}

func TestInspectSpeaksPlainly(t *testing.T) {
	page := pages(t, 1)[0]
	broken := filepath.Join(t.TempDir(), "cassé.pdf")
	if err := os.WriteFile(broken, []byte("%PDF-1.4\n%%EOF\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		args []string
		code int
		says []string
	}{
		"a page":                 {[]string{page}, cli.ExitDone, []string{"page 1.jpg : JPEG,", "1 page(s)", "écriture sur papier", "serait : séparée", "→ PDF 1 :"}},
		"no file":                {nil, cli.ExitUsage, nil},
		"a broken file":          {[]string{broken}, cli.ExitFile, []string{"cassé.pdf : 15 octets."}},
		"one of two is broken":   {[]string{broken, page}, cli.ExitFile, []string{"cassé.pdf", "écriture sur papier"}},
		"a file that is missing": {[]string{filepath.Join(t.TempDir(), "none.pdf")}, cli.ExitFailed, []string{"none.pdf"}},
		"a limit nothing meets":  {[]string{"--max-bytes", "900", page}, cli.ExitFile, []string{"écriture sur papier", "→"}},
	} {
		code, stdout, stderr := ctl(t, append([]string{"inspect"}, c.args...)...)
		if code != c.code {
			t.Errorf("%s: exit %d, want %d: %s%s", name, code, c.code, stdout, stderr)
		}
		for _, s := range c.says {
			if !strings.Contains(stdout, s) {
				t.Errorf("%s: %q is not in %q", name, s, stdout)
			}
		}
	}
	code, stdout, _ := ctl(t, "inspect", "--json", broken, page)
	var all []seen
	if err := json.Unmarshal([]byte(stdout), &all); err != nil || code != cli.ExitFile || len(all) != 2 || all[0].Code != "file_broken" || all[0].Error == "" || all[1].Error != "" {
		t.Errorf("exit %d, %v: %s", code, err, stdout)
	}
}
