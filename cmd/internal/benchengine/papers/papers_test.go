package papers_test

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pointnum/cmd/internal/benchengine/papers"
)

// folder makes a folder of files; a name that ends in "/" is not one.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func load(t *testing.T, dir string) *papers.Folder {
	t.Helper()
	f, err := papers.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func find(t *testing.T, f *papers.Folder, name string) papers.Document {
	t.Helper()
	i := slices.IndexFunc(f.Documents, func(d papers.Document) bool { return d.Name == name })
	if i < 0 {
		t.Fatalf("no document %q in %+v", name, f.Documents)
	}
	return f.Documents[i]
}

func TestPagesBecomeOneDocumentInTheirOrder(t *testing.T) {
	index := []string{"file\tkind\tpages\tsource\tlicence\twhat"}
	files := map[string]string{}
	for _, name := range []string{"fr-rapport-p1.jpg", "fr-rapport-p2.jpg", "fr-rapport-p10.jpg", "fr-rapport-cover.jpg", "letter_page3.png"} {
		files[name] = "x"
		index = append(index, name+"\tscan-colour\t1\tsource\tfree\tFrench typewritten official report")
	}
	files["truth/fr-rapport-p2.jpg.txt"] = "deux"
	files["INDEX.tsv"] = strings.Join(index, "\n")
	dir := folder(t, files)
	f := load(t, dir)
	if len(f.Documents) != 3 {
		t.Errorf("%d documents, want 3: %+v", len(f.Documents), f.Documents)
	}
	d := find(t, f, "fr-rapport-3p")
	var names []string
	for _, p := range d.Files {
		names = append(names, filepath.Base(p))
	}
	if want := []string{"fr-rapport-p1.jpg", "fr-rapport-p2.jpg", "fr-rapport-p10.jpg"}; !slices.Equal(names, want) {
		t.Errorf("pages %v, want %v", names, want)
	}
	if want := []string{"", filepath.Join(dir, "truth", "fr-rapport-p2.jpg.txt"), ""}; !slices.Equal(d.Truth, want) {
		t.Errorf("exact texts %q, want %q", d.Truth, want)
	}
	if d.Lang != "fra" || !d.Typed || d.Form || !d.Scanned || !d.HasTruth() {
		t.Errorf("%+v", d)
	}
}

func TestAnIndexSaysWhatADocumentIs(t *testing.T) {
	lines := []string{
		"file\tkind\tpages\tsource\tlicence\twhat",
		"a.jpg\tscan-colour\t1\t-\tfree\treceipt on a dark bed",
		"b.jpg\tscan-colour\t1\t-\tfree\thandwritten notes: red pen",
		"c.jpg\tscan-colour\t1\t-\tfree\tFrench form, colour 300 dpi",
		"d.heic\theic\t1\t-\tfree\tphoto",
		"e.pdf\tpdf-born-digital\t1\t-\tfree\tvector page",
		"f.pdf\tscan-bw\t4\t-\tfree\tthe same page in four orientations",
		"g.docx\toffice\t?\t-\tfree\ttext",
		"h.pdf\thostile\t?\t-\tfree\tbomb",
	}
	files := map[string]string{"INDEX.tsv": strings.Join(lines, "\n")}
	for _, l := range lines[1:] {
		files[strings.Split(l, "\t")[0]] = "x"
	}
	f := load(t, folder(t, files))
	for name, class := range map[string]string{"a": papers.Receipt, "b": papers.Handwriting, "c": papers.ScanColour,
		"d": papers.Photo, "e": papers.BornDigital, "f": papers.ScanBW} {
		if got := find(t, f, name).Class; got != class {
			t.Errorf("%s is %q, want %q", name, got, class)
		}
	}
	if d := find(t, f, "c"); !d.Form || d.Lang != "fra" {
		t.Errorf("the form: %+v", d)
	}
	if d := find(t, f, "f"); d.Scanned || !d.PDF() || d.Lang != "eng" {
		t.Errorf("the PDF: %+v", d)
	}
	if len(f.Hostile) != 1 || !slices.Equal(f.Left, []string{"g.docx"}) {
		t.Errorf("hostile %v, left %v", f.Hostile, f.Left)
	}
}

func picture(t *testing.T, w, h int) string {
	t.Helper()
	img := image.NewGray(image.Rect(0, 0, w, h))
	img.Set(1, 1, color.White)
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, nil); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestAFolderWithoutIndexIsJudgedByItsFiles(t *testing.T) {
	f := load(t, folder(t, map[string]string{
		"camera.jpg": picture(t, 400, 300), "sheet.jpg": picture(t, 248, 351), "IMG_0042.jpg": picture(t, 248, 351),
		"notes.txt": "left out", "lettre.odt": "left out", "hostile-1.pdf": "x",
	}))
	for name, class := range map[string]string{"camera": papers.Photo, "sheet": papers.ScanColour, "IMG_0042": papers.Photo} {
		d := find(t, f, name)
		if d.Class != class || d.Lang != "fra+eng" {
			t.Errorf("%s: %+v, want class %s and both languages", name, d, class)
		}
	}
	if len(f.Documents) != 3 || len(f.Hostile) != 1 || len(f.Left) != 2 {
		t.Errorf("%d documents, %d hostile, left %v", len(f.Documents), len(f.Hostile), f.Left)
	}
}

func TestADossierNeedsEveryKind(t *testing.T) {
	page := func(name, class string, n int, change func(*papers.Document)) papers.Document {
		d := papers.Document{Name: name, Class: class, Lang: "fra"}
		for range n {
			d.Files, d.Truth = append(d.Files, name+".jpg"), append(d.Truth, "")
		}
		if change != nil {
			change(&d)
		}
		return d
	}
	docs := []papers.Document{
		page("photo-cni", papers.Photo, 1, nil),
		page("form", papers.ScanColour, 2, func(d *papers.Document) { d.Form = true }),
		page("report", papers.ScanColour, 6, func(d *papers.Document) { d.Truth[2] = "text" }),
		page("receipt-1", papers.Receipt, 1, nil), page("receipt-2", papers.Receipt, 1, nil), page("receipt-3", papers.Receipt, 1, nil),
		page("photo-1", papers.Photo, 1, nil), page("photo-2", papers.Photo, 1, nil), page("photo-3", papers.Photo, 1, nil),
		page("letter", papers.Handwriting, 1, nil),
	}
	d, ok := papers.Dossier(docs)
	if !ok || len(d.Files) != 12 || d.Files[0] != "photo-cni.jpg" || d.Truth[4] != "text" {
		t.Errorf("%v %+v", ok, d)
	}
	if _, ok := papers.Dossier(docs[1:]); ok {
		t.Error("a dossier without an identity card")
	}
}
