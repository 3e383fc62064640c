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

// pn_encrypted says whether the file is, with a password that is not needed to
// open it.
int pn_encrypted(pn_doc *d);

// pn_content is what a page shows.
typedef struct {
	int glyphs;       // that can be seen, spaces left out
	int hidden;       // that can't: the text layer of a scan
	int segments;     // of paths that can be seen
	int shades;       // colour gradients
	int images;       // pictures
	int stencils;     // pictures of one bit that paint one colour
	long long largest; // pixels of the largest of the pictures
	int unfinished;   // it shows more than was looked at
	float text;       // parts of the page that glyphs take
	float covered;    // and that pictures and stencils cover
	float ground;     // and that such cover that are not laid over it with soft edges
} pn_content;

// pn_image is the picture that a page consists of.
typedef struct {
	void *image;      // NULL when the page is something else
	int w, h;         // pixels
	int bits;         // of a component
	int stencil;      // painted black where it has ink
	float a, b, c, d, e, f;       // from the unit square, its upper left corner (0, 0), to the page
	float x0, y0, x1, y1;         // what can be seen of the page's frame
	const unsigned char *jpeg;    // its JPEG data, when that is all it takes
	size_t jpeg_len;
} pn_image;

// pn_look runs a page without drawing it. The image stays until
// pn_drop_image, which must come before pn_close.
int pn_look(pn_doc *d, int page, pn_content *content, pn_image *image);
void pn_drop_image(pn_doc *d, pn_image *image);

// pn_picture is an image decoded to grey, RGB or RGBA samples.
typedef struct {
	int w, h, stride, components; // 1 is grey
	unsigned char *samples;
	void *ctx, *pix, *memory;
} pn_picture;

// pn_pixels decodes an image, at no more than about want_w x want_h where that
// is cheaper and they are not 0.
int pn_pixels(pn_doc *d, pn_image *image, int want_w, int want_h, pn_picture *p, int *warnings);
void pn_drop_pixels(pn_doc *d, pn_picture *p);

// pn_jpeg decodes a JPEG, filling what is missing of a damaged one, at no more
// than about want_w x want_h where that is cheaper.
int pn_jpeg(pn_picture *p, const unsigned char *data, size_t len, int want_w, int want_h, int *warnings, size_t max_memory);
int pn_tiff(pn_picture *p, const unsigned char *data, size_t len, int page, size_t max_memory);
void pn_free(pn_picture *p);

// What cleanpdf needs of a PDF: its objects as text, its streams, its pages
// with what their annotations show. Each call that gives bytes leaves them in
// the document until the next such call.
typedef struct { const unsigned char *data; size_t len; } pn_bytes;

// pn_objects gives the number that all object numbers are below.
int pn_objects(pn_doc *d, int *n);
// pn_root gives the catalog, pn_object any object, as PDF text of ASCII;
// is_stream tells whether a stream belongs to it.
int pn_root(pn_doc *d, pn_bytes *out);
int pn_object(pn_doc *d, int number, pn_bytes *out, int *is_stream);
// pn_raw gives a stream as it is in the file, decrypted; pn_unpacked gives it
// unpacked, PN_MEMORY when that is more than max bytes.
int pn_raw(pn_doc *d, int number, pn_bytes *out);
int pn_unpacked(pn_doc *d, int number, size_t max, pn_bytes *out);
// pn_page gives a page's dictionary with what it inherits; /Annots holds only
// annotations that are shown, each with /N (its appearance), /Rect, /F, /OC.
int pn_page(pn_doc *d, int page, pn_bytes *out);
// pn_text gives the words of what pn_draw draws.
int pn_text(pn_doc *d, int page, pn_bytes *out);
// pn_draw draws a page as pn_render does, with the annotations that pn_page
// lists.
int pn_draw(pn_doc *d, int page, float x0, float y0, float sx, float sy, int w, int h, unsigned char *rgba, int *errors);
// pn_glyphs says which glyphs of a font's file strings are drawn with, as ints.
int pn_glyphs(pn_doc *d, int font, const unsigned char *s, size_t len, pn_bytes *out);
// pn_subset gives a font file with only some glyphs left.
int pn_subset(pn_doc *d, int is_cff, int symbolic, int cid, const unsigned char *font, size_t len, int *glyphs, int n, pn_bytes *out);
// pn_samples decodes an image XObject without its masks to grey or RGB samples
// of 8 bits, at no more than about want_w x want_h where that is cheaper.
// pn_drop_pixels frees them.
int pn_samples(pn_doc *d, int number, int want_w, int want_h, pn_picture *p);

#endif
