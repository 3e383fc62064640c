// What pn.c and look.c share: an open document and its memory.

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
};

// pn_caught says what the exception that was caught means.
int pn_caught(fz_context *ctx);

#endif
