package pdf

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"regexp"
	"strconv"
)

// Check says what is wrong with a file that this package wrote: whether it was
// cut or changed, or has no page. It compares the content with the digest in
// the file's identifier and follows the cross reference table to every object
// and every stream to its end; it decodes nothing. A file of another program
// may be sound and fail.
func Check(data []byte) error {
	if err := check(data); err != nil {
		return fmt.Errorf("pdf: check: %w", err)
	}
	return nil
}

var (
	objectHead   = regexp.MustCompile(`^(\d+) 0 obj\n<<`)
	streamLength = regexp.MustCompile(`/Length (\d+)>>\nstream\n`)
	trailer      = regexp.MustCompile(`^trailer\n<</Size (\d+)/Root 1 0 R/ID\[<([0-9a-f]{32})><([0-9a-f]{32})>\]>>\nstartxref\n\d+\n%%EOF\n$`)
	archived     = regexp.MustCompile(`^1 0 obj\n<</Type/Catalog/Pages 2 0 R/Metadata 3 0 R/OutputIntents\[`)
	pageCount    = regexp.MustCompile(`^2 0 obj\n<</Type/Pages/Count ([1-9]\d*)/Kids\[`)
)

// entry is the length of a line of the cross reference table (ISO 32000-1,
// 7.5.4).
const entry = 20

func check(data []byte) error {
	if !bytes.HasPrefix(data, []byte("%PDF-1.7\n")) {
		return errors.New("no header")
	}
	if !bytes.HasSuffix(data, []byte("\n%%EOF\n")) {
		return errors.New("cut short")
	}
	tail := data[max(0, len(data)-40):]
	i := bytes.LastIndex(tail, []byte("startxref\n"))
	if i < 0 {
		return errors.New("no startxref")
	}
	start, err := strconv.Atoi(string(bytes.TrimSuffix(tail[i+len("startxref\n"):], []byte("\n%%EOF\n"))))
	if err != nil || start <= 0 || start >= len(data) {
		return errors.New("startxref leads nowhere")
	}
	table, body := data[start:], data[:start]
	var n int
	if _, err := fmt.Sscanf(string(table[:min(len(table), 20)]), "xref\n0 %d\n", &n); err != nil || n < 3 || n > len(data)/entry {
		return errors.New("no cross reference table")
	}
	head := fmt.Sprintf("xref\n0 %d\n", n)
	if !bytes.HasPrefix(table, []byte(head)) {
		return errors.New("no cross reference table")
	}
	table = table[len(head):]
	if len(table) < n*entry || !bytes.HasPrefix(table, []byte("0000000000 65535 f \n")) {
		return errors.New("cross reference table is cut")
	}
	end := trailer.FindSubmatch(table[n*entry:])
	if end == nil || string(end[1]) != strconv.Itoa(n) {
		return errors.New("no trailer")
	}
	digest := sha256.Sum256(body)
	if id := fmt.Sprintf("%x", digest[:16]); id != string(end[2]) || id != string(end[3]) {
		return errors.New("content is not what was written")
	}
	return checkObjects(body, table, n)
}

func checkObjects(body, table []byte, n int) error {
	for k := 1; k < n; k++ {
		at, err := strconv.Atoi(string(table[k*entry : k*entry+10]))
		if err != nil || at <= 0 || at >= len(body) || string(table[k*entry+10:(k+1)*entry]) != " 00000 n \n" {
			return fmt.Errorf("object %d is not in the file", k)
		}
		if err := checkObject(body[at:], k); err != nil {
			return fmt.Errorf("object %d: %w", k, err)
		}
	}
	return nil
}

func checkObject(b []byte, k int) error {
	head := objectHead.FindSubmatch(b[:min(len(b), 32)])
	if head == nil || string(head[1]) != strconv.Itoa(k) {
		return errors.New("another one lies in its place")
	}
	if k == catalog && !archived.Match(b[:min(len(b), 80)]) {
		return errors.New("no archive")
	}
	if k == pageTree && !pageCount.Match(b[:min(len(b), 80)]) {
		return errors.New("no pages")
	}
	end := bytes.Index(b, []byte("\nendobj\n"))
	stream := streamLength.FindSubmatchIndex(b[:min(len(b), 400)])
	if stream != nil && (end < 0 || stream[0] < end) {
		n, err := strconv.Atoi(string(b[stream[2]:stream[3]]))
		if err != nil || n > len(b)-stream[1] {
			return errors.New("stream is cut")
		}
		if !bytes.HasPrefix(b[stream[1]+n:], []byte("\nendstream\nendobj\n")) {
			return errors.New("stream does not end where it should")
		}
		return nil
	}
	if end < 0 {
		return errors.New("no end")
	}
	return nil
}
