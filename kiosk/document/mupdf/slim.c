#define POINTNUM_SLIM_MUPDF
#include "slim.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

// A bound counts what MuPDF holds for a file.
typedef struct { size_t used, max; } bound;

static void *bound_malloc(void *user, size_t n)
{
	bound *b = user;
	if (n > b->max || b->used > b->max - n)
		return NULL;
	void *p = malloc(n);
	if (p)
		b->used += malloc_usable_size(p);
	return p;
}

static void bound_free(void *user, void *p)
{
	bound *b = user;
	if (p)
		b->used -= malloc_usable_size(p);
	free(p);
}

static void *bound_realloc(void *user, void *p, size_t n)
{
	bound *b = user;
	size_t old = p ? malloc_usable_size(p) : 0;
	if (n > b->max || b->used - old > b->max - n)
		return NULL;
	void *q = realloc(p, n);
	if (q)
		b->used = b->used - old + malloc_usable_size(q);
	return q;
}

struct pn_file {
	bound memory;
	fz_context *ctx;
	fz_stream *stream;
	fz_document *doc;
	pdf_document *pdf;
	fz_buffer *out; // what the last call gave
	fz_pixmap *pix;
	int local;      // appearances made by the library can be seen
};

// Messages quote the document: nobody hears them.
static void hush(void *user, const char *message) { (void)user, (void)message; }

static int failed(fz_context *ctx)
{
	int code = fz_caught(ctx);
	fz_ignore_error(ctx);
	return code == FZ_ERROR_SYSTEM ? PN_MEMORY : PN_BROKEN;
}

// give hands a buffer over; the file owns it from now on.
static void give(pn_file *f, fz_buffer *buf, pn_bytes *out)
{
	unsigned char *data = NULL;
	fz_drop_buffer(f->ctx, f->out);
	f->out = buf;
	out->len = buf ? fz_buffer_storage(f->ctx, buf, &data) : 0;
	out->data = data;
}

int pn_file_open(pn_file **out, const unsigned char *data, size_t len, size_t max_memory)
{
	volatile int rc = PN_OK;
	pn_file *f = calloc(1, sizeof *f);
	*out = NULL;
	if (!f)
		return PN_MEMORY;
	f->memory.max = max_memory;
	fz_alloc_context alloc = { &f->memory, bound_malloc, bound_realloc, bound_free };
	f->ctx = fz_new_context_imp(&alloc, NULL, max_memory / 4, FZ_VERSION);
	if (!f->ctx) {
		free(f);
		return PN_VERSION;
	}
	fz_set_error_callback(f->ctx, hush, NULL);
	fz_set_warning_callback(f->ctx, hush, NULL);
	fz_try(f->ctx) {
		fz_register_document_handler(f->ctx, &pdf_document_handler);
		fz_set_aa_level(f->ctx, 8);
		f->stream = fz_open_memory(f->ctx, data, len);
		f->doc = fz_open_document_with_stream(f->ctx, "application/pdf", f->stream);
		f->pdf = pdf_document_from_fz_document(f->ctx, f->doc);
		if (fz_needs_password(f->ctx, f->doc))
			rc = PN_PASSWORD;
		else if (!f->pdf)
			rc = PN_BROKEN;
	}
	fz_catch(f->ctx)
		rc = failed(f->ctx);
	if (rc != PN_OK) {
		pn_file_close(f);
		return rc;
	}
	*out = f;
	return PN_OK;
}

void pn_file_close(pn_file *f)
{
	if (!f)
		return;
	fz_drop_buffer(f->ctx, f->out);
	fz_drop_pixmap(f->ctx, f->pix);
	fz_drop_document(f->ctx, f->doc);
	fz_drop_stream(f->ctx, f->stream);
	fz_drop_context(f->ctx);
	free(f);
}

int pn_file_repaired(pn_file *f)
{
	int yes = 1;
	fz_try(f->ctx)
		yes = pdf_was_repaired(f->ctx, f->pdf);
	fz_catch(f->ctx)
		fz_ignore_error(f->ctx);
	return yes;
}

int pn_file_objects(pn_file *f, int *n)
{
	int rc = PN_OK;
	fz_try(f->ctx)
		*n = pdf_xref_len(f->ctx, f->pdf);
	fz_catch(f->ctx)
		rc = failed(f->ctx);
	return rc;
}

