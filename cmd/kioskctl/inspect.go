package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"pointnum/cmd/internal/cli"
	"pointnum/kiosk"
	"pointnum/kiosk/document"
)

func inspectCommand() cli.Command {
	return cli.Command{
		Name: "inspect", Args: "FICHIER…",
		Short: "dire ce qu’il y a dans un fichier, ce que la borne en ferait et pourquoi",
		Long: `Rien n’est écrit ni changé.

  kioskctl inspect lettre.pdf photo.heic
  kioskctl inspect --portal caf --json dossier.pdf

Code 0 : tout peut être lu. Code 5 : un fichier ne peut pas être lu, ou ne peut pas être aussi petit.`,
		Setup: func(fs *flag.FlagSet) cli.Func {
			var c conversion
			c.targetFlags(fs)
			fs.BoolVar(&c.json, "json", false, "dire le résultat en JSON")
			return body(c.inspect).run
		},
	}
}

// inspected is what is known of a file.
type inspected struct {
	File   string          `json:"file"`
	Bytes  int64           `json:"bytes"`
	Format string          `json:"format,omitempty"`
	Pages  []inspectedPage `json:"pages,omitempty"`
	// Error is why it can't be read, or can't be made to fit.
	Error string     `json:"error,omitempty"`
	Code  kiosk.Code `json:"code,omitempty"`
	Made  *made      `json:"would_be,omitempty"`
}

type inspectedPage struct {
	Page       int            `json:"page"`
	Kind       kiosk.PageKind `json:"kind"`
	SourceDPI  int            `json:"source_dpi,omitempty"`
	Searchable bool           `json:"searchable,omitempty"`
	Width      int            `json:"width"`
	Height     int            `json:"height"`
	DPI        int            `json:"dpi"`
	Gray       bool           `json:"gray"`
	Packed     int            `json:"packed_bytes,omitempty"` // in a PDF, at the usual quality
	Changes    []kiosk.Change `json:"changes,omitempty"`
	Findings   []finding      `json:"findings,omitempty"`
	Form       string         `json:"would_be,omitempty"`
}

// made is what would be made of a file.
type made struct {
	Format   kiosk.Format `json:"format"`
	MaxBytes int64        `json:"max_bytes"`
	Known    bool         `json:"limit_known"`
	Bytes    []int        `json:"bytes"` // of each file
	Passed   bool         `json:"passed_on"`
	DPI      int          `json:"dpi,omitempty"`
	Gray     bool         `json:"gray"`
	Level    int          `json:"level"`
}

func (c *conversion) inspect(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	if len(args) == 0 {
		return cli.Usagef("quel fichier ?")
	}
	target, known, err := c.target()
	if err != nil {
		return err
	}
	docs, err := engine(stderr)
	if err != nil {
		return err
	}
	defer docs.Close()
	var all []inspected
	var failed error
	for _, path := range args {
		r, err := c.look(ctx, docs, path, target, known)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			r.Code, failed = kiosk.CodeOf(err), err
			r.Error = cli.Explain(err, "fr")
		}
		if !c.json {
			r.tell(stdout)
		}
		all = append(all, r)
	}
	if c.json {
		if err := writeJSON(stdout, all); err != nil {
			return err
		}
	}
	return failed
}

// look reads a file and makes of it what the kiosk would, in memory.
func (c *conversion) look(ctx context.Context, docs *document.Engine, path string, t kiosk.Target, known bool) (inspected, error) {
	r := inspected{File: path}
	info, err := os.Stat(path)
	if err != nil {
		return r, fmt.Errorf("lire: %w", err)
	}
	r.Bytes = info.Size()
	in := c.input(path, info.Size())
	var refs []kiosk.PageRef
	err = docs.Inspect(ctx, *in, func(o document.Report) { r.Format = o.Format }, func(p document.PageReport) error {
		r.Pages = append(r.Pages, inspectedPage{
			Page: p.Index + 1, Kind: p.Kind, SourceDPI: p.SourceDPI, Searchable: p.Searchable, Width: p.Width, Height: p.Height,
			DPI: p.DPI, Gray: p.Gray, Packed: len(p.Packed), Changes: p.Changes, Findings: findings(p.Findings),
		})
		in = sourceOf(p.Page, in)
		refs = append(refs, pageRef(p.Page, in))
		return nil
	})
	if err != nil {
		return r, err
	}
	for i := range refs {
		refs[i].OriginPages = len(refs)
	}
	result, err := docs.Convert(ctx, refs, t, nil)
	if err != nil {
		return r, err
	}
	m := made{Format: t.Format, MaxBytes: t.MaxBytes, Known: known, Passed: result.Passed, DPI: result.DPI, Gray: result.Gray, Level: result.Level}
	for _, f := range result.Files {
		m.Bytes = append(m.Bytes, len(f.Data))
	}
	for i := range r.Pages {
		if i < len(result.Forms) {
			r.Pages[i].Form = result.Forms[i]
		}
	}
	r.Made = &m
	return r, nil
}

