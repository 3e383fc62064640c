#define _GNU_SOURCE
#include "doc.h"
#include "fitzdev.h"

#include <string.h>

int pn_plain(fz_context *ctx, fz_colorspace *cs)
{
	const char *name;
	int type;
	if (!cs)
		return 0;
	type = fz_colorspace_type(ctx, cs);
	if (type != FZ_COLORSPACE_GRAY && type != FZ_COLORSPACE_RGB)
		return 0;
	name = fz_colorspace_name(ctx, cs);
	return fz_colorspace_is_device(ctx, cs) || (name && (strcasestr(name, "sRGB") || strcasestr(name, "Adobe RGB") || strcasestr(name, "Display P3")));
}

void pn_drop_image(pn_doc *d, pn_image *image)
{
	fz_drop_image(d->ctx, image->image);
	image->image = NULL;
}

int pn_pixels(pn_doc *d, pn_image *image, int want_w, int want_h, pn_picture *p, int *warnings)
{
	volatile int rc = PN_OK;
	int before = d->warnings;
	fz_pixmap *volatile pix = NULL;
	fz_matrix m = { want_w, 0, 0, want_h, 0, 0 };
	memset(p, 0, sizeof *p);
	fz_try(d->ctx) {
		pix = fz_get_pixmap_from_image(d->ctx, image->image, NULL, want_w > 0 ? &m : NULL, NULL, NULL);
		fz_colorspace *cs = fz_pixmap_colorspace(d->ctx, pix);
		if (cs && !(fz_colorspace_is_device(d->ctx, cs) && pn_plain(d->ctx, cs))) {
			fz_colorspace *to = fz_colorspace_type(d->ctx, cs) == FZ_COLORSPACE_GRAY ? fz_device_gray(d->ctx) : fz_device_rgb(d->ctx);
			fz_pixmap *q = fz_convert_pixmap(d->ctx, pix, to, NULL, NULL, fz_default_color_params, 1);
			fz_drop_pixmap(d->ctx, pix);
			pix = q;
		}
		pn_fill(d->ctx, p, pix);
	}
	fz_catch(d->ctx) {
		rc = pn_caught(d->ctx);
		fz_drop_pixmap(d->ctx, pix);
		pix = NULL;
	}
	p->pix = pix;
	*warnings = d->warnings - before;
	return rc;
}

void pn_drop_pixels(pn_doc *d, pn_picture *p)
{
	fz_drop_pixmap(d->ctx, p->pix);
	p->pix = NULL;
}

int pn_encrypted(pn_doc *d)
{
	char buf[64];
	volatile int yes = 0;
	fz_try(d->ctx)
		yes = fz_lookup_metadata(d->ctx, d->doc, "encryption", buf, sizeof buf) > 0 && strncmp(buf, "None", 4) != 0;
	fz_catch(d->ctx)
		fz_ignore_error(d->ctx);
	return yes;
}