int pn_file_pages(pn_file *f, int *n)
{
	int rc = PN_OK;
	fz_try(f->ctx)
		*n = fz_count_pages(f->ctx, f->doc);
	fz_catch(f->ctx)
		rc = failed(f->ctx);
	return rc;
}

// print appends an object as text; it may throw.
static void print(fz_context *ctx, fz_buffer *buf, pdf_obj *obj)
{
	size_t n = 0;
	char *s = pdf_sprint_obj(ctx, NULL, 0, &n, obj, 1, 1);
	fz_try(ctx)
		fz_append_data(ctx, buf, s, n);
	fz_always(ctx)
		fz_free(ctx, s);
	fz_catch(ctx)
		fz_rethrow(ctx);
}

// print_key appends a key and its value when there is one; it may throw.
static void print_key(fz_context *ctx, fz_buffer *buf, const char *key, pdf_obj *value)
{
	if (!value)
		return;
	fz_append_string(ctx, buf, "/");
	fz_append_string(ctx, buf, key);
	fz_append_string(ctx, buf, " ");
	print(ctx, buf, value);
	fz_append_string(ctx, buf, "\n");
}

static int print_object(pn_file *f, int number, pn_bytes *out)
{
	fz_context *ctx = f->ctx;
	volatile int rc = PN_OK;
	pdf_obj *volatile obj = NULL;
	fz_buffer *volatile buf = NULL;
	fz_try(ctx) {
		buf = fz_new_buffer(ctx, 256);
		if (number > 0) {
			obj = pdf_load_object(ctx, f->pdf, number);
			print(ctx, buf, obj);
		} else {
			print(ctx, buf, pdf_dict_gets(ctx, pdf_trailer(ctx, f->pdf), "Root"));
		}
	}
	fz_always(ctx)
		pdf_drop_obj(ctx, obj);
	fz_catch(ctx) {
		rc = failed(ctx);
		fz_drop_buffer(ctx, buf);
		return rc;
	}
	give(f, buf, out);
	return PN_OK;
}

int pn_file_root(pn_file *f, pn_bytes *out) { return print_object(f, 0, out); }

int pn_file_object(pn_file *f, int number, pn_bytes *out, int *is_stream)
{
	int rc = print_object(f, number, out);
	if (rc != PN_OK)
		return rc;
	fz_try(f->ctx)
		*is_stream = pdf_obj_num_is_stream(f->ctx, f->pdf, number);
	fz_catch(f->ctx)
		rc = failed(f->ctx);
	return rc;
}

int pn_file_raw(pn_file *f, int number, pn_bytes *out)
{
	volatile int rc = PN_OK;
	fz_buffer *volatile buf = NULL;
	fz_try(f->ctx)
		buf = pdf_load_raw_stream_number(f->ctx, f->pdf, number);
	fz_catch(f->ctx)
		rc = failed(f->ctx);
	if (rc == PN_OK)
		give(f, buf, out);
	return rc;
}

int pn_file_stream(pn_file *f, int number, size_t max, pn_bytes *out)
{
	fz_context *ctx = f->ctx;
	volatile int rc = PN_OK;
	fz_buffer *volatile buf = NULL;
	fz_stream *volatile stm = NULL;
	fz_try(ctx) {
		unsigned char chunk[8192];
		size_t n, total = 0;
		buf = fz_new_buffer(ctx, sizeof chunk);
		stm = pdf_open_stream_number(ctx, f->pdf, number);
		while (rc == PN_OK && (n = fz_read(ctx, stm, chunk, sizeof chunk)) > 0) {
			total += n;
			if (total > max)
				rc = PN_MEMORY;
			else
				fz_append_data(ctx, buf, chunk, n);
		}
	}
	fz_always(ctx)
		fz_drop_stream(ctx, stm);
	fz_catch(ctx)
		rc = failed(ctx);
	if (rc != PN_OK) {
		fz_drop_buffer(ctx, buf);
		return rc;
	}
	give(f, buf, out);
	return PN_OK;
}

