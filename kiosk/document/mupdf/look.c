#define _GNU_SOURCE
#include "doc.h"
#include "fitzdev.h"

#include <math.h>
#include <string.h>

// A census is a device that counts what a page shows.
typedef struct {
	fz_device super;
	pn_content *n;
	pn_image *whole;   // the only picture so far
	fz_cookie *cookie;
	fz_rect page;
	int masks;         // depth of soft masks being made: nothing in there is seen
	int odd;           // something is there that takes a renderer
	int operations;
	int clips;         // depth
	int soft;          // depth of the outermost clip with soft edges, 0 when there is none
	uint64_t cells[64];  // of the page, that pictures cover
	uint64_t ground[64]; // those that hide all or, being of one bit, are scans' ink
} census;

// More operations than any page that people make; bombs have billions.
#define MOST_OPERATIONS 1000000

static census *step(fz_device *dev)
{
	census *s = (census *)dev;
	if (++s->operations > MOST_OPERATIONS) {
		s->n->unfinished = 1;
		s->cookie->abort = 1;
	}
	return s;
}

static fz_rect meet(fz_rect a, fz_rect b)
{
	fz_rect r = { fmaxf(a.x0, b.x0), fmaxf(a.y0, b.y0), fminf(a.x1, b.x1), fminf(a.y1, b.y1) };
	return r;
}

static float area(fz_rect r)
{
	return r.x1 > r.x0 && r.y1 > r.y0 ? (r.x1 - r.x0) * (r.y1 - r.y0) : 0;
}

// seen is what can be seen of the page where something is drawn now.
static fz_rect seen(fz_context *ctx, census *s)
{
	return meet(s->page, fz_device_current_scissor(ctx, &s->super));
}

#define INVISIBLE 0.02f

static void count_text(fz_context *ctx, census *s, const fz_text *text, fz_matrix m, int visible)
{
	fz_rect r = seen(ctx, s);
	float whole = area(s->page);
	for (fz_text_span *span = text->head; span; span = span->next) {
		float size = fabsf((span->trm.a * span->trm.d - span->trm.b * span->trm.c) * (m.a * m.d - m.b * m.c));
		for (int i = 0; i < span->len; i++) {
			fz_text_item *it = &span->items[i];
			float x = m.a * it->x + m.c * it->y + m.e, y = m.b * it->x + m.d * it->y + m.f;
			if (it->gid < 0 || it->ucs == ' ' || it->ucs == 0xa0)
				continue;
			// Less than a point high is dust, or hidden.
			if (!visible || s->masks || size < 1 || !(x >= r.x0 && x <= r.x1 && y >= r.y0 && y <= r.y1)) {
				s->n->hidden++;
				continue;
			}
			s->n->glyphs++;
			if (whole > 0)
				s->n->text += 0.5f * size / whole;
		}
	}
}

static void fill_text(fz_context *ctx, fz_device *dev, const fz_text *text, fz_matrix m, fz_colorspace *cs, const float *color, float alpha, fz_color_params cp)
{
	count_text(ctx, step(dev), text, m, alpha > INVISIBLE);
}

static void stroke_text(fz_context *ctx, fz_device *dev, const fz_text *text, const fz_stroke_state *st, fz_matrix m, fz_colorspace *cs, const float *color, float alpha, fz_color_params cp)
{
	count_text(ctx, step(dev), text, m, alpha > INVISIBLE);
}

static void clip_text(fz_context *ctx, fz_device *dev, const fz_text *text, fz_matrix m, fz_rect scissor)
{
	census *s = step(dev);
	s->clips++;
	count_text(ctx, s, text, m, 1);
}

static void clip_stroke_text(fz_context *ctx, fz_device *dev, const fz_text *text, const fz_stroke_state *st, fz_matrix m, fz_rect scissor)
{
	census *s = step(dev);
	s->clips++;
	count_text(ctx, s, text, m, 1);
}

static void ignore_text(fz_context *ctx, fz_device *dev, const fz_text *text, fz_matrix m)
{
	count_text(ctx, step(dev), text, m, 0);
}

