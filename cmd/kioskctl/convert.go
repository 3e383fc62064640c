package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"pointnum/cmd/internal/cli"
	"pointnum/kiosk"
	"pointnum/kiosk/atomicfile"
	"pointnum/kiosk/document"
	"pointnum/kiosk/portal"
)

func convertCommand() cli.Command {
	return cli.Command{
		Name: "convert", Args: "FICHIER…",
		Short: "faire d’un ou plusieurs fichiers un document qui convient à un site",
		Long: `Plusieurs fichiers font un seul document, dans l’ordre donné. Rien n’est changé aux fichiers lus.

  kioskctl convert --portal caf -o dossier.pdf page1.jpg photo.heic lettre.pdf
  kioskctl convert --portal demarche-numerique --kind identity -o carte.jpg carte.png
  kioskctl convert --max-bytes 500000 --format pdf -o petit.pdf gros.pdf

Code 0 : le fichier est écrit et convient. Code 5 : un fichier ne peut pas être lu, ou ne peut
pas être aussi petit et rester lisible. Un document en plusieurs parties s’écrit nom-1.pdf, nom-2.pdf…`,
		Setup: func(fs *flag.FlagSet) cli.Func {
			var c conversion
			c.targetFlags(fs)
			fs.StringVar(&c.out, "o", "", "`fichier` à écrire (obligatoire)")
			fs.BoolVar(&c.json, "json", false, "dire le résultat en JSON")
			return body(c.run).run
		},
	}
}

// conversion is one run of the command.
type conversion struct {
	portal, field, kind, format, catalogue, out string
	maxBytes                                    int64
	scanned, asIs, json                         bool
}

// targetFlags are the options that say what is read and what is wanted.
func (c *conversion) targetFlags(fs *flag.FlagSet) {
	fs.StringVar(&c.portal, "portal", "", "`site` du catalogue : caf, ameli…")
	fs.StringVar(&c.field, "field", "", "`champ` du site (voir le catalogue)")
	fs.StringVar(&c.kind, "kind", "other", "`genre` de papier : identity, rib, payslip…")
	fs.Int64Var(&c.maxBytes, "max-bytes", 0, "taille maximale en `octets`, à la place de celle du site")
	fs.StringVar(&c.format, "format", "", "pdf, jpeg, png ou tiff, à la place de celui du site")
	fs.StringVar(&c.catalogue, "catalogue", "", "`fichier` catalogue du lieu")
	fs.BoolVar(&c.scanned, "scanned", false, "les images viennent de la vitre d’un scanner")
	fs.BoolVar(&c.asIs, "as-is", false, "ne rien redresser, recadrer ni tourner")
}

// input is a file on the disk.
func (c *conversion) input(path string, size int64) *kiosk.Input {
	return &kiosk.Input{Name: filepath.Base(path), Size: size, Scanned: c.scanned, AsIs: c.asIs,
		Open: func() (io.ReadCloser, error) { return os.Open(path) }}
}

// converted is the command's answer.
type converted struct {
	Files    []convertedFile `json:"files"`
	Pages    int             `json:"pages"`
	MaxBytes int64           `json:"max_bytes"`
	Known    bool            `json:"limit_known"` // the site's own rule, or ours
	Passed   bool            `json:"passed_on"`   // handed on as it was
	DPI      int             `json:"dpi,omitempty"`
	Gray     bool            `json:"gray"`
	Seconds  float64         `json:"seconds"`
	Notes    []pageNote      `json:"notes,omitempty"`
}

// finding is what is wrong with a page, and where.
type finding struct {
	Verdict kiosk.Verdict `json:"verdict"`
	// Area is x0, y0, x1, y1 in thousandths of the page; left out when it is
	// all of it.
	Area []int `json:"area,omitempty"`
}

func findings(all []kiosk.Finding) []finding {
	var out []finding
	for _, f := range all {
		g := finding{Verdict: f.Verdict}
		if a := f.Area; a != (kiosk.Area{}) {
			g.Area = []int{a.X0, a.Y0, a.X1, a.Y1}
		}
		out = append(out, g)
	}
	return out
}

type convertedFile struct {
	Path  string `json:"path"`
	Bytes int    `json:"bytes"`
	Pages int    `json:"pages"`
}

// pageNote is what the visitor would be told about a page.
type pageNote struct {
	File     string    `json:"file"`
	Page     int       `json:"page"`
	Findings []finding `json:"findings"`
}