// drawn_kinds are the annotations that show something of their own. Notes,
// attachments and films are left out, and pop-ups, whose words are comments.
static const char *const drawn_kinds[] = {
	"FreeText", "Line", "Square", "Circle", "Polygon", "PolyLine", "Highlight", "Underline", "Squiggly", "StrikeOut", "Stamp",
	"Ink", "Caret", "Watermark", "Widget", NULL
};

enum { ANNOT_INVISIBLE = 1, ANNOT_HIDDEN = 2, ANNOT_NO_VIEW = 32 };

// shown says whether an annotation belongs to its page's looks; it may throw.
static int shown(pn_file *f, pdf_annot *annot)
{
	fz_context *ctx = f->ctx;
	pdf_obj *obj = pdf_annot_obj(ctx, annot);
	const char *kind = pdf_to_name(ctx, pdf_dict_gets(ctx, obj, "Subtype"));
	int i = 0;
	if (pdf_to_int(ctx, pdf_dict_gets(ctx, obj, "F")) & (ANNOT_INVISIBLE | ANNOT_HIDDEN | ANNOT_NO_VIEW))
		return 0;
	while (drawn_kinds[i] && strcmp(drawn_kinds[i], kind))
		i++;
	if (!drawn_kinds[i])
		return 0;
	if (strcmp(kind, "Widget"))
		return 1;
	pdf_obj *type = pdf_dict_gets_inheritable(ctx, obj, "FT");
	if (!type || !pdf_dict_gets_inheritable(ctx, obj, "T"))
		return 0; // the library does not draw it either
	// The library paints an arrow where a signature is missing.
	return strcmp(pdf_to_name(ctx, type), "Sig") || pdf_signature_is_signed(ctx, f->pdf, obj);
}

// first and next walk a page's annotations in the order they are drawn in.
static pdf_annot *first(pn_file *f, pdf_page *page, int *widgets)
{
	pdf_annot *a = pdf_first_annot(f->ctx, page);
	*widgets = !a;
	return a ? a : pdf_first_widget(f->ctx, page);
}

static pdf_annot *next(pn_file *f, pdf_page *page, pdf_annot *a, int *widgets)
{
	a = *widgets ? pdf_next_widget(f->ctx, a) : pdf_next_annot(f->ctx, a);
	if (a || *widgets)
		return a;
	*widgets = 1;
	return pdf_first_widget(f->ctx, page);
}

static void print_annots(pn_file *f, fz_buffer *buf, pdf_page *page)
{
	int widgets;
	for (pdf_annot *a = first(f, page, &widgets); a; a = next(f, page, a, &widgets)) {
		if (!f->local) // appearances that the library makes stay in reach
			pdf_annot_push_local_xref(f->ctx, a);
		f->local = 1;
		if (!shown(f, a))
			continue;
		pdf_obj *ap = pdf_annot_ap(f->ctx, a), *obj = pdf_annot_obj(f->ctx, a);
		if (!ap)
			continue;
		fz_append_string(f->ctx, buf, "<<");
		print_key(f->ctx, buf, "N", ap);
		print_key(f->ctx, buf, "Rect", pdf_dict_gets(f->ctx, obj, "Rect"));
		print_key(f->ctx, buf, "F", pdf_dict_gets(f->ctx, obj, "F"));
		print_key(f->ctx, buf, "OC", pdf_dict_gets(f->ctx, obj, "OC"));
		fz_append_string(f->ctx, buf, ">>");
	}
}

int pn_file_page(pn_file *f, int number, pn_bytes *out)
{
	static const char *const inherited[] = { "MediaBox", "CropBox", "Rotate", "Resources", NULL };
	static const char *const own[] = { "Contents", "UserUnit", "Group", NULL };
	fz_context *ctx = f->ctx;
	volatile int rc = PN_OK;
	fz_buffer *volatile buf = NULL;
	pdf_page *volatile page = NULL;
	fz_try(ctx) {
		pdf_obj *obj = pdf_lookup_page_obj(ctx, f->pdf, number);
		buf = fz_new_buffer(ctx, 1024);
		fz_append_string(ctx, buf, "<<");
		for (int i = 0; inherited[i]; i++)
			print_key(ctx, buf, inherited[i], pdf_dict_gets_inheritable(ctx, obj, inherited[i]));
		for (int i = 0; own[i]; i++)
			print_key(ctx, buf, own[i], pdf_dict_gets(ctx, obj, own[i]));
		fz_append_string(ctx, buf, "/Annots[");
		page = pdf_load_page(ctx, f->pdf, number);
		print_annots(f, buf, page);
		fz_append_string(ctx, buf, "]>>");
	}
	fz_always(ctx)
		fz_drop_page(ctx, (fz_page *)page);
	fz_catch(ctx) {
		rc = failed(ctx);
		fz_drop_buffer(ctx, buf);
		return rc;
	}
	give(f, buf, out);
	return PN_OK;
}

