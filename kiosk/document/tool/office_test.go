package tool_test

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"pointnum/kiosk"
	"pointnum/kiosk/document/sandbox"
	"pointnum/kiosk/document/tool"
)

const (
	odtBody = `<text:p>Texte libre</text:p>`
	odsBody = `<table:table table:name="A"><table:table-row><table:table-cell><text:p>Tableau</text:p></table:table-cell></table:table-row></table:table>`
	odpBody = `<draw:page draw:name="1"><draw:frame svg:x="2cm" svg:y="2cm" svg:width="10cm" svg:height="3cm"><draw:text-box><text:p>Exposé</text:p></draw:text-box></draw:frame></draw:page>`
)

func TestAnOfficeFileBecomesAPDF(t *testing.T) {
	x := newTools(t, tool.Options{})
	needOffice(t, x)
	for _, c := range []struct {
		kind       tool.OfficeKind
		data       []byte
		want, size string
	}{
		{tool.RTF, []byte(rtf("Lettre de motivation")), "Lettre de motivation", "(A4)"},
		{tool.DOCX, docx(t, `<w:p><w:r><w:t>Lettre</w:t></w:r></w:p><w:sectPr><w:pgSz w:w="12240" w:h="15840"/></w:sectPr>`), "Lettre", "(letter)"},
		{tool.ODT, odf(t, "text", odtBody), "Texte libre", "(A4)"},
		{tool.XLSX, xlsx(t, cell), "Tableau", "(A4)"},
		{tool.ODS, odf(t, "spreadsheet", odsBody), "Tableau", "(A4)"},
		{tool.ODP, odf(t, "presentation", odpBody), "Exposé", "Pages:           1"},
		{tool.DOC, older(t, tool.DOC), "Texte libre", "(A4)"},
		{tool.XLS, older(t, tool.XLS), "Tableau", "(A4)"},
		{tool.PPT, older(t, tool.PPT), "Exposé", "Pages:           1"},
		{tool.PPTX, older(t, tool.PPTX), "Exposé", "Pages:           1"},
	} {
		t.Run(string(c.kind), func(t *testing.T) {
			pdf, err := x.PDF(t.Context(), bytes.NewReader(c.data), c.kind)
			if err != nil {
				t.Fatal(err)
			}
			if got := text(t, pdf); !strings.Contains(got, c.want) {
				t.Errorf("%q is not in %q", c.want, got)
			}
			if got := string(poppler(t, pdf, "pdfinfo", "FILE")); !strings.Contains(got, c.size) {
				t.Errorf("%q is not in %s", c.size, got)
			}
		})
	}
	for _, want := range []string{sandbox.Namespaces, sandbox.OwnRoot, sandbox.NoRights, sandbox.NoNewPrivs, sandbox.RLimits, sandbox.Seccomp} {
		if !slices.Contains(x.Sandbox(), want) {
			t.Errorf("%q is not among the locks %s", want, x.Sandbox())
		}
	}
	if peak := x.PeakMemory(); peak < 50<<20 || peak > 600<<20 {
		t.Errorf("a run held %d MB", peak>>20)
	}
}

