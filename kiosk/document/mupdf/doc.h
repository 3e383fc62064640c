// What all C files share: an open document and its memory.

#ifndef POINTNUM_DOC_H
#define POINTNUM_DOC_H

#include "fitz.h"
#include "pn.h"

// A budget counts what MuPDF holds; each block carries its size before it.
typedef struct { size_t used, max; } budget;

struct pn_doc {
	budget memory;
	int warnings;
	fz_context *ctx;
	fz_stream *stream;
	fz_document *doc;
	pdf_document *pdf;
	fz_buffer *out; // what the last call gave
	int local;      // appearances made by the library can be seen
};

// pn_caught says what the exception that was caught means.
int pn_caught(fz_context *ctx);
// pn_fill tells of a picture's samples; it may throw.
void pn_fill(fz_context *ctx, pn_picture *p, fz_pixmap *pix);
// pn_plain says whether samples of a colour space are what screens show, or a
// little stronger colours of the same hues, as cameras and libraries store them:
// converting them takes more time and memory than all else that is done to a
// scan, and what comes as a JPEG file is not converted either.
int pn_plain(fz_context *ctx, fz_colorspace *cs);

#endif
