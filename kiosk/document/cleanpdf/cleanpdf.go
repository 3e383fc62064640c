// Package cleanpdf takes out of a PDF file what is not its pages: scripts,
// actions, attachments, links, metadata, earlier versions.
//
// Pages keep their text, fonts and pictures byte for byte. The file is read
// with pdfcpu, what its pages reach is copied by lists of what may stay, and
// the result is drawn beside the original before anybody gets it: a page that
// looks different is an error. It reads hostile bytes: use it only in the
// sandboxed child.
package cleanpdf

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu"
	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu/model"
	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu/types"
)

// patience is how long a file may take: those of a few honest pages take
// milliseconds, and there is another way for the others.
const patience = 5 * time.Second

// Clean gives a file with the same pages and nothing else; the file itself
// when that is all it holds, or when it is signed and holds nothing active. It
// reports false when the file can't be passed on: it is damaged, encrypted,
// has another number of pages, or would look different.
func Clean(data []byte, pages, maxMemory int) ([]byte, bool) {
	type result struct {
		data []byte
		err  error
	}
	done := make(chan result, 1)
	go func() { // ends with the process when it does not end by itself
		out, err := clean(data)
		if err == nil {
			err = compare(data, out, pages, maxMemory)
		}
		done <- result{out, err}
	}()
	t := time.NewTimer(patience)
	defer t.Stop()
	select {
	case r := <-done:
		return r.data, r.err == nil
	case <-t.C:
		return nil, false
	}
}

var (
	errEncrypted = errors.New("cleanpdf: encrypted")
	errShape     = errors.New("cleanpdf: not the shape of a document")
	errBomb      = errors.New("cleanpdf: unpacks to too much")
	errExternal  = errors.New("cleanpdf: refers to another file")
)

func clean(data []byte) (out []byte, err error) {
	defer func() {
		if p := recover(); p != nil { // the reader's, on hostile files
			err = fmt.Errorf("cleanpdf: %v", p)
		}
	}()
	model.ConfigPath = "disable" // else it writes one to the home folder
	conf := model.NewDefaultConfiguration()
	conf.Offline = true
	conf.Limits.MaxDecodeBytes = mostDecoded
	ctx, err := pdfcpu.Read(bytes.NewReader(data), conf)
	if err != nil {
		return nil, fmt.Errorf("cleanpdf: read: %w", err)
	}
	f := look(ctx.XRefTable)
	if f.bomb {
		return nil, errBomb
	}
	if f.signed && !f.active { // any change would break the signature
		return data, nil
	}
	if ctx.Encrypt != nil {
		return nil, errEncrypted
	}
	c := &copier{table: ctx.XRefTable, numbers: map[int]int{}}
	root, err := c.catalog()
	if err != nil {
		return nil, err
	}
	out, err = write(c, root)
	if err != nil {
		return nil, err
	}
	// An earlier version of a page may hide before the last end, and
	// something else in objects that nothing refers to.
	one := bytes.Count(data, []byte("%%EOF")) == 1 && !bytes.Contains(data, []byte("/Info"))
	if one && f.objects == len(c.queue)+1 && !f.active && !f.metadata && !c.dropped {
		return data, nil
	}
	return out, nil
}

const (
	// mostDecoded is how large a stream may become that is not a picture.
	mostDecoded = 64 << 20
	// mostPixels are as many as a picture may have.
	mostPixels = 120_000_000
)

// finding is what a file holds besides pages.
type finding struct {
	active, metadata, signed, bomb bool
	objects                        int // those that only hold others left out
}

// look walks all objects of a file, those nothing refers to as well.
func look(t *model.XRefTable) finding {
	var f finding
	for n, e := range t.Table {
		if e == nil || e.Free {
			continue
		}
		if o, err := t.Dereference(*types.NewIndirectRef(n, 0)); err == nil {
			f.walk(o, 0)
			if !container(o) {
				f.objects++
			}
			if s, ok := o.(types.StreamDict); ok {
				f.bomb = f.bomb || bomb(s)
			}
		}
	}
	return f
}

// container says whether an object is part of the file's structure: an object
// stream or a cross reference stream.
func container(o types.Object) bool {
	switch o.(type) {
	case types.ObjectStreamDict, *types.ObjectStreamDict, types.XRefStreamDict, *types.XRefStreamDict:
		return true
	}
	return false
}

// bomb says whether a stream unpacks to more than a document needs, or can't
// be unpacked: programs that receive the file would stumble over it.
func bomb(s types.StreamDict) bool {
	if s.Dict["Subtype"] == types.Name("Image") {
		w, h := s.Dict.IntEntry("Width"), s.Dict.IntEntry("Height")
		return w != nil && h != nil && (*w < 0 || *h < 0 || *w > mostPixels || *h > mostPixels || *w**h > mostPixels)
	}
	for _, p := range s.FilterPipeline {
		switch p.Name {
		case "Crypt":
			return false
		case "DCTDecode", "JPXDecode", "JBIG2Decode", "CCITTFaxDecode": // what is no picture
			return true
		}
	}
	if len(s.FilterPipeline) > 2 {
		return true
	}
	s.Content = nil
	return s.DecodeWithLimit(mostDecoded) != nil
}

const deepest = 100 // nesting of direct objects

func (f *finding) walk(o types.Object, depth int) {
	if depth > deepest {
		f.active = true
		return
	}
	switch o := o.(type) {
	case types.Array:
		for _, v := range o {
			f.walk(v, depth+1)
		}
	case types.StreamDict:
		f.walk(o.Dict, depth)
	case types.Dict:
		f.dict(o, depth)
	}
}

func (f *finding) dict(d types.Dict, depth int) {
	for key, v := range d {
		switch key {
		case "JS", "JavaScript", "AA", "OpenAction", "EmbeddedFiles", "EF", "AF", "XFA", "RichMediaContent", "Collection":
			f.active = true
		case "Metadata", "PieceInfo":
			f.metadata = true
		case "ByteRange":
			f.signed = true
		case "S":
			// Going to a page and opening a link after a touch is all that
			// an action may do in a file that is passed on as it is.
			if n, ok := v.(types.Name); ok && hostileAction(string(n)) {
				f.active = true
			}
		case "Subtype":
			if n, ok := v.(types.Name); ok && hostileAnnotation(string(n)) {
				f.active = true
			}
		}
		f.walk(v, depth+1)
	}
}

func hostileAction(s string) bool {
	switch s {
	case "JavaScript", "Launch", "SubmitForm", "ImportData", "GoToR", "GoToE", "Rendition", "Movie", "Sound", "RichMediaExecute",
		"Thread", "Hide", "SetOCGState", "Trans", "GoTo3DView", "ResetForm":
		return true
	}
	return false
}

func hostileAnnotation(s string) bool {
	switch s {
	case "RichMedia", "Movie", "Screen", "Sound", "FileAttachment", "3D":
		return true
	}
	return false
}
