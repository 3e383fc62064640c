package tool_test

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"pointnum/kiosk"
	"pointnum/kiosk/document/documenttest"
	"pointnum/kiosk/document/tool"
)

// agentMark makes this program an agent that is killed while it works.
const agentMark = "POINTNUM_TEST_AGENT"

func TestMain(m *testing.M) {
	if tool.IsChild() {
		tool.RunChild()
	}
	if os.Getenv(agentMark) != "" {
		agent()
	}
	os.Exit(m.Run())
}

// newTools makes Tools and wants nothing to be left of them when the test
// ends: no process, file, mount or goroutine.
func newTools(t testing.TB, o tool.Options) *tool.Tools {
	t.Helper()
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	mounts, goroutines := read(t, "/proc/self/mounts"), runtime.NumGoroutine()
	x, err := tool.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if left := descendants(os.Getpid()); len(left) > 0 {
			t.Errorf("processes %v are left", left)
		}
		if entries, err := os.ReadDir(temp); err != nil || len(entries) > 0 {
			t.Errorf("files are left: %v %v", entries, err)
		}
		if !bytes.Equal(read(t, "/proc/self/mounts"), mounts) {
			t.Error("mounts are left")
		}
		eventually(t, "goroutines to end", func() bool { return runtime.NumGoroutine() <= goroutines })
	})
	return x
}

func read(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// descendants lists the processes that a process started, and theirs.
func descendants(pid int) []int {
	files, _ := filepath.Glob("/proc/" + strconv.Itoa(pid) + "/task/*/children")
	var all []int
	for _, f := range files {
		b, _ := os.ReadFile(f) // the thread may be gone
		for _, field := range strings.Fields(string(b)) {
			if child, err := strconv.Atoi(field); err == nil {
				all = append(append(all, child), descendants(child)...)
			}
		}
	}
	return all
}

func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// needOffice fails the test where LibreOffice is missing.
func needOffice(t testing.TB, x *tool.Tools) {
	t.Helper()
	if office, _ := x.Available(); !office {
		t.Fatal("LibreOffice is not installed: apt-get install libreoffice-writer-nogui libreoffice-calc-nogui libreoffice-impress-nogui")
	}
}

func wantCode(t testing.TB, err error, want kiosk.Code) {
	t.Helper()
	if kiosk.CodeOf(err) != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// poppler runs one of poppler's programs on a PDF.
func poppler(t testing.TB, pdf []byte, name string, args ...string) []byte {
	t.Helper()
	f := documenttest.Save(t, "a.pdf", pdf)
	for i := range args {
		args[i] = strings.ReplaceAll(args[i], "FILE", f)
	}
	return documenttest.Run(t, name, args...)
}

func text(t testing.TB, pdf []byte) string {
	t.Helper()
	return string(poppler(t, pdf, "pdftotext", "-layout", "FILE", "-"))
}

// rtf is a document with a line for each of the words.
func rtf(lines ...string) string {
	return `{\rtf1\ansi\paperw11906\paperh16838\f0\fs40 ` + strings.Join(lines, `\par `) + `\par}`
}

// long is a document that takes minutes.
func long() io.Reader {
	return strings.NewReader(rtf(strings.Repeat(`A line of words that goes on and on for the page.\par `, 200_000)))
}

// packed makes a zip file of names and contents, in their order.
func packed(t testing.TB, parts ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i := 0; i < len(parts); i += 2 {
		method := zip.Deflate
		if parts[i] == "mimetype" {
			method = zip.Store
		}
		w, err := z.CreateHeader(&zip.FileHeader{Name: parts[i], Method: method})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, parts[i+1]); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

const xmlHead = `<?xml version="1.0" encoding="UTF-8"?>`

// odf makes an OpenDocument file: kind is text, spreadsheet or presentation;
// more are names and contents of further XML parts.
func odf(t testing.TB, kind, body string, more ...string) []byte {
	t.Helper()
	media := "application/vnd.oasis.opendocument." + kind
	const urn = "urn:oasis:names:tc:opendocument:xmlns:"
	content := fmt.Sprintf(`%[1]s<office:document-content office:version="1.2" xmlns:office="%[2]soffice:1.0" xmlns:text="%[2]stext:1.0" `+
		`xmlns:table="%[2]stable:1.0" xmlns:draw="%[2]sdrawing:1.0" xmlns:svg="%[2]ssvg-compatible:1.0" xmlns:script="%[2]sscript:1.0" `+
		`xmlns:presentation="%[2]spresentation:1.0" xmlns:of="%[2]sof:1.2" `+
		`xmlns:xlink="http://www.w3.org/1999/xlink"><office:body><office:%[3]s>%[4]s</office:%[3]s></office:body></office:document-content>`, xmlHead, urn, kind, body)
	var entries strings.Builder
	for i := 0; i < len(more); i += 2 {
		fmt.Fprintf(&entries, `<manifest:file-entry manifest:full-path="%s" manifest:media-type="text/xml"/>`, more[i])
	}
	manifest := fmt.Sprintf(`%s<manifest:manifest xmlns:manifest="%smanifest:1.0" manifest:version="1.2"><manifest:file-entry manifest:full-path="/" manifest:media-type="%s"/>`+
		`<manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml"/>%s</manifest:manifest>`, xmlHead, urn, media, &entries)
	return packed(t, append([]string{"mimetype", media, "content.xml", content, "META-INF/manifest.xml", manifest}, more...)...)
}

// ooxml makes a file of Microsoft's newer formats with one main part.
func ooxml(t testing.TB, name, contentType, content string, more ...string) []byte {
	t.Helper()
	parts := []string{
		"[Content_Types].xml", fmt.Sprintf(`%s<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" `+
			`ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/>`+
			`<Override PartName="/%s" ContentType="application/vnd.openxmlformats-officedocument.%s.main+xml"/></Types>`, xmlHead, name, contentType),
		"_rels/.rels", relations("officeDocument", name),
		name, xmlHead + content,
	}
	return packed(t, append(parts, more...)...)
}

func relations(kind, target string) string {
	return fmt.Sprintf(`%s<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" `+
		`Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/%s" Target="%s"/></Relationships>`, xmlHead, kind, target)
}

func docx(t testing.TB, body string, more ...string) []byte {
	t.Helper()
	return ooxml(t, "word/document.xml", "wordprocessingml.document", `<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" `+
		`xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships" xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing" `+
		`xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" xmlns:pic="http://schemas.openxmlformats.org/drawingml/2006/picture"><w:body>`+body+`</w:body></w:document>`, more...)
}

func xlsx(t testing.TB, rows string) []byte {
	t.Helper()
	return ooxml(t, "xl/workbook.xml", "spreadsheetml.sheet", `<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" `+
		`xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="A" sheetId="1" r:id="rId1"/></sheets></workbook>`,
		"xl/_rels/workbook.xml.rels", relations("worksheet", "worksheets/sheet1.xml"),
		"xl/worksheets/sheet1.xml", xmlHead+`<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>`+rows+`</sheetData></worksheet>`)
}

const cell = `<row r="1"><c r="A1" t="inlineStr"><is><t>Tableau</t></is></c></row>`
