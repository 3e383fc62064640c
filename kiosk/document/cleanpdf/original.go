package cleanpdf

import (
	"errors"

	"pointnum/kiosk"
	"pointnum/kiosk/document/mupdf"
)

// Original is a PDF somebody brought, open to take pages from. It is not safe
// for concurrent use.
type Original struct {
	file     *source
	pages    int
	size     int  // bytes
	looked   bool // signed and active are known
	signed   bool
	active   bool
	sketches map[int]*sketch
}

// mostObjects is how many objects a file may have: a page of a form has a few
// hundred, and a hostile one says as many as it likes.
const mostObjects = 1 << 20

// Open reads a PDF's structure. data must not change before Close; the library
// that reads it takes at most maxMemory bytes of its own, as long as the file
// is open. It fails with CodeFileBroken, CodeFilePassword or CodeFileTooBig.
func Open(data []byte, maxMemory int) (*Original, error) {
	const op = "cleanpdf: open"
	file, err := mupdf.OpenFile(data, maxMemory)
	if err != nil {
		return nil, fault(op, err)
	}
	o := &Original{file: &source{file: file}, size: len(data)}
	n, err := file.Objects()
	if err == nil && n > mostObjects {
		err = mupdf.ErrMemory
	}
	if err == nil {
		o.pages, err = file.Pages()
	}
	if err == nil && o.pages <= 0 {
		err = mupdf.ErrBroken
	}
	if err != nil {
		file.Close()
		return nil, fault(op, err)
	}
	return o, nil
}

// Close frees the file.
func (o *Original) Close() { o.file.file.Close() }

// Pages counts the pages as the file says: hostile ones say millions, and the
// caller's limit comes first.
func (o *Original) Pages() int { return o.pages }

// fault gives an error the code that the visitor is told.
func fault(op string, err error) error {
	var coded *kiosk.Error
	if errors.As(err, &coded) {
		return err
	}
	code := kiosk.CodeFileBroken
	switch {
	case errors.Is(err, mupdf.ErrMemory), errors.Is(err, errBomb):
		code = kiosk.CodeFileTooBig
	case errors.Is(err, mupdf.ErrPassword):
		code = kiosk.CodeFilePassword
	}
	return &kiosk.Error{Code: code, Op: op, Err: err}
}
