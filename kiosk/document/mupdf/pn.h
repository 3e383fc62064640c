// A narrow face of MuPDF: no call throws, none aborts the process, and memory
// is bounded.

#ifndef POINTNUM_PN_H
#define POINTNUM_PN_H

#include <stddef.h>

enum { PN_OK, PN_BROKEN, PN_MEMORY, PN_PASSWORD, PN_VERSION };

typedef struct pn_doc pn_doc;

// pn_open reads a PDF that stays the caller's until pn_close.
int pn_open(pn_doc **out, const unsigned char *data, size_t len, size_t max_memory);
void pn_close(pn_doc *d);
int pn_repaired(pn_doc *d);
int pn_count(pn_doc *d, int *pages);
// pn_bounds gives a page's size in points, turned as it is shown.
int pn_bounds(pn_doc *d, int page, float *x0, float *y0, float *x1, float *y1);
// pn_render draws a page with its annotations and form fields on w x h RGBA
// samples, from (x0, y0) in points on. errors counts what it could not draw.
int pn_render(pn_doc *d, int page, float x0, float y0, float sx, float sy, int w, int h, unsigned char *rgba, int *errors);

// pn_picture is an image decoded to RGB or RGBA samples.
typedef struct {
	int w, h, stride, components;
	unsigned char *samples;
	void *ctx, *pix, *memory;
} pn_picture;

// pn_jpeg decodes a JPEG, filling what is missing of a damaged one, at no more
// than about want_w x want_h where that is cheaper.
int pn_jpeg(pn_picture *p, const unsigned char *data, size_t len, int want_w, int want_h, int *warnings, size_t max_memory);
int pn_tiff(pn_picture *p, const unsigned char *data, size_t len, int page, size_t max_memory);
void pn_free(pn_picture *p);

#endif
