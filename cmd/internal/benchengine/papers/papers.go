// Package papers finds the documents to measure in a folder: which files are
// pages of one document, of what class it is, in what language, and where its
// exact text is. A folder may say the kinds in INDEX.tsv (columns file, kind,
// pages, source, licence, what it exercises) and hold exact texts in
// truth/FILE.txt; without them the files are judged by themselves.
package papers

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// The classes of documents, in the order of the tables.
const (
	ScanColour  = "scan-colour"
	Receipt     = "receipt"
	Handwriting = "handwriting"
	ScanGrey    = "scan-grey"
	ScanBW      = "scan-bw"
	PDFScan     = "pdf-scan"
	Photo       = "photo"
	BornDigital = "born-digital"
)

// Classes are all classes, in the order of the tables.
func Classes() []string {
	return []string{ScanColour, Receipt, Handwriting, ScanGrey, ScanBW, PDFScan, Photo, BornDigital}
}

// Document is one document of one or more files, which are its pages in order.
type Document struct {
	Name    string   // "fr-rapport-1984-6p"
	Class   string   // one of the classes above
	Files   []string // paths
	Truth   []string // for each file the path of its exact text, or ""
	Lang    string   // for tesseract: "fra", "eng" or "fra+eng"
	Column  bool     // one narrow column, such as a receipt
	Scanned bool     // pictures as a scanner sends them
	Study   bool     // among the documents that the goals were set on
	Typed   bool     // a page of typed or printed prose, scanned in colour
	Form    bool     // a form, scanned in colour
}

// PDF says whether the document is a PDF as it is.
func (d *Document) PDF() bool {
	return len(d.Files) == 1 && strings.EqualFold(filepath.Ext(d.Files[0]), ".pdf")
}

// HasTruth says whether any page has its exact text.
func (d *Document) HasTruth() bool {
	return slices.ContainsFunc(d.Truth, func(s string) bool { return s != "" })
}

// Folder is what a folder holds.
type Folder struct {
	Documents []Document
	Hostile   []string // paths of files that are meant to do harm
	Left      []string // names of files that are not measured, such as office files
}

// entry is one file before files are put together.
type entry struct {
	name, kind, notes string
	indexed           bool
}

// Load reads a folder. Files of the kinds "office" and "hostile" are no
// documents here.
func Load(folder string) (*Folder, error) {
	index, err := readIndex(filepath.Join(folder, "INDEX.tsv"))
	if err != nil {
		return nil, err
	}
	files, err := os.ReadDir(folder)
	if err != nil {
		return nil, fmt.Errorf("documents: %w", err)
	}
	var out Folder
	var entries []entry
	for _, f := range files {
		name := f.Name()
		if !f.Type().IsRegular() || name == "INDEX.tsv" || strings.HasPrefix(name, ".") {
			continue
		}
		e, ok := index[name]
		if !ok {
			e = entry{name: name, kind: guess(filepath.Join(folder, name))}
		}
		switch e.kind {
		case "hostile":
			out.Hostile = append(out.Hostile, filepath.Join(folder, name))
		case "office", "":
			out.Left = append(out.Left, name)
		default:
			entries = append(entries, e)
		}
	}
	out.Documents = group(folder, entries)
	return &out, nil
}

func readIndex(path string) (map[string]entry, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("index: %w", err)
	}
	defer f.Close()
	out := map[string]entry{}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		c := strings.Split(lines.Text(), "\t")
		if len(c) < 2 || c[0] == "file" {
			continue
		}
		e := entry{name: c[0], kind: c[1], indexed: true}
		if len(c) > 3 {
			e.notes = strings.Join(c[3:], " ")
		}
		out[c[0]] = e
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("index: %w", err)
	}
	return out, nil
}

// pageName is a file name that ends in its page number: "rapport-p2.jpg".
var pageName = regexp.MustCompile(`^(.+?)[-_ ](?:p|page)[-_ ]?(\d+)\.\w+$`)

// group puts the pages of a document together. Entries come sorted by name.
func group(folder string, entries []entry) []Document {
	type page struct {
		n int
		e entry
	}
	type key struct{ stem, kind, ext string }
	pages := map[key][]page{}
	var keys []key
	for _, e := range entries {
		ext := strings.ToLower(filepath.Ext(e.name))
		k, n := key{strings.TrimSuffix(e.name, filepath.Ext(e.name)), e.kind, ext}, 0
		if m := pageName.FindStringSubmatch(e.name); m != nil && ext != ".pdf" {
			if number, err := strconv.Atoi(m[2]); err == nil { // else it is too long for one
				k.stem, n = m[1], number
			}
		}
		if pages[k] == nil {
			keys = append(keys, k)
		}
		pages[k] = append(pages[k], page{n, e})
	}
	var out []Document
	taken := map[string]bool{}
	for _, k := range keys {
		list := pages[k]
		slices.SortStableFunc(list, func(a, b page) int { return a.n - b.n })
		name := k.stem
		if len(list) > 1 {
			name = fmt.Sprintf("%s-%dp", k.stem, len(list))
		}
		if taken[name] {
			name += "-" + strings.TrimPrefix(k.ext, ".")
		}
		taken[name] = true
		d := Document{Name: name}
		for _, p := range list {
			d.Files = append(d.Files, filepath.Join(folder, p.e.name))
			truth := filepath.Join(folder, "truth", p.e.name+".txt")
			if _, err := os.Stat(truth); err != nil {
				truth = ""
			}
			d.Truth = append(d.Truth, truth)
		}
		describe(&d, list[0].e)
		out = append(out, d)
	}
	return out
}
