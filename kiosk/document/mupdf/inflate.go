package mupdf

/*
#include "inflate.h"
*/
import "C"

import (
	"io"
)

// Inflater unpacks zlib data (RFC 1950) three times as fast as compress/zlib.
type Inflater struct {
	z   *C.pn_inflater
	src func() []byte
	in  []byte
	err error
}

// NewInflater unpacks what next gives, piece by piece; nil is the end. Close
// must be called.
func NewInflater(next func() []byte) *Inflater {
	return &Inflater{z: C.pn_inflater_new(), src: next}
}

// Close frees the inflater.
func (r *Inflater) Close() error {
	C.pn_inflater_free(r.z)
	r.z, r.err = nil, io.ErrClosedPipe
	return nil
}

// pieces are at most as long as zlib can count.
const mostOfPiece = 1 << 30

// Read gives io.EOF after the last byte, whose checksum was right then,
// io.ErrUnexpectedEOF when the data ends too soon, and ErrBroken.
func (r *Inflater) Read(p []byte) (int, error) {
	if r.z == nil && r.err == nil {
		r.err = ErrMemory
	}
	for r.err == nil && len(p) > 0 {
		for len(r.in) == 0 && r.src != nil {
			if r.in = r.src(); r.in == nil {
				r.src = nil
			}
		}
		// Without more to read there may be something left to give.
		n, used := C.size_t(min(len(p), mostOfPiece)), C.size_t(min(len(r.in), mostOfPiece))
		var in *C.uchar
		if used > 0 {
			in = (*C.uchar)(&r.in[0])
		}
		rc := C.pn_inflate(r.z, in, &used, (*C.uchar)(&p[0]), &n)
		r.in = r.in[used:]
		switch {
		case rc == C.PN_INFLATE_END:
			r.err = io.EOF
		case rc == C.PN_INFLATE_BROKEN:
			r.err = ErrBroken
		case n == 0 && r.src == nil && len(r.in) == 0:
			r.err = io.ErrUnexpectedEOF
		}
		if n > 0 {
			return int(n), nil
		}
	}
	return 0, r.err
}