func (r *inspected) tell(w io.Writer) {
	name := filepath.Base(r.File)
	if r.Format == "" {
		fmt.Fprintf(w, "%s : %d octets. %s\n", name, r.Bytes, r.Error)
		return
	}
	fmt.Fprintf(w, "%s : %s, %d octets, %d page(s)\n", name, strings.ToUpper(r.Format), r.Bytes, len(r.Pages))
	for _, p := range r.Pages {
		p.tell(w)
	}
	if r.Error != "" {
		fmt.Fprintf(w, "  → %s\n", r.Error)
		return
	}
	m := r.Made
	for i, n := range m.Bytes {
		fmt.Fprintf(w, "  → %s %d : %d octets (limite : %d)", strings.ToUpper(string(m.Format)), i+1, n, m.MaxBytes)
		switch {
		case m.Passed:
			fmt.Fprint(w, ", repris tel quel")
		case m.Level > 1:
			fmt.Fprintf(w, ", qualité baissée de %d cran(s) pour la limite", m.Level-1)
		}
		if m.Gray {
			fmt.Fprint(w, ", gris")
		}
		fmt.Fprintln(w)
	}
}

func (p *inspectedPage) tell(w io.Writer) {
	fmt.Fprintf(w, "  page %d : %s, %d × %d points à %d ppp", p.Page, kindText(p.Kind), p.Width, p.Height, p.DPI)
	if p.SourceDPI > 0 && p.SourceDPI != p.DPI {
		fmt.Fprintf(w, " (arrivée à %d)", p.SourceDPI)
	}
	if p.Packed > 0 {
		fmt.Fprintf(w, ", %d octets dans un PDF", p.Packed)
	}
	fmt.Fprintln(w)
	for _, c := range p.Changes {
		fmt.Fprintf(w, "    fait : %s\n", changeText(c))
	}
	for _, f := range p.Findings {
		fmt.Fprintf(w, "    attention : %s%s\n", verdictText(f.Verdict), areaText(f.Area))
	}
	if p.Form != "" {
		fmt.Fprintf(w, "    serait : %s\n", formText(p.Form))
	}
}

func kindText(k kiosk.PageKind) string {
	switch k {
	case kiosk.PageDigital:
		return "texte numérique"
	case kiosk.PageWriting:
		return "écriture sur papier"
	case kiosk.PageBilevel:
		return "noir et blanc"
	default:
		return "image (carte, photo)"
	}
}

func changeText(c kiosk.Change) string {
	switch c {
	case kiosk.ChangeFlattened:
		return "feuille trouvée dans la photo et remise à plat"
	case kiosk.ChangeStraightened:
		return "redressée"
	case kiosk.ChangeCropped:
		return "bords du scanner enlevés"
	case kiosk.ChangeTurned:
		return "tournée dans le sens de la lecture"
	case kiosk.ChangeLit:
		return "éclairée également, papier rendu blanc"
	default:
		return string(c)
	}
}

func formText(f string) string {
	switch f {
	case "original":
		return "reprise telle quelle, le texte reste du texte"
	case "layers":
		return "séparée : encre nette, papier léger"
	case "bilevel":
		return "noir et blanc, sans perte"
	default:
		return "image JPEG ou PNG"
	}
}

// areaText says about where on the page something is.
func areaText(a []int) string {
	if len(a) != 4 {
		return ""
	}
	x, y := (a[0]+a[2])/2, (a[1]+a[3])/2
	down := [...]string{"en haut", "au milieu", "en bas"}[min(y/334, 2)]
	across := [...]string{" à gauche", "", " à droite"}[min(x/334, 2)]
	return " (" + down + across + ")"
}
