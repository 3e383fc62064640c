package diag

import (
	"archive/zip"
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"io"
)

//go:embed sommaire.html
var sommaire string

// The first files of the zip.
const (
	headName    = "LISEZMOI.html"
	summaryName = "resume.json"
)

// Write packs the report as a zip: LISEZMOI.html to read first, resume.json
// for programs, and a text for each part.
func (r Report) Write(w io.Writer) error {
	page, err := template.New(headName).Parse(sommaire)
	if err != nil {
		return fmt.Errorf("diag: %w", err)
	}
	var head bytes.Buffer
	if err := page.Execute(&head, r); err != nil {
		return fmt.Errorf("diag: %w", err)
	}
	sum, err := r.summary()
	if err != nil {
		return err
	}
	z := zip.NewWriter(w)
	put := func(name string, text []byte) {
		if err != nil {
			return
		}
		var f io.Writer
		if f, err = z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Modified: r.Made}); err == nil {
			_, err = f.Write(text)
		}
	}
	put(headName, head.Bytes())
	put(summaryName, sum)
	for _, p := range r.Parts {
		text := "# " + p.Title + "\n"
		if p.Problem != "" {
			text += "# pas entier : " + p.Problem + "\n"
		}
		put(p.Name+".txt", []byte(text+"\n"+p.Text))
	}
	if err != nil {
		return fmt.Errorf("diag: %w", err)
	}
	if err := z.Close(); err != nil {
		return fmt.Errorf("diag: %w", err)
	}
	return nil
}
