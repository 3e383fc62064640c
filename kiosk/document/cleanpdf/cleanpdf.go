// Package cleanpdf writes PDF files anew: pages of one or several, with what
// shows on them and nothing else, and small.
//
// The files are read with the MuPDF library, what their pages reach is copied
// by lists of what may stay, and every page is drawn beside the original
// before anybody gets it. It reads hostile bytes: use it only in the sandboxed
// child.
package cleanpdf

import "time"

// patience is how long a file may take: those of a few honest pages take
// milliseconds, and there is another way for the others.
const patience = 5 * time.Second

// Clean gives a file with the same pages and nothing else; the file itself
// when it is signed and holds nothing active. It reports false when the file
// can't be passed on: it is damaged, encrypted, has another number of pages,
// or would look different.
func Clean(data []byte, pages, maxMemory int) ([]byte, bool) {
	type result struct {
		data []byte
		err  error
	}
	done := make(chan result, 1)
	go func() { // ends with the process when it does not end by itself
		out, err := clean(data, pages, maxMemory)
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

func clean(data []byte, pages, maxMemory int) ([]byte, error) {
	o, err := Open(data, maxMemory/2)
	if err != nil {
		return nil, err
	}
	defer o.Close()
	if o.Pages() != pages || o.file.file.Repaired() {
		return nil, errDamaged
	}
	if o.Signed() && !o.Active() { // any change would break the signature
		return data, nil
	}
	parts := make([]Part, pages)
	for i := range parts {
		parts[i] = Part{Original: o, Page: i}
	}
	return Assemble(parts, Quality{}, maxMemory/2)
}
