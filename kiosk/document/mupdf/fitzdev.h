// More of MuPDF 1.24.9's C interface, declared by hand as in fitz.h: what a
// device of our own is called with.

#ifndef POINTNUM_FITZDEV_H
#define POINTNUM_FITZDEV_H

#include <stdint.h>

#include "fitz.h"

typedef struct fz_path fz_path;
typedef struct fz_shade fz_shade;
typedef struct fz_stroke_state fz_stroke_state;
typedef struct fz_function fz_function;

// text.h
typedef struct { float x, y; int gid, ucs, cid; } fz_text_item;
typedef struct fz_text_span {
	void *font;
	fz_matrix trm;
	unsigned wmode : 1;
	unsigned bidi_level : 7;
	unsigned markup_dir : 2;
	unsigned language : 15;
	int len, cap;
	fz_text_item *items;
	struct fz_text_span *next;
} fz_text_span;
typedef struct {
	int refs;
	fz_text_span *head, *tail;
} fz_text;

// path.h
typedef struct {
	void (*moveto)(fz_context *, void *, float, float);
	void (*lineto)(fz_context *, void *, float, float);
	void (*curveto)(fz_context *, void *, float, float, float, float, float, float);
	void (*closepath)(fz_context *, void *);
	void (*quadto)(fz_context *, void *, float, float, float, float);
	void (*curvetov)(fz_context *, void *, float, float, float, float);
	void (*curvetoy)(fz_context *, void *, float, float, float, float);
	void (*rectto)(fz_context *, void *, float, float, float, float);
} fz_path_walker;
void fz_walk_path(fz_context *ctx, const fz_path *path, const fz_path_walker *walker, void *arg);
fz_rect fz_bound_path(fz_context *ctx, const fz_path *path, const fz_stroke_state *stroke, fz_matrix ctm);

// device.h
struct fz_device {
	int refs, hints, flags;
	void (*close_device)(fz_context *, fz_device *);
	void (*drop_device)(fz_context *, fz_device *);
	void (*fill_path)(fz_context *, fz_device *, const fz_path *, int even_odd, fz_matrix, fz_colorspace *, const float *color, float alpha, fz_color_params);
	void (*stroke_path)(fz_context *, fz_device *, const fz_path *, const fz_stroke_state *, fz_matrix, fz_colorspace *, const float *color, float alpha, fz_color_params);
	void (*clip_path)(fz_context *, fz_device *, const fz_path *, int even_odd, fz_matrix, fz_rect scissor);
	void (*clip_stroke_path)(fz_context *, fz_device *, const fz_path *, const fz_stroke_state *, fz_matrix, fz_rect scissor);
	void (*fill_text)(fz_context *, fz_device *, const fz_text *, fz_matrix, fz_colorspace *, const float *color, float alpha, fz_color_params);
	void (*stroke_text)(fz_context *, fz_device *, const fz_text *, const fz_stroke_state *, fz_matrix, fz_colorspace *, const float *color, float alpha, fz_color_params);
	void (*clip_text)(fz_context *, fz_device *, const fz_text *, fz_matrix, fz_rect scissor);
	void (*clip_stroke_text)(fz_context *, fz_device *, const fz_text *, const fz_stroke_state *, fz_matrix, fz_rect scissor);
	void (*ignore_text)(fz_context *, fz_device *, const fz_text *, fz_matrix);
	void (*fill_shade)(fz_context *, fz_device *, fz_shade *, fz_matrix, float alpha, fz_color_params);
	void (*fill_image)(fz_context *, fz_device *, fz_image *, fz_matrix, float alpha, fz_color_params);
	void (*fill_image_mask)(fz_context *, fz_device *, fz_image *, fz_matrix, fz_colorspace *, const float *color, float alpha, fz_color_params);
	void (*clip_image_mask)(fz_context *, fz_device *, fz_image *, fz_matrix, fz_rect scissor);
	void (*pop_clip)(fz_context *, fz_device *);
	void (*begin_mask)(fz_context *, fz_device *, fz_rect, int luminosity, fz_colorspace *, const float *, fz_color_params);
	void (*end_mask)(fz_context *, fz_device *, fz_function *);
	void (*begin_group)(fz_context *, fz_device *, fz_rect, fz_colorspace *, int isolated, int knockout, int blendmode, float alpha);
	void (*end_group)(fz_context *, fz_device *);
	int (*begin_tile)(fz_context *, fz_device *, fz_rect area, fz_rect view, float xstep, float ystep, fz_matrix, int id);
	void (*end_tile)(fz_context *, fz_device *);
	void (*render_flags)(fz_context *, fz_device *, int set, int clear);
	void (*set_default_colorspaces)(fz_context *, fz_device *, fz_default_colorspaces *);
	void (*begin_layer)(fz_context *, fz_device *, const char *);
	void (*end_layer)(fz_context *, fz_device *);
	void (*begin_structure)(fz_context *, fz_device *, int, const char *, int);
	void (*end_structure)(fz_context *, fz_device *);
	void (*begin_metatext)(fz_context *, fz_device *, int, const char *);
	void (*end_metatext)(fz_context *, fz_device *);
	fz_rect d1_rect;
	int container_len, container_cap;
	void *container;
};
fz_device *fz_new_device_of_size(fz_context *ctx, int size);
fz_rect fz_device_current_scissor(fz_context *ctx, fz_device *dev);

// store.h, image.h: the head of an image, as far as it is read.
struct fz_image {
	struct { struct { int refs; void (*drop)(void); void (*droppable)(void); } storable; short store_key_refs; } key_storable;
	int w, h;
	uint8_t n, bpc;
	unsigned int imagemask : 1;
	unsigned int interpolate : 1;
	unsigned int use_colorkey : 1;
	unsigned int use_decode : 1;
	unsigned int decoded : 1;
	unsigned int scalable : 1;
	uint8_t orientation;
	fz_image *mask;
	int xres, yres;
	fz_colorspace *colorspace;
};
fz_image *fz_keep_image(fz_context *ctx, fz_image *image);

// compressed-buffer.h: what a JPEG says of its colours.
enum { FZ_IMAGE_JPEG = 9 };
typedef struct {
	int refs;
	struct {
		int type;
		union { struct { int color_transform, invert_cmyk; } jpeg; int fax[8]; void *align; } u;
	} params;
	fz_buffer *buffer;
} fz_compressed_buffer;
fz_compressed_buffer *fz_compressed_image_buffer(fz_context *ctx, fz_image *image);

// color.h, buffer.h, document.h
enum { FZ_COLORSPACE_GRAY = 1, FZ_COLORSPACE_RGB = 2 };
int fz_colorspace_type(fz_context *ctx, fz_colorspace *cs);
int fz_colorspace_is_device(fz_context *ctx, fz_colorspace *cs);
const char *fz_colorspace_name(fz_context *ctx, fz_colorspace *cs);
void fz_convert_color(fz_context *ctx, fz_colorspace *ss, const float *sv, fz_colorspace *ds, float *dv, fz_colorspace *is, fz_color_params params);
fz_colorspace *fz_device_gray(fz_context *ctx);
fz_colorspace *fz_pixmap_colorspace(fz_context *ctx, const fz_pixmap *pix);
size_t fz_buffer_storage(fz_context *ctx, fz_buffer *buf, unsigned char **datap);
int fz_lookup_metadata(fz_context *ctx, fz_document *doc, const char *key, char *buf, int size);

#endif
