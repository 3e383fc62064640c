package pdf_test

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"image"
	"image/color"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu"
	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu/model"
	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu/validate"

	"pointnum/kiosk/document/documenttest"
	"pointnum/kiosk/document/pdf"
)

// dict is a dictionary as qpdf writes it in JSON.
type dict = map[string]any

// object is an object of a file; data is what a stream decodes to.
type object struct {
	dict dict
	data []byte
}

// objects reads a file with qpdf.
func objects(t testing.TB, path string) (all map[string]object, trailer dict) {
	t.Helper()
	raw, err := exec.Command(documenttest.Tool(t, "qpdf"), "--json=2", "--json-stream-data=inline", "--decode-level=generalized", path).Output()
	if len(raw) == 0 { // it also fails after a mere warning
		t.Fatal(err)
	}
	var file struct {
		QPDF []json.RawMessage `json:"qpdf"`
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	var entries map[string]struct {
		Value  any
		Stream *struct {
			Dict dict
			Data string
		}
	}
	if err := json.Unmarshal(file.QPDF[1], &entries); err != nil {
		t.Fatal(err)
	}
	all = map[string]object{}
	for name, e := range entries {
		d, _ := e.Value.(dict)
		o := object{dict: d}
		if e.Stream != nil {
			o.dict = e.Stream.Dict
			if o.data, err = base64.StdEncoding.DecodeString(e.Stream.Data); err != nil {
				t.Fatal(err)
			}
		}
		if name == "trailer" {
			trailer = d
			continue
		}
		all[strings.TrimPrefix(name, "obj:")] = o
	}
	return all, trailer
}

// archiveFaults lists which rules of ISO 19005-2 (PDF/A-2b) a file breaks, as
// far as they can concern pages of images and invisible words.
func archiveFaults(t testing.TB, data []byte) []string {
	t.Helper()
	var faults []string
	rule := func(kept bool, clause, format string, args ...any) {
		if !kept {
			faults = append(faults, clause+": "+fmt.Sprintf(format, args...))
		}
	}
	rule(regexp.MustCompile(`^%PDF-1\.[0-7]\n%`).Match(data) && min(data[10], data[11], data[12], data[13]) > 127, "6.1.2", "header")
	rule(bytes.HasSuffix(data, []byte("\n%%EOF\n")) && bytes.Count(data, []byte("%%EOF")) == 1, "6.1.3", "bytes after the end, or two ends")
	for _, m := range regexp.MustCompile(`[^\n](\d+ \d+ obj|endobj|endstream)\n|\bstream\r|\bobj[^\n]`).FindAll(streamless(data), -1) {
		rule(len(bytes.TrimLeft(m, "0123456789")) > 0 && !bytes.ContainsAny(m[:1], " >"), "6.1.9", "%q is not on a line of its own", m)
	}
	all, trailer := objects(t, documenttest.Save(t, "file.pdf", data))
	ids, _ := trailer["/ID"].([]any)
	rule(len(ids) == 2, "6.1.3", "no identifier")
	rule(trailer["/Encrypt"] == nil, "6.1.3", "encrypted")
	rule(trailer["/Info"] == nil, "6.6.3", "an information dictionary must agree with the metadata")
	rule(len(all) <= 8_388_607, "6.1.13", "%d objects", len(all))
	for n, o := range all {
		objectFaults(rule, n, o)
	}
	root, _ := trailer["/Root"].(string)
	catalogFaults(rule, all, all[root].dict)
	for n, o := range all {
		switch o.dict["/Type"] {
		case "/Page":
			pageFaults(rule, all, n, o.dict)
		case "/Font":
			fontFaults(rule, all, n, o.dict)
		}
	}
	return faults
}

// streamless is a file without what its streams hold.
func streamless(data []byte) []byte {
	return regexp.MustCompile(`(?s)\nstream\n.*?\nendstream\n`).ReplaceAll(data, []byte("\nstream\n\nendstream\n"))
}

type ruling = func(kept bool, clause, format string, args ...any)

func objectFaults(rule ruling, n string, o object) {
	filters := fmt.Sprint(o.dict["/Filter"])
	rule(!regexp.MustCompile(`LZW|Crypt`).MatchString(filters), "6.1.7.2", "object %s is packed as %s", n, filters)
	for _, key := range []string{"/F", "/FFilter", "/FDecodeParms"} {
		rule(o.data == nil || o.dict[key] == nil, "6.1.7.1", "object %s has its data elsewhere", n)
	}
	for clause, keys := range map[string][]string{
		"6.2.5":  {"/TR", "/TR2", "/HTP", "/HTO"},
		"6.2.8":  {"/Alternates", "/OPI"},
		"6.2.9":  {"/PS", "/Ref"},
		"6.2.10": {"/SMask", "/Group"}, // allowed with care; here is none
		"6.3":    {"/Annots"},
		"6.5.2":  {"/AA", "/A", "/OpenAction", "/JS"},
		"6.8":    {"/EF", "/EmbeddedFiles"},
		"6.9":    {"/OCProperties", "/OC"},
		"6.10":   {"/AlternatePresentations", "/PresSteps"},
		"6.11":   {"/Requirements"},
	} {
		for _, k := range keys {
			rule(o.dict[k] == nil, clause, "object %s has %s", n, k)
		}
	}
	rule(o.dict["/Interpolate"] != true, "6.2.8.1", "object %s is interpolated", n)
	if o.dict["/Subtype"] == "/Image" {
		space := o.dict["/ColorSpace"]
		rule(o.dict["/ImageMask"] == true || space == "/DeviceRGB" || space == "/DeviceGray", "6.2.4.3", "image %s is in %v", n, space)
		rule(slices.Contains([]any{1.0, 8.0}, o.dict["/BitsPerComponent"]), "6.2.8", "image %s has %v bits", n, o.dict["/BitsPerComponent"])
	}
}

func catalogFaults(rule ruling, all map[string]object, catalog dict) {
	for _, k := range []string{"/AcroForm", "/Names", "/Perms", "/NeedsRendering"} {
		rule(catalog[k] == nil, "6.4.1, 6.1.12", "the catalog has %s", k)
	}
	name, _ := catalog["/Metadata"].(string)
	meta := all[name]
	rule(meta.dict["/Type"] == "/Metadata" && meta.dict["/Subtype"] == "/XML", "6.6.2.1", "no metadata")
	rule(meta.dict["/Filter"] == nil, "6.6.2.1", "metadata is packed")
	var packet struct {
		Part  string `xml:"RDF>Description>part"`
		Level string `xml:"RDF>Description>conformance"`
	}
	err := xml.Unmarshal(meta.data, &packet)
	rule(err == nil && packet.Part == "2" && packet.Level == "B", "6.6.4", "metadata says %+v, %v", packet, err)
	open := []byte("<?xpacket begin=\"\uFEFF\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?>")
	rule(bytes.HasPrefix(meta.data, open) && bytes.HasSuffix(meta.data, []byte(`<?xpacket end="r"?>`)), "6.6.2.1", "no packet")

	intents, _ := catalog["/OutputIntents"].([]any)
	rule(len(intents) == 1, "6.2.3", "%d output intents", len(intents))
	for _, i := range intents {
		intent, _ := i.(dict)
		rule(intent["/S"] == "/GTS_PDFA1" && intent["/OutputConditionIdentifier"] != nil, "6.2.3", "output intent %v", intent)
		name, _ := intent["/DestOutputProfile"].(string)
		profile := all[name]
		rule(profile.dict["/N"] == 3.0, "6.2.3", "profile of %v colours", profile.dict["/N"])
		icc := profile.data
		rule(len(icc) > 132 && int(binary.BigEndian.Uint32(icc)) == len(icc) && icc[8] == 2 && string(icc[12:24]) == "mntrRGB XYZ " && string(icc[36:40]) == "acsp",
			"6.2.3", "not an RGB display profile of version 2")
	}
}

// operators are those that a page here has any use for.
var operators = regexp.MustCompile(`^(q|Q|cm|Do|g|rg|BT|ET|Tr|Tf|Tm|Td|Tz|Tj)$`)

func pageFaults(rule ruling, all map[string]object, n string, page dict) {
	box, _ := page["/MediaBox"].([]any)
	for _, side := range box[2:] {
		rule(side.(float64) >= 3 && side.(float64) <= 14400, "6.1.13", "page %s measures %v", n, box)
	}
	rule(page["/Resources"] != nil, "6.2.2", "page %s has no resources of its own", n)
	content, _ := page["/Contents"].(string)
	mode, depth := "", 0
	plain := regexp.MustCompile(`<[0-9A-F]*>`).ReplaceAllFunc(all[content].data, func(s []byte) []byte {
		rule(len(s)%2 == 0, "6.1.6", "page %s has an odd string", n)
		rule(len(s)/2 <= 32767, "6.1.13", "page %s has a long string", n)
		rule(!bytes.Contains(s, []byte("<0000")), "6.2.11.8", "page %s shows a missing glyph", n)
		return []byte(" ")
	})
	fields := bytes.Fields(bytes.ReplaceAll(plain, []byte("/"), []byte(" /")))
	for i, f := range fields {
		if c := f[0]; c == '/' || c == '-' || c == '.' || c >= '0' && c <= '9' {
			continue
		}
		rule(operators.Match(f), "6.2.2", "page %s has the operator %s", n, f)
		switch string(f) {
		case "q":
			depth++
		case "Q":
			depth--
		case "Tr":
			mode = string(fields[i-1])
		case "Tj":
			rule(mode == "3", "6.2.11.4.1", "page %s shows text in mode %s", n, mode)
		}
		rule(depth >= 0 && depth <= 28, "6.1.13", "page %s nests %d states", n, depth)
	}
	rule(depth == 0, "6.2.2", "page %s leaves %d states open", n, depth)
}

func fontFaults(rule ruling, all map[string]object, n string, font dict) {
	switch font["/Subtype"] {
	case "/Type0":
		rule(font["/Encoding"] == "/Identity-H", "6.2.11.3.3", "font %s is encoded as %v", n, font["/Encoding"])
		name, _ := font["/ToUnicode"].(string)
		rule(bytes.Contains(all[name].data, []byte("begincmap")), "6.2.11.7", "font %s does not say its characters", n)
	case "/CIDFontType2":
		name, _ := font["/CIDToGIDMap"].(string)
		rule(len(all[name].data) == 1<<17, "6.2.11.3.2", "font %s has no map of glyphs", n)
		rule(!bytes.Contains(all[name].data[:min(256, len(all[name].data))], []byte{0, 0, 0, 0}), "6.2.11.8", "font %s maps to a missing glyph", n)
		name, _ = font["/FontDescriptor"].(string)
		file, _ := all[name].dict["/FontFile2"].(string)
		program := all[file]
		rule(len(program.data) > 0, "6.2.11.4.1", "font %s is not embedded", n)
		rule(program.dict["/Length1"] == float64(len(program.data)), "6.2.11.2", "font %s has another length", n)
		at := bytes.Index(program.data[:200], []byte("hmtx"))
		width := binary.BigEndian.Uint16(program.data[binary.BigEndian.Uint32(program.data[at+8:]):])
		rule(font["/DW"] == float64(width), "6.2.11.5", "font %s has other widths than its program", n)
	default:
		rule(false, "6.2.11.2", "font %s is a %v", n, font["/Subtype"])
	}
}

// everything is a page of each kind.
func everything(t testing.TB) []pdf.Page {
	t.Helper()
	flate, err := pdf.Lossless(documenttest.Gradient(60, 40))
	if err != nil {
		t.Fatal(err)
	}
	stencil, mask := blackCCITT(), blackCCITT()
	stencil.Stencil, stencil.Color = true, color.RGBA{0, 0, 128, 255}
	masked := flate
	masked.Mask = &mask
	placed := flate
	placed.Place = image.Rect(100, 50, 300, 450)
	layered := jpegPage(t, documenttest.GrayGradient(620, 877), 75)
	layered.Layers = []pdf.Image{stencil, masked, placed, blackCCITT()}
	turned := layered
	turned.Turn = 90
	turned.Words = []pdf.Word{{Text: "Bonjour", X0: 10, Y0: 10, X1: 90, Y1: 30}, {Text: "مرحبا", X0: 10, Y0: 500, X1: 40, Y1: 590, Turn: 90}}
	card := jpegPage(t, documenttest.Gradient(340, 216), 100)
	card.Words = []pdf.Word{{Text: "œuvre", X0: 0, Y0: 0, X1: 340, Y1: 216, Turn: 180}, {Text: "\x00\U0001F600\uFFFE", X0: 0, Y0: 0, X1: 1, Y1: 1, Turn: 270}}
	return []pdf.Page{jpegPage(t, documenttest.Gradient(620, 877), 75), layered, turned, card}
}

func TestFilesKeepTheRulesOfArchives(t *testing.T) {
	model.ConfigPath = "disable" // pdfcpu would write a folder into the user's
	for _, pages := range [][]pdf.Page{everything(t), everything(t)[:1]} {
		data := write(t, pages...)
		if err := pdf.Check(data); err != nil {
			t.Error(err)
		}
		for _, f := range archiveFaults(t, data) {
			t.Error(f)
		}
		path := documenttest.Save(t, "file.pdf", data)
		documenttest.Quiet(t, "qpdf", "--check", path)
		if out := documenttest.Quiet(t, "gs", "-q", "-dBATCH", "-dNOPAUSE", "-dPDFSTOPONERROR", "-sDEVICE=nullpage", path); len(out) > 0 {
			t.Errorf("gs: %s", out)
		}
		conf := model.NewDefaultConfiguration()
		conf.ValidationMode = model.ValidationStrict
		file, err := pdfcpu.Read(bytes.NewReader(data), conf)
		if err == nil {
			err = validate.XRefTable(file)
		}
		if err != nil {
			t.Errorf("pdfcpu: %v", err)
		}
	}
}

func TestTheArchiveRulesAreChecked(t *testing.T) {
	data := write(t, everything(t)...)
	for clause, change := range map[string][2]string{
		"6.1.2":      {"%\xe2\xe3", "%ab"},
		"6.1.3":      {"/ID[", "/Ix["},
		"6.2.3":      {"/S/GTS_PDFA1", "/S/GTS_PDFX1"},
		"6.2.4.3":    {"/DeviceRGB", "/DeviceXYZ"},
		"6.2.8.1":    {"/ImageMask true", "/Interpolate true"},
		"6.2.11.3.2": {"/CIDToGIDMap", "/CIDToGIDMix"},
		"6.2.11.5":   {"/DW 500", "/DW 600"},
		"6.6.2.1":    {"/Subtype/XML", "/Subtype/XMX"},
		"6.6.4":      {"<pdfaid:part>2", "<pdfaid:part>3"},
	} {
		broken := bytes.Replace(data, []byte(change[0]), []byte(change[1]), 1)
		if bytes.Equal(broken, data) {
			t.Errorf("%s: nothing was changed", clause)
		} else if faults := archiveFaults(t, broken); !slices.ContainsFunc(faults, func(f string) bool { return strings.HasPrefix(f, clause+":") }) {
			t.Errorf("%s: found %q", clause, faults)
		}
	}
}

// The profile must say what Ghostscript's sRGB profile says.
func TestTheProfileIsSRGB(t *testing.T) {
	found, err := filepath.Glob("/usr/share/color/icc/ghostscript/srgb.icc")
	if err != nil || len(found) == 0 {
		t.Fatal("ghostscript's profiles are not installed: run 'make deps' first")
	}
	all, trailer := objects(t, documenttest.Save(t, "file.pdf", write(t, jpegPage(t, documenttest.GrayGradient(8, 8), 0))))
	root, _ := trailer["/Root"].(string)
	name := all[root].dict["/OutputIntents"].([]any)[0].(dict)["/DestOutputProfile"].(string)
	ours := filepath.Join(t.TempDir(), "ours.icc")
	if err := os.WriteFile(ours, all[name].data, 0o600); err != nil {
		t.Fatal(err)
	}
	colors := filepath.Join(t.TempDir(), "colors.ppm")
	var ppm bytes.Buffer
	fmt.Fprintf(&ppm, "P6 %d 16 255\n", 16*16)
	for i := range 16 * 16 * 16 {
		ppm.Write([]byte{byte(i % 16 * 17), byte(i / 16 % 16 * 17), byte(i / 256 * 17)})
	}
	if err := os.WriteFile(colors, ppm.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	got := run(t, "convert", colors, "-profile", ours, "-profile", found[0], "-depth", "8", "ppm:-")
	n := 16 * 16 * 16 * 3
	for i := range n {
		if want, g := int(ppm.Bytes()[ppm.Len()-n+i]), int(got[len(got)-n+i]); abs(want-g) > 1 {
			t.Fatalf("sample %d: %d came out as %d", i, want, g)
		}
	}
	if out := run(t, "identify", "-verbose", "icc:"+ours); !strings.Contains(out, "sRGB") {
		t.Errorf("identify: %s", out)
	}
}