func (c *conversion) run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	if len(args) == 0 {
		return cli.Usagef("quel fichier ?")
	}
	if c.out == "" {
		return cli.Usagef("-o dit quel fichier écrire")
	}
	target, known, err := c.target()
	if err != nil {
		return err
	}
	start := time.Now()
	docs, err := engine(stderr)
	if err != nil {
		return err
	}
	defer docs.Close()
	answer := converted{MaxBytes: target.MaxBytes, Known: known}
	pages, err := c.read(ctx, docs, args, &answer)
	if err != nil {
		return err
	}
	result, err := docs.Convert(ctx, pages, target, nil)
	if err != nil {
		return fmt.Errorf("%s: %w", c.out, err)
	}
	if !result.Passed && !takenOver(result) && answer.allBlank(len(pages)) {
		// Nothing could be drawn of what came in: a proof without content
		// must not look like a success. A blank page passed on as it came is
		// its owner's.
		return &kiosk.Error{Code: kiosk.CodeFileBlank, Op: "convert"}
	}
	if err := c.write(result.Files, &answer); err != nil {
		return err
	}
	answer.Pages, answer.Passed, answer.DPI, answer.Gray = len(pages), result.Passed, result.DPI, result.Gray
	answer.Seconds = time.Since(start).Seconds()
	if c.json {
		return writeJSON(stdout, answer)
	}
	return answer.tell(stdout, stderr)
}

// takenOver is true when every page is the one of the PDF it came in.
func takenOver(c kiosk.Conversion) bool {
	return len(c.Forms) > 0 && !slices.ContainsFunc(c.Forms, func(f string) bool { return f != "original" })
}

// target says what to make: the field's, changed by the options.
func (c *conversion) target() (t kiosk.Target, known bool, err error) {
	t = kiosk.Target{Format: kiosk.FormatPDF, MaxBytes: portal.UnknownMax, AimBytes: portal.UnknownAim, MaxFiles: 1}
	if c.portal != "" {
		if t, known, err = c.fieldTarget(); err != nil {
			return t, false, err
		}
	}
	if c.maxBytes < 0 {
		return t, false, cli.Usagef("--max-bytes : un nombre d’octets plus grand que 0")
	}
	if c.maxBytes > 0 {
		t.MaxBytes, t.AimBytes, known = c.maxBytes, 0, true
	}
	switch c.format {
	case "":
	case "pdf", "jpeg", "png", "tiff":
		t.Format = kiosk.Format(c.format)
	case "jpg":
		t.Format = kiosk.FormatJPEG
	case "tif":
		t.Format = kiosk.FormatTIFF
	default:
		return t, false, cli.Usagef("--format : pdf, jpeg, png ou tiff, pas %q", c.format)
	}
	return t, known, nil
}

func (c *conversion) fieldTarget() (kiosk.Target, bool, error) {
	catalogue := portal.Default()
	if c.catalogue != "" {
		var err error
		if catalogue, err = portal.LoadFile(c.catalogue); err != nil {
			return kiosk.Target{}, false, err
		}
	}
	p, ok := catalogue.Portal(c.portal)
	if !ok {
		var ids []string
		for _, p := range catalogue.Portals {
			ids = append(ids, p.ID)
		}
		return kiosk.Target{}, false, cli.Usagef("--portal : pas de site %q ; il y a %s", c.portal, strings.Join(ids, ", "))
	}
	if c.field != "" {
		i := slices.IndexFunc(p.Fields, func(f portal.Field) bool { return f.ID == c.field })
		if i < 0 {
			var ids []string
			for _, f := range p.Fields {
				ids = append(ids, f.ID)
			}
			return kiosk.Target{}, false, cli.Usagef("--field : pas de champ %q chez %s ; il y a %s", c.field, p.ID, strings.Join(ids, ", "))
		}
		return p.Fields[i].Target(), p.Fields[i].Known(), nil
	}
	t, known, ok := catalogue.Target(c.portal, c.kind)
	if !ok {
		var ids []string
		for _, k := range catalogue.Kinds {
			ids = append(ids, k.ID)
		}
		return t, false, cli.Usagef("--kind : pas de genre de papier %q ; il y a %s", c.kind, strings.Join(ids, ", "))
	}
	return t, known, nil
}

// read makes pages of all files, in order.
func (c *conversion) read(ctx context.Context, docs *document.Engine, paths []string, answer *converted) ([]kiosk.PageRef, error) {
	var all []kiosk.PageRef
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			return nil, fmt.Errorf("lire: %w", err)
		}
		if info.IsDir() {
			return nil, cli.Usagef("%s est un dossier : nommez les fichiers", path)
		}
		in := c.input(path, info.Size())
		first := len(all)
		err = docs.Import(ctx, *in, func(p kiosk.Page) error {
			in = sourceOf(p, in)
			all = append(all, pageRef(p, in))
			if len(p.Findings) > 0 {
				answer.Notes = append(answer.Notes, pageNote{path, p.Index + 1, findings(p.Findings)})
			}
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		for i := first; i < len(all); i++ {
			all[i].OriginPages = len(all) - first
		}
	}
	if len(all) == 0 {
		return nil, &kiosk.Error{Code: kiosk.CodeFileBroken, Op: "convert: no page"}
	}
	return all, nil
}

