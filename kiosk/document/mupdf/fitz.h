// The part of MuPDF 1.24.9's C interface that this package uses, declared by
// hand: the headers live in the module that brings the library, where cgo of
// another module can't reach them. Opening a context checks the version, so a
// library of another version is refused rather than called wrongly.

#ifndef POINTNUM_FITZ_H
#define POINTNUM_FITZ_H

#include <setjmp.h>
#include <stddef.h>

#define FZ_VERSION "1.24.9"

typedef struct fz_context fz_context;
typedef struct fz_document fz_document;
typedef struct fz_page fz_page;
typedef struct fz_device fz_device;
typedef struct fz_pixmap fz_pixmap;
typedef struct fz_image fz_image;
typedef struct fz_buffer fz_buffer;
typedef struct fz_stream fz_stream;
typedef struct fz_colorspace fz_colorspace;
typedef struct fz_separations fz_separations;
typedef struct fz_default_colorspaces fz_default_colorspaces;
typedef struct fz_locks_context fz_locks_context;
typedef struct fz_document_handler fz_document_handler;
typedef struct pdf_document pdf_document;

typedef struct { float x0, y0, x1, y1; } fz_rect;
typedef struct { int x0, y0, x1, y1; } fz_irect;
typedef struct { float a, b, c, d, e, f; } fz_matrix;
typedef struct { unsigned char ri, bp, op, opm; } fz_color_params;

typedef struct {
	void *user;
	void *(*malloc)(void *, size_t);
	void *(*realloc)(void *, void *, size_t);
	void (*free)(void *, void *);
} fz_alloc_context;

typedef struct {
	int abort;
	int progress;
	size_t progress_max;
	int errors;
	int incomplete;
} fz_cookie;

// context.h, system.h: exceptions are setjmp and longjmp.
sigjmp_buf *fz_push_try(fz_context *ctx);
int fz_do_try(fz_context *ctx);
int fz_do_always(fz_context *ctx);
int fz_do_catch(fz_context *ctx);
#define fz_try(ctx) if (!sigsetjmp(*fz_push_try(ctx), 0)) if (fz_do_try(ctx)) do
#define fz_always(ctx) while (0); if (fz_do_always(ctx)) do
#define fz_catch(ctx) while (0); if (fz_do_catch(ctx))
int fz_caught(fz_context *ctx);
void fz_ignore_error(fz_context *ctx);

#define FZ_ERROR_SYSTEM 2

fz_context *fz_new_context_imp(const fz_alloc_context *alloc, const fz_locks_context *locks, size_t max_store, const char *version);
void fz_drop_context(fz_context *ctx);
typedef void (fz_message_cb)(void *user, const char *message);
void fz_set_error_callback(fz_context *ctx, fz_message_cb *cb, void *user);
void fz_set_warning_callback(fz_context *ctx, fz_message_cb *cb, void *user);
void fz_set_aa_level(fz_context *ctx, int bits);

// document.h
extern fz_document_handler pdf_document_handler;
void fz_register_document_handler(fz_context *ctx, const fz_document_handler *handler);
fz_stream *fz_open_memory(fz_context *ctx, const unsigned char *data, size_t len);
void fz_drop_stream(fz_context *ctx, fz_stream *stm);
fz_document *fz_open_document_with_stream(fz_context *ctx, const char *magic, fz_stream *stream);
void fz_drop_document(fz_context *ctx, fz_document *doc);
int fz_needs_password(fz_context *ctx, fz_document *doc);
int fz_count_pages(fz_context *ctx, fz_document *doc);
fz_page *fz_load_page(fz_context *ctx, fz_document *doc, int number);
void fz_drop_page(fz_context *ctx, fz_page *page);
fz_rect fz_bound_page(fz_context *ctx, fz_page *page);
void fz_run_page(fz_context *ctx, fz_page *page, fz_device *dev, fz_matrix transform, fz_cookie *cookie);
pdf_document *pdf_document_from_fz_document(fz_context *ctx, fz_document *doc);
int pdf_was_repaired(fz_context *ctx, pdf_document *doc);

// device.h, pixmap.h, image.h, buffer.h, color.h
fz_device *fz_new_draw_device(fz_context *ctx, fz_matrix transform, fz_pixmap *dest);
void fz_enable_device_hints(fz_context *ctx, fz_device *dev, int hints);
void fz_close_device(fz_context *ctx, fz_device *dev);
void fz_drop_device(fz_context *ctx, fz_device *dev);
#define FZ_NO_CACHE 2
fz_colorspace *fz_device_rgb(fz_context *ctx);
extern const fz_color_params fz_default_color_params;
fz_pixmap *fz_new_pixmap_with_data(fz_context *ctx, fz_colorspace *colorspace, int w, int h, fz_separations *seps, int alpha, int stride, unsigned char *samples);
fz_pixmap *fz_convert_pixmap(fz_context *ctx, const fz_pixmap *pix, fz_colorspace *cs_des, fz_colorspace *prf, fz_default_colorspaces *default_cs, fz_color_params color_params, int keep_alpha);
void fz_drop_pixmap(fz_context *ctx, fz_pixmap *pix);
void fz_clear_pixmap_with_value(fz_context *ctx, fz_pixmap *pix, int value);
int fz_pixmap_width(fz_context *ctx, const fz_pixmap *pix);
int fz_pixmap_height(fz_context *ctx, const fz_pixmap *pix);
int fz_pixmap_stride(fz_context *ctx, const fz_pixmap *pix);
int fz_pixmap_components(fz_context *ctx, const fz_pixmap *pix);
int fz_pixmap_alpha(fz_context *ctx, const fz_pixmap *pix);
unsigned char *fz_pixmap_samples(fz_context *ctx, const fz_pixmap *pix);
fz_pixmap *fz_load_tiff_subimage(fz_context *ctx, const unsigned char *buf, size_t len, int subimage);
fz_buffer *fz_new_buffer_from_shared_data(fz_context *ctx, const unsigned char *data, size_t size);
void fz_drop_buffer(fz_context *ctx, fz_buffer *buf);
fz_image *fz_new_image_from_buffer(fz_context *ctx, fz_buffer *buffer);
void fz_drop_image(fz_context *ctx, fz_image *image);
fz_pixmap *fz_get_pixmap_from_image(fz_context *ctx, fz_image *image, const fz_irect *subarea, fz_matrix *ctm, int *w, int *h);

#endif
