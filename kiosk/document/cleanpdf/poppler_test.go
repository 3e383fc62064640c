package cleanpdf_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// run starts another program in an empty folder with some files and gives what
// it writes out.
func run(t *testing.T, files map[string][]byte, program string, args ...string) (folder string, out []byte) {
	t.Helper()
	tool, err := exec.LookPath(program)
	if err != nil {
		t.Fatalf("these tests need %s: %v", program, err)
	}
	folder = t.TempDir()
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(folder, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var errs bytes.Buffer
	cmd := exec.Command(tool, args...)
	cmd.Dir, cmd.Stderr = folder, &errs
	if out, err = cmd.Output(); err != nil {
		t.Fatalf("%s: %v: %s", program, err, errs.Bytes())
	}
	return folder, out
}

// shown is a page as another library than ours draws it.
type shown struct {
	w, h int
	rgb  []byte
}

func drawn(t *testing.T, data []byte) []shown {
	t.Helper()
	_, out := run(t, map[string][]byte{"f.pdf": data}, "pdftoppm", "-r", "60", "f.pdf")
	var pages []shown
	for len(out) > 0 {
		var p shown
		var most int
		if _, err := fmt.Sscanf(string(out[:min(len(out), 40)]), "P6\n%d %d\n%d\n", &p.w, &p.h, &most); err != nil {
			t.Fatal(err)
		}
		head := len(fmt.Sprintf("P6\n%d %d\n%d\n", p.w, p.h, most))
		p.rgb, out = out[head:][:p.w*p.h*3], out[head+p.w*p.h*3:]
		pages = append(pages, p)
	}
	return pages
}

// blank says whether nothing is drawn.
func (p shown) blank() bool { return len(bytes.Trim(p.rgb, "\xff")) == 0 }

// differs gives how far two drawings are from each other, of 255: the mean of
// all, and that of the worst square of 6 pixels.
func (p shown) differs(q shown) (mean, worst float64) {
	if p.w != q.w || p.h != q.h {
		return 255, 255
	}
	const side = 6
	total := 0
	for y0 := 0; y0 < p.h; y0 += side {
		for x0 := 0; x0 < p.w; x0 += side {
			sum, n := 0, 0
			for y := y0; y < min(y0+side, p.h); y++ {
				from, to := (y*p.w+x0)*3, (y*p.w+min(x0+side, p.w))*3
				for i := from; i < to; i++ {
					d := int(p.rgb[i]) - int(q.rgb[i])
					sum, n = sum+max(d, -d), n+1
				}
			}
			total += sum
			worst = max(worst, float64(sum)/float64(n))
		}
	}
	return float64(total) / float64(len(p.rgb)), worst
}

// sameLooks checks that a file looks and reads as another did.
func sameLooks(t *testing.T, before, after []byte) {
	t.Helper()
	a, b := drawn(t, before), drawn(t, after)
	if len(a) != len(b) {
		t.Fatalf("%d pages became %d", len(a), len(b))
	}
	for i := range a {
		if a[i].blank() {
			t.Errorf("page %d shows nothing", i)
		}
		if mean, worst := a[i].differs(b[i]); mean > 0.5 || worst > 20 {
			t.Errorf("page %d of %d x %d became %d x %d; it differs by %.2f, and by %.0f in a place", i, a[i].w, a[i].h, b[i].w, b[i].h, mean, worst)
		}
	}
	if a, b := written(t, before), written(t, after); a != b {
		t.Errorf("%q became %q", a, b)
	}
}