// older reads a test file that LibreOffice made of the OpenDocument file of
// the same content: these formats are too much work to write by hand.
func older(t *testing.T, kind tool.OfficeKind) []byte {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(read(t, "testdata/old."+string(kind)+".gz")))
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// What documents point to stays where it is: files of the machine, addresses
// of its network.
func TestNothingOutsideTheFileIsFetched(t *testing.T) {
	x := newTools(t, tool.Options{})
	needOffice(t, x)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	asked := make(chan struct{})
	go func() {
		defer close(asked)
		if c, err := l.Accept(); err == nil {
			t.Error("somebody asked the network")
			c.Close()
		}
	}()
	secret := filepath.Join(t.TempDir(), "secret.txt")
	if err := os.WriteFile(secret, []byte("geheim,1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	picture := filepath.Join(t.TempDir(), "secret.png")
	if err := os.WriteFile(picture, onePixel, 0o644); err != nil {
		t.Fatal(err)
	}
	for name, c := range outside(t, secret, picture, "http://"+l.Addr().String()) {
		pdf, err := x.PDF(t.Context(), bytes.NewReader(c), tool.OfficeKind(name))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := text(t, pdf); !strings.Contains(got, "sichtbar") || strings.Contains(got, "geheim") {
			t.Errorf("%s shows %q", name, got)
		}
		if got := poppler(t, pdf, "pdfimages", "-list", "FILE"); bytes.Count(got, []byte("\n")) > 2 {
			t.Errorf("%s shows a picture:\n%s", name, got)
		}
	}
	l.Close()
	<-asked
}

// outside makes documents that want to show files and answers from elsewhere.
func outside(t *testing.T, file, picture, server string) map[string][]byte {
	t.Helper()
	var text, cells, runs, links strings.Builder
	for i, base := range []string{"file://", server} {
		fmt.Fprintf(&text, `<text:section text:name="s%d"><text:section-source xlink:type="simple" xlink:href="%s" text:filter-name="Text"/><text:p>alt</text:p></text:section>`+
			`<text:p><draw:frame svg:width="5cm" svg:height="5cm"><draw:image xlink:type="simple" xlink:href="%s"/></draw:frame></text:p>`, i, base+file, base+picture)
		fmt.Fprintf(&cells, `<table:table-cell table:formula="of:='%[1]s'#$secret.A1"/><table:table-cell table:formula="of:=WEBSERVICE(&quot;%[1]s&quot;)"/>`, base+file)
		fmt.Fprintf(&runs, `<w:r><w:drawing><wp:inline><wp:extent cx="990600" cy="990600"/><wp:docPr id="%[1]d" name="p"/>`+
			`<a:graphic><a:graphicData uri="http://schemas.openxmlformats.org/drawingml/2006/picture"><pic:pic><pic:nvPicPr><pic:cNvPr id="1" name="1"/><pic:cNvPicPr/></pic:nvPicPr>`+
			`<pic:blipFill><a:blip r:link="rId%[1]d"/><a:stretch><a:fillRect/></a:stretch></pic:blipFill><pic:spPr><a:xfrm><a:off x="0" y="0"/><a:ext cx="990600" cy="990600"/></a:xfrm>`+
			`<a:prstGeom prst="rect"/></pic:spPr></pic:pic></a:graphicData></a:graphic></wp:inline></w:drawing></w:r>`, i+1)
		fmt.Fprintf(&links, `<Relationship Id="rId%d" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/image" Target="%s" TargetMode="External"/>`, i+1, base+picture)
	}
	return map[string][]byte{
		"odt": odf(t, "text", `<text:p>sichtbar</text:p>`+text.String()),
		"ods": odf(t, "spreadsheet", `<table:table table:name="A"><table:table-row>`+cells.String()+`<table:table-cell><text:p>sichtbar</text:p></table:table-cell></table:table-row></table:table>`),
		"docx": docx(t, `<w:p><w:r><w:t>sichtbar</w:t></w:r></w:p><w:p>`+runs.String()+`</w:p>`,
			"word/_rels/document.xml.rels", xmlHead+`<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">`+links.String()+`</Relationships>`),
	}
}

// A macro that a cell asks for the value of would run without anybody asking.
func TestAMacroDoesNotRun(t *testing.T) {
	x := newTools(t, tool.Options{})
	needOffice(t, x)
	const libraries = `xmlns:library="http://openoffice.org/2000/library" xmlns:xlink="http://www.w3.org/1999/xlink"`
	doc := odf(t, "spreadsheet", `<table:table table:name="A"><table:table-row><table:table-cell><text:p>sichtbar</text:p></table:table-cell>`+
		`<table:table-cell table:formula="of:=GEHEIM()"/></table:table-row></table:table>`,
		"Basic/script-lc.xml", xmlHead+`<library:libraries `+libraries+`><library:library library:name="Standard" library:link="false"/></library:libraries>`,
		"Basic/Standard/script-lb.xml", xmlHead+`<library:library `+libraries+` library:name="Standard" library:readonly="false" library:passwordprotected="false">`+
			`<library:element library:name="M"/></library:library>`,
		"Basic/Standard/M.xml", xmlHead+`<script:module xmlns:script="http://openoffice.org/2000/script" script:name="M" script:language="StarBasic">`+
			"Function Geheim()\nGeheim = \"geh\" &amp; \"eim\"\nEnd Function</script:module>")
	pdf, err := x.PDF(t.Context(), bytes.NewReader(doc), tool.ODS)
	if err != nil {
		t.Fatal(err)
	}
	if got := text(t, pdf); !strings.Contains(got, "sichtbar") || strings.Contains(got, "geheim") {
		t.Errorf("got %q", got)
	}
}

func TestWhatIsNoOfficeFileIsRefused(t *testing.T) {
	x := newTools(t, tool.Options{Time: 15 * time.Second})
	needOffice(t, x)
	whole := docx(t, `<w:p/>`)
	var bomb bytes.Buffer // by what its directory says
	z := zip.NewWriter(&bomb)
	if _, err := z.CreateRaw(&zip.FileHeader{Name: "word/document.xml", Method: zip.Deflate, UncompressedSize64: 300 << 20}); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	cfb := make([]byte, 4096)
	copy(cfb, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
	locked := bytes.Clone(cfb)
	copy(locked[1024+128:], "E\x00n\x00c\x00r\x00y\x00p\x00t\x00e\x00d\x00P\x00a\x00c\x00k\x00a\x00g\x00e\x00")
	word := bytes.Clone(cfb)
	copy(word[512:], "\xec\xa5\xc1\x00\x00\x00\x00\x00\x00\x00\x00\x01")
	for _, c := range []struct {
		name string
		kind tool.OfficeKind
		data []byte
		want kiosk.Code
	}{
		{"nothing", tool.DOCX, nil, kiosk.CodeFileEmpty},
		{"plain text", tool.DOCX, []byte("hello"), kiosk.CodeFileBroken},
		{"plain text called RTF", tool.RTF, []byte("hello"), kiosk.CodeFileBroken},
		{"cut short", tool.DOCX, whole[:len(whole)/2], kiosk.CodeFileBroken},
		{"a sheet called a letter", tool.DOCX, xlsx(t, cell), kiosk.CodeFileBroken},
		{"an empty container", tool.DOC, cfb, kiosk.CodeFileBroken},
		{"a bomb", tool.DOCX, bomb.Bytes(), kiosk.CodeFileTooBig},
		{"a password, Microsoft", tool.DOCX, locked, kiosk.CodeFilePassword},
		{"a password, Word 97", tool.DOC, word, kiosk.CodeFilePassword},
		{"a password, OpenDocument", tool.ODT, packed(t, "mimetype", "application/vnd.oasis.opendocument.text", "content.xml", "x",
			"META-INF/manifest.xml", `<manifest:encryption-data/>`), kiosk.CodeFilePassword},
		{"an unknown kind", "pages", whole, kiosk.CodeFileUnsupported},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := x.PDF(t.Context(), bytes.NewReader(c.data), c.kind)
			wantCode(t, err, c.want)
		})
	}
}

func TestLimitsEndARun(t *testing.T) {
	needOffice(t, newTools(t, tool.Options{}))
	t.Run("time", func(t *testing.T) {
		x := newTools(t, tool.Options{Time: 1500 * time.Millisecond})
		start := time.Now()
		_, err := x.PDF(t.Context(), long(), tool.RTF)
		wantCode(t, err, kiosk.CodeFileTooSlow)
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("took %v", took)
		}
	})
	t.Run("memory", func(t *testing.T) {
		x := newTools(t, tool.Options{MaxMemory: 160 << 20})
		_, err := x.PDF(t.Context(), long(), tool.RTF)
		wantCode(t, err, kiosk.CodeFileTooBig)
	})
	t.Run("input", func(t *testing.T) {
		x := newTools(t, tool.Options{MaxInput: 1000})
		_, err := x.PDF(t.Context(), long(), tool.RTF)
		wantCode(t, err, kiosk.CodeFileTooBig)
	})
	t.Run("output", func(t *testing.T) {
		x := newTools(t, tool.Options{MaxOutput: 1000})
		_, err := x.PDF(t.Context(), strings.NewReader(rtf("a")), tool.RTF)
		wantCode(t, err, kiosk.CodeFileTooBig)
	})
	t.Run("reader", func(t *testing.T) {
		x := newTools(t, tool.Options{})
		broken := errors.New("the key was pulled")
		if _, err := x.PDF(t.Context(), iotest.ErrReader(broken), tool.RTF); !errors.Is(err, broken) {
			t.Errorf("got %v", err)
		}
	})
}

