#include "doc.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define HEADER 16

static void *budget_malloc(void *user, size_t n)
{
	budget *b = user;
	if (n > b->max || b->used > b->max - n)
		return NULL;
	unsigned char *p = malloc(n + HEADER);
	if (!p)
		return NULL;
	memcpy(p, &n, sizeof n);
	b->used += n;
	return p + HEADER;
}

static void budget_free(void *user, void *ptr)
{
	budget *b = user;
	size_t n;
	if (!ptr)
		return;
	unsigned char *p = (unsigned char *)ptr - HEADER;
	memcpy(&n, p, sizeof n);
	b->used -= n;
	free(p);
}

static void *budget_realloc(void *user, void *ptr, size_t n)
{
	budget *b = user;
	size_t old;
	if (!ptr)
		return budget_malloc(user, n);
	unsigned char *p = (unsigned char *)ptr - HEADER;
	memcpy(&old, p, sizeof old);
	if (n > b->max || b->used - old > b->max - n)
		return NULL;
	p = realloc(p, n + HEADER);
	if (!p)
		return NULL;
	memcpy(p, &n, sizeof n);
	b->used = b->used - old + n;
	return p + HEADER;
}

// Messages quote the document: they are counted, never kept.
static void count_message(void *user, const char *message)
{
	(void)message;
	if (user)
		++*(int *)user;
}

// MOST_STORED is what the library keeps of decoded pictures and fonts for a
// second use: those of a page, not those of hundreds.
#define MOST_STORED (8 << 20)

static fz_context *new_context(budget *b, int *warnings)
{
	fz_alloc_context alloc = { b, budget_malloc, budget_realloc, budget_free };
	fz_context *ctx = fz_new_context_imp(&alloc, NULL, b->max / 4 < MOST_STORED ? b->max / 4 : MOST_STORED, FZ_VERSION);
	if (!ctx)
		return NULL;
	fz_set_error_callback(ctx, count_message, warnings);
	fz_set_warning_callback(ctx, count_message, warnings);
	return ctx;
}

int pn_caught(fz_context *ctx)
{
	int code = fz_caught(ctx);
	fz_ignore_error(ctx);
	return code == FZ_ERROR_SYSTEM ? PN_MEMORY : PN_BROKEN;
}

int pn_open(pn_doc **out, const unsigned char *data, size_t len, size_t max_memory)
{
	int rc = PN_OK;
	pn_doc *d = calloc(1, sizeof *d);
	*out = NULL;
	if (!d)
		return PN_MEMORY;
	d->memory.max = max_memory;
	d->ctx = new_context(&d->memory, &d->warnings);
	if (!d->ctx) {
		free(d);
		return PN_VERSION;
	}
	fz_try(d->ctx) {
		// Only PDF: the library's readers of other formats stay out of reach.
		fz_register_document_handler(d->ctx, &pdf_document_handler);
		fz_set_aa_level(d->ctx, 8);
		d->stream = fz_open_memory(d->ctx, data, len);
		d->doc = fz_open_document_with_stream(d->ctx, "application/pdf", d->stream);
		d->pdf = pdf_document_from_fz_document(d->ctx, d->doc);
		if (fz_needs_password(d->ctx, d->doc))
			rc = PN_PASSWORD;
		else if (!d->pdf)
			rc = PN_BROKEN;
	}
	fz_catch(d->ctx)
		rc = pn_caught(d->ctx);
	if (rc != PN_OK) {
		pn_close(d);
		return rc;
	}
	*out = d;
	return PN_OK;
}

void pn_close(pn_doc *d)
{
	if (!d)
		return;
	fz_drop_buffer(d->ctx, d->out);
	fz_drop_document(d->ctx, d->doc);
	fz_drop_stream(d->ctx, d->stream);
	fz_drop_context(d->ctx);
	free(d);
}

int pn_repaired(pn_doc *d)
{
	int yes = 0;
	fz_try(d->ctx)
		yes = pdf_was_repaired(d->ctx, d->pdf);
	fz_catch(d->ctx) {
		fz_ignore_error(d->ctx);
		yes = 1;
	}
	return yes;
}

int pn_count(pn_doc *d, int *pages)
{
	int rc = PN_OK;
	fz_try(d->ctx)
		*pages = fz_count_pages(d->ctx, d->doc);
	fz_catch(d->ctx)
		rc = pn_caught(d->ctx);
	return rc;
}

int pn_bounds(pn_doc *d, int number, float *x0, float *y0, float *x1, float *y1)
{
	volatile int rc = PN_OK;
	fz_page *volatile page = NULL;
	fz_try(d->ctx) {
		page = fz_load_page(d->ctx, d->doc, number);
		fz_rect r = fz_bound_page(d->ctx, page);
		*x0 = r.x0, *y0 = r.y0, *x1 = r.x1, *y1 = r.y1;
	}
	fz_always(d->ctx)
		fz_drop_page(d->ctx, page);
	fz_catch(d->ctx)
		rc = pn_caught(d->ctx);
	return rc;
}

