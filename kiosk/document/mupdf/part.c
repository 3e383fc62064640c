#include "pdf.h"

int pn_glyphs(pn_doc *d, int number, const unsigned char *s, size_t len, pn_bytes *out)
{
	fz_context *ctx = d->ctx;
	volatile int rc = PN_OK;
	fz_buffer *volatile buf = NULL;
	pdf_obj *volatile obj = NULL;
	pdf_font_desc *volatile font = NULL;
	fz_try(ctx) {
		size_t pos = 0;
		buf = fz_new_buffer(ctx, 256);
		obj = pdf_new_indirect(ctx, d->pdf, number, 0);
		font = pdf_load_font(ctx, d->pdf, NULL, obj);
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
		rc = pn_caught(ctx);
		fz_drop_buffer(ctx, buf);
		return rc;
	}
	pn_give(d, buf, out);
	return PN_OK;
}

int pn_subset(pn_doc *d, int is_cff, int symbolic, int cid, const unsigned char *font, size_t len, int *glyphs, int n, pn_bytes *out)
{
	fz_context *ctx = d->ctx;
	volatile int rc = PN_OK;
	fz_buffer *volatile buf = NULL, *volatile sub = NULL;
	fz_try(ctx) {
		buf = fz_new_buffer_from_shared_data(ctx, font, len);
		sub = is_cff ? fz_subset_cff_for_gids(ctx, buf, glyphs, n, symbolic, cid) : fz_subset_ttf_for_gids(ctx, buf, glyphs, n, symbolic, cid);
	}
	fz_always(ctx)
		fz_drop_buffer(ctx, buf);
	fz_catch(ctx)
		rc = pn_caught(ctx);
	if (rc == PN_OK)
		pn_give(d, sub, out);
	return rc;
}

int pn_samples(pn_doc *d, int number, int want_w, int want_h, pn_picture *p)
{
	fz_context *ctx = d->ctx;
	volatile int rc = PN_OK;
	pdf_obj *volatile obj = NULL;
	pn_image image = { 0 };
	fz_image *volatile img = NULL;
	int warnings;
	fz_try(ctx) {
		obj = pdf_new_indirect(ctx, d->pdf, number, 0);
		img = pdf_load_image(ctx, d->pdf, obj);
	}
	fz_always(ctx)
		pdf_drop_obj(ctx, obj);
	fz_catch(ctx)
		return pn_caught(ctx);
	image.image = img;
	rc = pn_pixels(d, &image, want_w, want_h, p, &warnings);
	fz_drop_image(ctx, img);
	return rc;
}
