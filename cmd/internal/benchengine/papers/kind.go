package papers

import (
	"bytes"
	"errors"
	"image"
	_ "image/jpeg" // sizes of pictures
	_ "image/png"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	_ "golang.org/x/image/tiff"
	_ "golang.org/x/image/webp"
)

// Words in names and descriptions that tell what a paper is.
var (
	isReceipt     = regexp.MustCompile(`(?i)receipt|ticket|caisse`)
	isHandwriting = regexp.MustCompile(`(?i)hand-?writ|handwritten|manuscri|pencil`)
	isForm        = regexp.MustCompile(`(?i)cerfa|formul|french form|\bform\b`)
	isTyped       = regexp.MustCompile(`(?i)typewritten official report`)
	isFrench      = regexp.MustCompile(`(?i)french|fran[cç]ais|\bfr[-_]|cerfa|synthese|\bcni\b`)
)

// describe fills in what the kind, the name and the description of a
// document's first file say.
func describe(d *Document, e entry) {
	d.Class = e.kind
	words := e.name + " " + e.notes
	picture := e.kind == ScanColour || e.kind == ScanGrey || e.kind == ScanBW
	switch {
	case picture && isReceipt.MatchString(words):
		d.Class, d.Column = Receipt, true
	case picture && isHandwriting.MatchString(words):
		d.Class = Handwriting
	case e.kind == "heic":
		d.Class = Photo
	case e.kind == "pdf-born-digital":
		d.Class = BornDigital
	}
	d.Scanned = picture && !d.PDF()
	d.Form = d.Class == ScanColour && isForm.MatchString(words)
	d.Typed = d.Class == ScanColour && !d.Form && isTyped.MatchString(words)
	d.Study = slices.Contains(study(), d.Name)
	switch {
	case isFrench.MatchString(words):
		d.Lang = "fra"
	case e.indexed:
		d.Lang = "eng"
	default:
		d.Lang = "fra+eng"
	}
}

// guess says what a file without an entry in an index is; "" when it is not
// measured.
func guess(path string) string {
	name := strings.ToLower(filepath.Base(path))
	switch ext := filepath.Ext(name); {
	case strings.HasPrefix(name, "hostile"):
		return "hostile"
	case ext == ".pdf":
		return guessPDF(path)
	case ext == ".heic" || ext == ".heif" || ext == ".avif":
		return "heic"
	case slices.Contains([]string{".doc", ".docx", ".odt", ".xls", ".xlsx", ".ods", ".ppt", ".pptx", ".odp", ".rtf"}, ext):
		return "office"
	case slices.Contains([]string{".jpg", ".jpeg", ".png", ".tif", ".tiff", ".webp"}, ext):
		return guessPicture(path, name)
	}
	return ""
}

// guessPDF tells a document with text from pictures wrapped in a PDF.
func guessPDF(path string) string {
	text, err := exec.Command("pdftotext", "-q", path, "-").Output()
	if err != nil {
		return "hostile"
	}
	if len(bytes.Fields(text)) >= 5 {
		return "pdf-born-digital"
	}
	return PDFScan
}

// guessPicture tells a photograph from a scan: by its name, by the maker of a
// camera, by the shape of the sheet.
func guessPicture(path, name string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	head := make([]byte, 64<<10)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return ""
	}
	config, _, err := image.DecodeConfig(bytes.NewReader(head[:n]))
	if strings.HasPrefix(name, "photo") || strings.HasPrefix(name, "img") || strings.HasPrefix(name, "dsc") {
		return Photo
	}
	for _, maker := range []string{"Apple", "samsung", "SAMSUNG", "Google", "HUAWEI", "Xiaomi", "Canon EOS", "NIKON"} {
		if bytes.Contains(head[:n], []byte(maker)) {
			return Photo
		}
	}
	if err == nil {
		long, short := max(config.Width, config.Height), min(config.Width, config.Height)
		if shape := float64(long) / float64(max(short, 1)); shape < 1.36 && shape > 1.30 || shape > 1.72 && shape < 1.80 {
			return Photo // 4:3 and 16:9 are the shapes of cameras
		}
	}
	return ScanColour
}

// study lists the documents that the goals were set on, by the names that
// Load gives them.
func study() []string {
	return []string{
		"fr-rapport-1984-6p", "fr-rapport-1984-cover", "fr-typescript-greybed-3p", "fr-programme-1962", "fr-lettre-pale",
		"sim-cerfa-15059-2p", "sim-cerfa-12100-p1", "sim-cerfa-12100", "qr-bill", "letter-rotation-mismatch", "newspaper-colour",
		"paperless-600dpi-colour", "receipt-flatbed-brown", "receipt-dark-bed", "receipt-highlighter",
		"fr-lettre-manuscrite", "handwritten-notesA1", "handwritten-notesB1", "handwritten-graph-paper-front",
		"paperless-rotated", "ocrmypdf-2400dpi", "ocrmypdf-epson", "ocrmypdf-cardinal", "ocrmypdf-rotated-skew",
		"ocrmypdf-multipage", "ocrmypdf-masks", "ocrmypdf-francais",
		"photo-fairscan-img01", "photo-fairscan-img02", "photo-fairscan-img03", "photo-thesis-curved", "photo-book-sideways",
		"photo-cni-specimen", "cerfa-cni-12100", "cerfa-15059", "synthese-securite", "ocrmypdf-blank",
	}
}