static void on_move(fz_context *ctx, void *arg, float x, float y) { }
static void on_line(fz_context *ctx, void *arg, float x, float y) { ++*(int *)arg; }
static void on_curve(fz_context *ctx, void *arg, float a, float b, float c, float d, float e, float f) { ++*(int *)arg; }
static void on_close(fz_context *ctx, void *arg) { }

static int segments(fz_context *ctx, const fz_path *path)
{
	fz_path_walker w = { on_move, on_line, on_curve, on_close, NULL, NULL, NULL, NULL };
	int n = 0;
	fz_walk_path(ctx, path, &w, &n);
	return n;
}

// white says whether a paint is the paper's own.
static int white(fz_context *ctx, fz_colorspace *cs, const float *color, fz_color_params cp)
{
	float rgb[32] = { 0 };
	if (!cs)
		return 0;
	fz_convert_color(ctx, cs, color, fz_device_rgb(ctx), rgb, NULL, cp);
	return rgb[0] > 0.98f && rgb[1] > 0.98f && rgb[2] > 0.98f;
}

static void count_path(fz_context *ctx, census *s, const fz_path *path, const fz_stroke_state *st, fz_matrix m, fz_colorspace *cs, const float *color, float alpha, fz_color_params cp)
{
	fz_rect r = meet(fz_bound_path(ctx, path, st, m), seen(ctx, s));
	if (s->masks || alpha <= INVISIBLE || !(r.x1 >= r.x0 && r.y1 >= r.y0))
		return;
	if (white(ctx, cs, color, cp)) {
		s->odd |= s->n->images + s->n->stencils > 0; // a part is painted over
		return;
	}
	s->n->segments += segments(ctx, path);
}

static void fill_path(fz_context *ctx, fz_device *dev, const fz_path *path, int even_odd, fz_matrix m, fz_colorspace *cs, const float *color, float alpha, fz_color_params cp)
{
	count_path(ctx, step(dev), path, NULL, m, cs, color, alpha, cp);
}

static void stroke_path(fz_context *ctx, fz_device *dev, const fz_path *path, const fz_stroke_state *st, fz_matrix m, fz_colorspace *cs, const float *color, float alpha, fz_color_params cp)
{
	count_path(ctx, step(dev), path, st, m, cs, color, alpha, cp);
}

// clip_path cuts a picture's page: a rectangle is followed, another shape
// takes a renderer.
static void clip_path(fz_context *ctx, fz_device *dev, const fz_path *path, int even_odd, fz_matrix m, fz_rect scissor)
{
	census *s = step(dev);
	s->clips++;
	if (segments(ctx, path) > 5 || m.a * m.b != 0 || m.c * m.d != 0)
		s->odd = 1;
}

static void clip_stroke_path(fz_context *ctx, fz_device *dev, const fz_path *path, const fz_stroke_state *st, fz_matrix m, fz_rect scissor)
{
	census *s = step(dev);
	s->clips++;
	s->odd = 1;
}

static void fill_shade(fz_context *ctx, fz_device *dev, fz_shade *shade, fz_matrix m, float alpha, fz_color_params cp)
{
	census *s = step(dev);
	if (!s->masks && alpha > INVISIBLE && area(seen(ctx, s)) > 0)
		s->n->shades++;
}

// place marks the cells whose centres lie in a picture.
static void place(census *s, uint64_t *cells, fz_matrix m, fz_rect r)
{
	float det = m.a * m.d - m.b * m.c;
	if (!(fabsf(det) > 1e-6f))
		return;
	for (int j = 0; j < 64; j++) {
		for (int i = 0; i < 64; i++) {
			float x = s->page.x0 + (i + 0.5f) / 64 * (s->page.x1 - s->page.x0);
			float y = s->page.y0 + (j + 0.5f) / 64 * (s->page.y1 - s->page.y0);
			float u = (m.d * (x - m.e) - m.c * (y - m.f)) / det;
			float v = (m.a * (y - m.f) - m.b * (x - m.e)) / det;
			if (u >= 0 && u <= 1 && v >= 0 && v <= 1 && x >= r.x0 && x <= r.x1 && y >= r.y0 && y <= r.y1)
				cells[j] |= (uint64_t)1 << i;
		}
	}
}