// run draws a page with the annotations that are shown; it may throw.
static void run(pn_file *f, pdf_page *page, fz_device *dev, fz_cookie *cookie)
{
	fz_matrix identity = { 1, 0, 0, 1, 0, 0 };
	int widgets;
	fz_run_page_contents(f->ctx, (fz_page *)page, dev, identity, cookie);
	for (pdf_annot *a = first(f, page, &widgets); a; a = next(f, page, a, &widgets))
		if (shown(f, a))
			pdf_run_annot(f->ctx, a, dev, identity, cookie);
	fz_close_device(f->ctx, dev);
}

int pn_file_text(pn_file *f, int number, pn_bytes *out)
{
	static const fz_stext_options options = { 0, 0 };
	fz_context *ctx = f->ctx;
	volatile int rc = PN_OK;
	fz_buffer *volatile buf = NULL;
	pdf_page *volatile page = NULL;
	fz_stext_page *volatile text = NULL;
	fz_device *volatile dev = NULL;
	fz_cookie cookie = { 0, 0, 0, 0, 0 };
	fz_try(ctx) {
		page = pdf_load_page(ctx, f->pdf, number);
		text = fz_new_stext_page(ctx, fz_bound_page(ctx, (fz_page *)page));
		dev = fz_new_stext_device(ctx, text, &options);
		run(f, page, dev, &cookie);
		buf = fz_new_buffer_from_stext_page(ctx, text);
	}
	fz_always(ctx) {
		fz_drop_device(ctx, dev);
		fz_drop_stext_page(ctx, text);
		fz_drop_page(ctx, (fz_page *)page);
	}
	fz_catch(ctx)
		rc = failed(ctx);
	if (rc == PN_OK)
		give(f, buf, out);
	return rc;
}

int pn_file_bounds(pn_file *f, int number, float *x0, float *y0, float *x1, float *y1)
{
	fz_context *ctx = f->ctx;
	volatile int rc = PN_OK;
	fz_page *volatile page = NULL;
	fz_try(ctx) {
		page = fz_load_page(ctx, f->doc, number);
		fz_rect r = fz_bound_page(ctx, page);
		*x0 = r.x0, *y0 = r.y0, *x1 = r.x1, *y1 = r.y1;
	}
	fz_always(ctx)
		fz_drop_page(ctx, page);
	fz_catch(ctx)
		rc = failed(ctx);
	return rc;
}

int pn_file_draw(pn_file *f, int number, float x0, float y0, float sx, float sy, int w, int h, unsigned char *rgba, int *errors)
{
	fz_context *ctx = f->ctx;
	volatile int rc = PN_OK;
	pdf_page *volatile page = NULL;
	fz_pixmap *volatile pix = NULL;
	fz_device *volatile dev = NULL;
	fz_matrix m = { sx, 0, 0, sy, -x0 * sx, -y0 * sy };
	fz_cookie cookie = { 0, 0, 0, 0, 0 };
	fz_try(ctx) {
		page = pdf_load_page(ctx, f->pdf, number);
		pix = fz_new_pixmap_with_data(ctx, fz_device_rgb(ctx), w, h, NULL, 1, w * 4, rgba);
		fz_clear_pixmap_with_value(ctx, pix, 255);
		dev = fz_new_draw_device(ctx, m, pix);
		fz_enable_device_hints(ctx, dev, FZ_NO_CACHE);
		run(f, page, dev, &cookie);
	}
	fz_always(ctx) {
		fz_drop_device(ctx, dev);
		fz_drop_pixmap(ctx, pix);
		fz_drop_page(ctx, (fz_page *)page);
	}
	fz_catch(ctx)
		rc = failed(ctx);
	*errors = cookie.errors;
	return rc;
}