func TestWithoutProgramsNothingIsAvailable(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	x := newTools(t, tool.Options{})
	if office, words := x.Available(); office || words {
		t.Errorf("got %v, %v", office, words)
	}
	_, err := x.PDF(t.Context(), strings.NewReader("x"), tool.DOCX)
	wantCode(t, err, kiosk.CodeFileUnsupported)
	wantCode(t, x.Prepare(t.Context()), kiosk.CodeFileUnsupported)
	_, err = x.Words(t.Context(), []byte("x"), 300, []string{"fr"})
	wantCode(t, err, kiosk.CodeFileUnsupported)
}

func TestPrepareShowsThatLibreOfficeWorks(t *testing.T) {
	x := newTools(t, tool.Options{})
	needOffice(t, x)
	if err := x.Prepare(t.Context()); err != nil {
		t.Error(err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	wantCode(t, x.Prepare(gone), kiosk.CodeCanceled)
}

func TestKindsAreFoundByMediaType(t *testing.T) {
	for media, want := range map[string]tool.OfficeKind{
		"application/msword": tool.DOC, "text/rtf; charset=utf-8": tool.RTF, "application/vnd.oasis.opendocument.text": tool.ODT,
		"application/pdf": "", "": "",
	} {
		if got, ok := tool.KindOf(media); got != want || ok != (want != "") {
			t.Errorf("%q is %q, %v", media, got, ok)
		}
	}
}

var onePixel = []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\b\x00\x00\x00\x00:~\x9bU\x00\x00\x00\nIDATx\x9cc`\x00\x00\x00\x02\x00\x01H\xaf\xa4q\x00\x00\x00\x00IEND\xaeB`\x82")