// sourceOf gives what a page's origin became: a PDF, where it was an office
// file.
func sourceOf(p kiosk.Page, in *kiosk.Input) *kiosk.Input {
	if p.Source == nil {
		return in
	}
	return &kiosk.Input{Name: in.Name, Size: int64(len(p.Source)), AsIs: in.AsIs, Open: opener(p.Source)}
}

// changed says whether a page is not as it came, apart from turns.
func changed(p kiosk.Page) bool {
	return slices.ContainsFunc(p.Changes, func(c kiosk.Change) bool { return c != kiosk.ChangeTurned })
}

// pageRef speaks of a page whose pictures are in memory; in, where it came
// from, may be nil.
func pageRef(p kiosk.Page, in *kiosk.Input) kiosk.PageRef {
	r := kiosk.PageRef{Open: opener(p.Image), Size: int64(len(p.Image)), DPI: p.DPI, Kind: p.Kind, Changed: changed(p), Turned: p.Turned,
		Index: p.Index, Origin: in}
	if len(p.Packed) > 0 {
		r.Packed, r.PackedSize = opener(p.Packed), int64(len(p.Packed))
	}
	return r
}

// write puts the files in place, each whole or not at all.
func (c *conversion) write(files []kiosk.File, answer *converted) error {
	if len(files) == 0 {
		return errors.New("convert: the engine made no file")
	}
	for i, f := range files {
		path := c.out
		if len(files) > 1 {
			ext := filepath.Ext(path)
			path = fmt.Sprintf("%s-%d%s", strings.TrimSuffix(path, ext), i+1, ext)
		}
		if err := atomicfile.Write(path, f.Data, 0o644); err != nil {
			return fmt.Errorf("écrire: %w", err)
		}
		answer.Files = append(answer.Files, convertedFile{path, len(f.Data), f.Pages})
	}
	return nil
}

// allBlank is true when no page has anything on it.
func (a *converted) allBlank(pages int) bool {
	blank := 0
	for _, n := range a.Notes {
		if slices.ContainsFunc(n.Findings, func(f finding) bool { return f.Verdict == kiosk.VerdictBlank }) {
			blank++
		}
	}
	return blank == pages
}

// tell says the answer in words; what the visitor would be warned of goes to
// stderr.
func (a *converted) tell(stdout, stderr io.Writer) error {
	for _, n := range a.Notes {
		words := make([]string, len(n.Findings))
		for i, f := range n.Findings {
			words[i] = verdictText(f.Verdict)
		}
		fmt.Fprintf(stderr, "%s, page %d : %s\n", n.File, n.Page, strings.Join(words, ", "))
	}
	rule := "limite de la borne, celle du site n’est pas connue"
	if a.Known {
		rule = "limite"
	}
	how := fmt.Sprintf("%d ppp", a.DPI)
	switch {
	case a.DPI == 0 && !a.Passed:
		how = "le texte reste du texte"
	case a.Passed:
		how = "repris tel quel"
	case a.Gray:
		how += ", gris"
	}
	for _, f := range a.Files {
		if _, err := fmt.Fprintf(stdout, "%s : %d page(s), %d octets (%s : %d), %s, %.1f s\n",
			f.Path, f.Pages, f.Bytes, rule, a.MaxBytes, how, a.Seconds); err != nil {
			return err
		}
	}
	return nil
}

func verdictText(v kiosk.Verdict) string {
	switch v {
	case kiosk.VerdictBlank:
		return "page vide"
	case kiosk.VerdictBlurred:
		return "page floue"
	case kiosk.VerdictDark:
		return "page trop sombre ou trop pâle"
	case kiosk.VerdictCut:
		return "page coupée au bord"
	case kiosk.VerdictPartial:
		return "fichier abîmé : seule une partie a pu être sauvée"
	case kiosk.VerdictLowRes:
		return "trop peu de points pour être bien lue"
	case kiosk.VerdictGlare:
		return "un reflet cache une partie"
	case kiosk.VerdictFingers:
		return "des doigts cachent une partie"
	case kiosk.VerdictTurned:
		return "peut-être à l’envers"
	default:
		return string(v)
	}
}