static float part(const uint64_t *cells)
{
	int n = 0;
	for (int j = 0; j < 64; j++)
		n += __builtin_popcountll(cells[j]);
	return n / 4096.0f;
}

// bury takes back what lies below a picture that hides all of it: the text
// layers of some scans.
static void bury(census *s)
{
	s->n->hidden += s->n->glyphs;
	s->n->glyphs = s->n->segments = s->n->shades = s->n->images = s->n->stencils = 0;
	s->n->text = 0;
	s->odd = 0;
}

static void drop_whole(fz_context *ctx, census *s)
{
	fz_drop_image(ctx, s->whole->image);
	s->whole->image = NULL;
}

static void keep_whole(fz_context *ctx, census *s, fz_image *image, fz_matrix m, fz_rect r, int stencil)
{
	drop_whole(ctx, s);
	if (s->n->images + s->n->stencils != 1)
		return;
	pn_image w = { fz_keep_image(ctx, image), image->w, image->h, image->bpc, stencil,
		m.a, m.b, m.c, m.d, m.e, m.f, r.x0, r.y0, r.x1, r.y1, NULL, 0 };
	*s->whole = w;
}

static void fill_image(fz_context *ctx, fz_device *dev, fz_image *image, fz_matrix m, float alpha, fz_color_params cp)
{
	census *s = step(dev);
	fz_rect r = seen(ctx, s);
	int opaque = alpha == 1 && !image->mask && !image->use_colorkey && !s->odd;
	if (s->masks || alpha <= INVISIBLE || !(area(r) > 0))
		return;
	uint64_t cells[64] = { 0 };
	place(s, cells, m, r);
	if (opaque && part(cells) >= 0.98f)
		bury(s);
	if (!opaque)
		s->odd = 1;
	for (int j = 0; j < 64; j++) {
		s->cells[j] |= cells[j];
		if (!image->mask && !s->soft)
			s->ground[j] |= cells[j];
	}
	s->n->images++;
	if ((long long)image->w * image->h > s->n->largest)
		s->n->largest = (long long)image->w * image->h;
	keep_whole(ctx, s, image, m, r, 0);
}

static void fill_image_mask(fz_context *ctx, fz_device *dev, fz_image *image, fz_matrix m, fz_colorspace *cs, const float *color, float alpha, fz_color_params cp)
{
	census *s = step(dev);
	fz_rect r = seen(ctx, s);
	float gray[32] = { 1 };
	if (s->masks || alpha <= INVISIBLE || !(area(r) > 0))
		return;
	if (cs)
		fz_convert_color(ctx, cs, color, fz_device_gray(ctx), gray, NULL, cp);
	if (alpha < 1 || gray[0] > 0.15f)
		s->odd = 1;
	place(s, s->cells, m, r);
	place(s, s->ground, m, r);
	s->n->stencils++;
	keep_whole(ctx, s, image, m, r, 1);
}

static void clip_image_mask(fz_context *ctx, fz_device *dev, fz_image *image, fz_matrix m, fz_rect scissor)
{
	census *s = step(dev);
	s->odd = 1;
	s->clips++;
	if (!s->soft && image->bpc > 1)
		s->soft = s->clips;
	if (s->masks || image->bpc > 1)
		return;
	place(s, s->cells, m, seen(ctx, s));
	place(s, s->ground, m, seen(ctx, s));
	s->n->stencils++;
}

static void pop_clip(fz_context *ctx, fz_device *dev)
{
	census *s = step(dev);
	if (s->soft == s->clips)
		s->soft = 0;
	s->clips--;
}

static void begin_mask(fz_context *ctx, fz_device *dev, fz_rect r, int luminosity, fz_colorspace *cs, const float *color, fz_color_params cp)
{
	census *s = step(dev);
	s->masks++;
	s->odd = 1;
}

