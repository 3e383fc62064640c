#include "pdf.h"

#include <string.h>

// drawn_kinds are the annotations that show something of their own. Notes,
// attachments and films are left out, and pop-ups, whose words are comments.
static const char *const drawn_kinds[] = {
	"FreeText", "Line", "Square", "Circle", "Polygon", "PolyLine", "Highlight", "Underline", "Squiggly", "StrikeOut", "Stamp",
	"Ink", "Caret", "Watermark", "Widget", NULL
};

enum { ANNOT_INVISIBLE = 1, ANNOT_HIDDEN = 2, ANNOT_NO_VIEW = 32 };

// shown says whether an annotation belongs to its page's looks; it may throw.
static int shown(pn_doc *d, pdf_annot *annot)
{
	fz_context *ctx = d->ctx;
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
	return strcmp(pdf_to_name(ctx, type), "Sig") || pdf_signature_is_signed(ctx, d->pdf, obj);
}

// first and next walk a page's annotations in the order they are drawn in.
static pdf_annot *first(pn_doc *d, pdf_page *page, int *widgets)
{
	pdf_annot *a = pdf_first_annot(d->ctx, page);
	*widgets = !a;
	return a ? a : pdf_first_widget(d->ctx, page);
}

static pdf_annot *next(pn_doc *d, pdf_page *page, pdf_annot *a, int *widgets)
{
	a = *widgets ? pdf_next_widget(d->ctx, a) : pdf_next_annot(d->ctx, a);
	if (a || *widgets)
		return a;
	*widgets = 1;
	return pdf_first_widget(d->ctx, page);
}

static void print_annots(pn_doc *d, fz_buffer *buf, pdf_page *page)
{
	int widgets;
	for (pdf_annot *a = first(d, page, &widgets); a; a = next(d, page, a, &widgets)) {
		if (!d->local) // appearances that the library makes stay in reach
			pdf_annot_push_local_xref(d->ctx, a);
		d->local = 1;
		if (!shown(d, a))
			continue;
		pdf_obj *ap = pdf_annot_ap(d->ctx, a), *obj = pdf_annot_obj(d->ctx, a);
		if (!ap)
			continue;
		fz_append_string(d->ctx, buf, "<<");
		pn_print_key(d->ctx, buf, "N", ap);
		pn_print_key(d->ctx, buf, "Rect", pdf_dict_gets(d->ctx, obj, "Rect"));
		pn_print_key(d->ctx, buf, "F", pdf_dict_gets(d->ctx, obj, "F"));
		pn_print_key(d->ctx, buf, "OC", pdf_dict_gets(d->ctx, obj, "OC"));
		fz_append_string(d->ctx, buf, ">>");
	}
}

int pn_page(pn_doc *d, int number, pn_bytes *out)
{
	static const char *const inherited[] = { "MediaBox", "CropBox", "Rotate", "Resources", NULL };
	static const char *const own[] = { "Contents", "UserUnit", "Group", NULL };
	fz_context *ctx = d->ctx;
	volatile int rc = PN_OK;
	fz_buffer *volatile buf = NULL;
	pdf_page *volatile page = NULL;
	fz_try(ctx) {
		pdf_obj *obj = pdf_lookup_page_obj(ctx, d->pdf, number);
		buf = fz_new_buffer(ctx, 1024);
		fz_append_string(ctx, buf, "<<");
		for (int i = 0; inherited[i]; i++)
			pn_print_key(ctx, buf, inherited[i], pdf_dict_gets_inheritable(ctx, obj, inherited[i]));
		for (int i = 0; own[i]; i++)
			pn_print_key(ctx, buf, own[i], pdf_dict_gets(ctx, obj, own[i]));
		fz_append_string(ctx, buf, "/Annots[");
		page = pdf_load_page(ctx, d->pdf, number);
		print_annots(d, buf, page);
		fz_append_string(ctx, buf, "]>>");
	}
	fz_always(ctx)
		fz_drop_page(ctx, (fz_page *)page);
	fz_catch(ctx) {
		rc = pn_caught(ctx);
		fz_drop_buffer(ctx, buf);
		return rc;
	}
	pn_give(d, buf, out);
	return PN_OK;
}

// run draws a page with the annotations that are shown; it may throw.
static void run(pn_doc *d, pdf_page *page, fz_device *dev, fz_cookie *cookie)
{
	fz_matrix identity = { 1, 0, 0, 1, 0, 0 };
	int widgets;
	fz_run_page_contents(d->ctx, (fz_page *)page, dev, identity, cookie);
	for (pdf_annot *a = first(d, page, &widgets); a; a = next(d, page, a, &widgets))
		if (shown(d, a))
			pdf_run_annot(d->ctx, a, dev, identity, cookie);
	fz_close_device(d->ctx, dev);
}

int pn_text(pn_doc *d, int number, pn_bytes *out)
{
	static const fz_stext_options options = { 0, 0 };
	fz_context *ctx = d->ctx;
	volatile int rc = PN_OK;
	fz_buffer *volatile buf = NULL;
	pdf_page *volatile page = NULL;
	fz_stext_page *volatile text = NULL;
	fz_device *volatile dev = NULL;
	fz_cookie cookie = { 0, 0, 0, 0, 0 };
	fz_try(ctx) {
		page = pdf_load_page(ctx, d->pdf, number);
		text = fz_new_stext_page(ctx, fz_bound_page(ctx, (fz_page *)page));
		dev = fz_new_stext_device(ctx, text, &options);
		run(d, page, dev, &cookie);
		buf = fz_new_buffer_from_stext_page(ctx, text);
	}
	fz_always(ctx) {
		fz_drop_device(ctx, dev);
		fz_drop_stext_page(ctx, text);
		fz_drop_page(ctx, (fz_page *)page);
	}
	fz_catch(ctx)
		rc = pn_caught(ctx);
	if (rc == PN_OK)
		pn_give(d, buf, out);
	return rc;
}

int pn_draw(pn_doc *d, int number, float x0, float y0, float sx, float sy, int w, int h, unsigned char *rgba, int *errors)
{
	fz_context *ctx = d->ctx;
	volatile int rc = PN_OK;
	pdf_page *volatile page = NULL;
	fz_pixmap *volatile pix = NULL;
	fz_device *volatile dev = NULL;
	fz_matrix m = { sx, 0, 0, sy, -x0 * sx, -y0 * sy };
	fz_cookie cookie = { 0, 0, 0, 0, 0 };
	fz_try(ctx) {
		page = pdf_load_page(ctx, d->pdf, number);
		pix = fz_new_pixmap_with_data(ctx, fz_device_rgb(ctx), w, h, NULL, 1, w * 4, rgba);
		fz_clear_pixmap_with_value(ctx, pix, 255);
		dev = fz_new_draw_device(ctx, m, pix);
		fz_enable_device_hints(ctx, dev, FZ_NO_CACHE);
		run(d, page, dev, &cookie);
	}
	fz_always(ctx) {
		fz_drop_device(ctx, dev);
		fz_drop_pixmap(ctx, pix);
		fz_drop_page(ctx, (fz_page *)page);
	}
	fz_catch(ctx)
		rc = pn_caught(ctx);
	*errors = cookie.errors;
	return rc;
}