int pn_render(pn_doc *d, int number, float x0, float y0, float sx, float sy, int w, int h, unsigned char *rgba, int *errors)
{
	volatile int rc = PN_OK;
	fz_page *volatile page = NULL;
	fz_pixmap *volatile pix = NULL;
	fz_device *volatile dev = NULL;
	fz_matrix m = { sx, 0, 0, sy, -x0 * sx, -y0 * sy };
	fz_matrix identity = { 1, 0, 0, 1, 0, 0 };
	fz_cookie cookie = { 0, 0, 0, 0, 0 };
	fz_try(d->ctx) {
		page = fz_load_page(d->ctx, d->doc, number);
		pix = fz_new_pixmap_with_data(d->ctx, fz_device_rgb(d->ctx), w, h, NULL, 1, w * 4, rgba);
		fz_clear_pixmap_with_value(d->ctx, pix, 255);
		dev = fz_new_draw_device(d->ctx, m, pix);
		fz_enable_device_hints(d->ctx, dev, FZ_NO_CACHE);
		fz_run_page(d->ctx, page, dev, identity, &cookie);
		fz_close_device(d->ctx, dev);
	}
	fz_always(d->ctx) {
		fz_drop_device(d->ctx, dev);
		fz_drop_pixmap(d->ctx, pix);
		fz_drop_page(d->ctx, page);
	}
	fz_catch(d->ctx)
		rc = pn_caught(d->ctx);
	*errors = cookie.errors;
	return rc;
}

void pn_fill(fz_context *ctx, pn_picture *p, fz_pixmap *pix)
{
	p->w = fz_pixmap_width(ctx, pix);
	p->h = fz_pixmap_height(ctx, pix);
	p->stride = fz_pixmap_stride(ctx, pix);
	p->components = fz_pixmap_components(ctx, pix);
	p->samples = fz_pixmap_samples(ctx, pix);
}

// keep hands a pixmap over as grey or RGB samples; it may throw. Grey is kept:
// the library would take it for another grey than sRGB's, and make it lighter.
static void keep(fz_context *ctx, pn_picture *p, fz_pixmap *volatile *pix)
{
	int n = fz_pixmap_components(ctx, *pix) - fz_pixmap_alpha(ctx, *pix);
	if (n != 3 && n != 1) {
		fz_pixmap *rgb = fz_convert_pixmap(ctx, *pix, fz_device_rgb(ctx), NULL, NULL, fz_default_color_params, 1);
		fz_drop_pixmap(ctx, *pix);
		*pix = rgb;
	}
	pn_fill(ctx, p, *pix);
}

static fz_context *begin(pn_picture *p, int *warnings, size_t max_memory)
{
	memset(p, 0, sizeof *p);
	budget *b = calloc(1, sizeof *b);
	if (!b)
		return NULL;
	b->max = max_memory;
	p->memory = b;
	p->ctx = new_context(b, warnings);
	return p->ctx;
}

int pn_jpeg(pn_picture *p, const unsigned char *data, size_t len, int want_w, int want_h, int *warnings, size_t max_memory)
{
	volatile int rc = PN_OK;
	fz_buffer *volatile buf = NULL;
	fz_image *volatile img = NULL;
	fz_pixmap *volatile pix = NULL;
	fz_matrix m = { want_w, 0, 0, want_h, 0, 0 };
	fz_context *ctx = begin(p, warnings, max_memory);
	if (!ctx) {
		pn_free(p);
		return PN_VERSION;
	}
	fz_try(ctx) {
		buf = fz_new_buffer_from_shared_data(ctx, data, len);
		img = fz_new_image_from_buffer(ctx, buf);
		pix = fz_get_pixmap_from_image(ctx, img, NULL, want_w > 0 ? &m : NULL, NULL, NULL);
		keep(ctx, p, &pix);
	}
	fz_always(ctx) {
		fz_drop_image(ctx, img);
		fz_drop_buffer(ctx, buf);
	}
	fz_catch(ctx)
		rc = pn_caught(ctx);
	p->pix = pix;
	if (rc != PN_OK)
		pn_free(p);
	return rc;
}

int pn_tiff(pn_picture *p, const unsigned char *data, size_t len, int page, size_t max_memory)
{
	volatile int rc = PN_OK;
	fz_pixmap *volatile pix = NULL;
	fz_context *ctx = begin(p, NULL, max_memory);
	if (!ctx) {
		pn_free(p);
		return PN_VERSION;
	}
	fz_try(ctx) {
		pix = fz_load_tiff_subimage(ctx, data, len, page);
		keep(ctx, p, &pix);
	}
	fz_catch(ctx)
		rc = pn_caught(ctx);
	p->pix = pix;
	if (rc != PN_OK)
		pn_free(p);
	return rc;
}

void pn_free(pn_picture *p)
{
	if (p->ctx) {
		fz_drop_pixmap(p->ctx, p->pix);
		fz_drop_context(p->ctx);
	}
	free(p->memory);
	memset(p, 0, sizeof *p);
}