int pn_file_glyphs(pn_file *f, int number, const unsigned char *s, size_t len, pn_bytes *out)
{
	fz_context *ctx = f->ctx;
	volatile int rc = PN_OK;
	fz_buffer *volatile buf = NULL;
	pdf_obj *volatile obj = NULL;
	pdf_font_desc *volatile font = NULL;
	fz_try(ctx) {
		size_t pos = 0;
		buf = fz_new_buffer(ctx, 256);
		obj = pdf_new_indirect(ctx, f->pdf, number, 0);
		font = pdf_load_font(ctx, f->pdf, NULL, obj);
		while (pos < len && font->encoding) {
			unsigned int code;
			int step = pdf_decode_cmap(font->encoding, (unsigned char *)s + pos, (unsigned char *)s + len, &code);
			int cid = pdf_lookup_cmap(font->encoding, code);
			if (cid >= 0) {
				int gid = pdf_font_cid_to_gid(ctx, font, cid);
				fz_append_data(ctx, buf, &gid, sizeof gid);
			}
			pos += step > 0 ? step : 1;
		}
	}
	fz_always(ctx) {
		pdf_drop_font(ctx, font);
		pdf_drop_obj(ctx, obj);
	}
	fz_catch(ctx) {
		rc = failed(ctx);
		fz_drop_buffer(ctx, buf);
		return rc;
	}
	give(f, buf, out);
	return PN_OK;
}

int pn_file_subset(pn_file *f, int is_cff, int symbolic, int cid, const unsigned char *font, size_t len, int *glyphs, int n, pn_bytes *out)
{
	fz_context *ctx = f->ctx;
	volatile int rc = PN_OK;
	fz_buffer *volatile buf = NULL, *volatile sub = NULL;
	fz_try(ctx) {
		buf = fz_new_buffer_from_shared_data(ctx, font, len);
		sub = is_cff ? fz_subset_cff_for_gids(ctx, buf, glyphs, n, symbolic, cid) : fz_subset_ttf_for_gids(ctx, buf, glyphs, n, symbolic, cid);
	}
	fz_always(ctx)
		fz_drop_buffer(ctx, buf);
	fz_catch(ctx)
		rc = failed(ctx);
	if (rc == PN_OK)
		give(f, sub, out);
	return rc;
}

int pn_file_pixels(pn_file *f, int number, int want_w, int want_h, pn_samples *out)
{
	fz_context *ctx = f->ctx;
	volatile int rc = PN_OK;
	pdf_obj *volatile obj = NULL;
	fz_image *volatile img = NULL;
	fz_pixmap *volatile pix = NULL;
	fz_matrix m = { want_w, 0, 0, want_h, 0, 0 };
	fz_drop_pixmap(ctx, f->pix);
	f->pix = NULL;
	fz_try(ctx) {
		obj = pdf_new_indirect(ctx, f->pdf, number, 0);
		img = pdf_load_image(ctx, f->pdf, obj);
		pix = fz_get_pixmap_from_image(ctx, img, NULL, &m, NULL, NULL);
		int n = fz_pixmap_components(ctx, pix) - fz_pixmap_alpha(ctx, pix);
		if ((n != 1 && n != 3) || fz_pixmap_alpha(ctx, pix)) {
			fz_pixmap *plain = fz_convert_pixmap(ctx, pix, n == 1 ? fz_device_gray(ctx) : fz_device_rgb(ctx), NULL, NULL, fz_default_color_params, 0);
			fz_drop_pixmap(ctx, pix);
			pix = plain;
		}
		out->w = fz_pixmap_width(ctx, pix);
		out->h = fz_pixmap_height(ctx, pix);
		out->components = fz_pixmap_components(ctx, pix);
		out->stride = fz_pixmap_stride(ctx, pix);
		out->data = fz_pixmap_samples(ctx, pix);
	}
	fz_always(ctx) {
		fz_drop_image(ctx, img);
		pdf_drop_obj(ctx, obj);
	}
	fz_catch(ctx) {
		rc = failed(ctx);
		fz_drop_pixmap(ctx, pix);
		return rc;
	}
	f->pix = pix;
	return PN_OK;
}