// end_mask leaves a clip.
static void end_mask(fz_context *ctx, fz_device *dev, fz_function *f)
{
	census *s = step(dev);
	s->masks--;
	s->clips++;
}

static void begin_group(fz_context *ctx, fz_device *dev, fz_rect r, fz_colorspace *cs, int isolated, int knockout, int blendmode, float alpha)
{
	census *s = step(dev);
	if ((blendmode & 15) != 0 || alpha < 1)
		s->odd = 1;
}

static int begin_tile(fz_context *ctx, fz_device *dev, fz_rect r, fz_rect view, float x, float y, fz_matrix m, int id)
{
	step(dev)->odd = 1;
	return 0;
}

static fz_device *new_census(fz_context *ctx, pn_content *content, pn_image *image, fz_cookie *cookie, fz_rect page)
{
	census *s = (census *)fz_new_device_of_size(ctx, sizeof *s);
	s->super.fill_path = fill_path;
	s->super.stroke_path = stroke_path;
	s->super.clip_path = clip_path;
	s->super.clip_stroke_path = clip_stroke_path;
	s->super.fill_text = fill_text;
	s->super.stroke_text = stroke_text;
	s->super.clip_text = clip_text;
	s->super.clip_stroke_text = clip_stroke_text;
	s->super.ignore_text = ignore_text;
	s->super.fill_shade = fill_shade;
	s->super.fill_image = fill_image;
	s->super.fill_image_mask = fill_image_mask;
	s->super.clip_image_mask = clip_image_mask;
	s->super.pop_clip = pop_clip;
	s->super.begin_mask = begin_mask;
	s->super.end_mask = end_mask;
	s->super.begin_group = begin_group;
	s->super.begin_tile = begin_tile;
	s->n = content;
	s->whole = image;
	s->cookie = cookie;
	s->page = page;
	return &s->super;
}

// find_jpeg gives a picture's JPEG data when decoding it is all there is to do.
static void find_jpeg(fz_context *ctx, pn_image *p)
{
	fz_image *image = p->image;
	fz_compressed_buffer *b = fz_compressed_image_buffer(ctx, image);
	unsigned char *data;
	if (!b || b->params.type != FZ_IMAGE_JPEG || image->use_decode || image->bpc != 8 || !pn_plain(ctx, image->colorspace))
		return;
	// -1 and 1 are what decoders do of their own; 0 says that it is RGB.
	if (b->params.u.jpeg.color_transform == 0 && image->n == 3)
		return;
	p->jpeg_len = fz_buffer_storage(ctx, b->buffer, &data);
	p->jpeg = data;
}

int pn_look(pn_doc *d, int number, pn_content *content, pn_image *image)
{
	volatile int rc = PN_OK;
	fz_page *volatile page = NULL;
	fz_device *volatile dev = NULL;
	fz_matrix identity = { 1, 0, 0, 1, 0, 0 };
	fz_cookie cookie = { 0, 0, 0, 0, 0 };
	memset(content, 0, sizeof *content);
	memset(image, 0, sizeof *image);
	fz_try(d->ctx) {
		page = fz_load_page(d->ctx, d->doc, number);
		dev = new_census(d->ctx, content, image, &cookie, fz_bound_page(d->ctx, page));
		fz_enable_device_hints(d->ctx, dev, FZ_NO_CACHE);
		fz_run_page(d->ctx, page, dev, identity, &cookie);
		fz_close_device(d->ctx, dev);
		census *s = (census *)dev;
		content->covered = part(s->cells);
		content->ground = part(s->ground);
		if (image->image && (s->odd || content->images + content->stencils != 1 || content->unfinished || cookie.errors
				|| content->glyphs || content->segments || content->shades))
			drop_whole(d->ctx, s);
		if (image->image && !image->stencil)
			find_jpeg(d->ctx, image);
	}
	fz_always(d->ctx) {
		fz_drop_device(d->ctx, dev);
		fz_drop_page(d->ctx, page);
	}
	fz_catch(d->ctx) {
		rc = pn_caught(d->ctx);
		pn_drop_image(d, image);
	}
	return rc;
}
