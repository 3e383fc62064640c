// More of MuPDF 1.24.9's C interface, declared by hand as in fitz.h: objects,
// annotations, fonts and words of PDF files. And what the files that use it
// share.

#ifndef POINTNUM_PDF_H
#define POINTNUM_PDF_H

#include "doc.h"

typedef struct pdf_obj pdf_obj;
typedef struct pdf_page pdf_page;
typedef struct pdf_annot pdf_annot;
typedef struct pdf_cmap pdf_cmap;
typedef struct fz_font fz_font;
typedef struct fz_stext_page fz_stext_page;
typedef struct { int flags; float scale; } fz_stext_options;

// pdf/object.h, pdf/xref.h
pdf_obj *pdf_trailer(fz_context *ctx, pdf_document *doc);
int pdf_xref_len(fz_context *ctx, pdf_document *doc);
pdf_obj *pdf_new_indirect(fz_context *ctx, pdf_document *doc, int num, int gen);
pdf_obj *pdf_load_object(fz_context *ctx, pdf_document *doc, int num);
void pdf_drop_obj(fz_context *ctx, pdf_obj *obj);
pdf_obj *pdf_dict_gets(fz_context *ctx, pdf_obj *dict, const char *key);
pdf_obj *pdf_dict_gets_inheritable(fz_context *ctx, pdf_obj *dict, const char *key);
int pdf_is_dict(fz_context *ctx, pdf_obj *obj);
int pdf_is_indirect(fz_context *ctx, pdf_obj *obj);
int pdf_to_int(fz_context *ctx, pdf_obj *obj);
const char *pdf_to_name(fz_context *ctx, pdf_obj *obj);
int pdf_obj_num_is_stream(fz_context *ctx, pdf_document *doc, int num);
char *pdf_sprint_obj(fz_context *ctx, char *buf, size_t cap, size_t *len, pdf_obj *obj, int tight, int ascii);
fz_buffer *pdf_load_raw_stream_number(fz_context *ctx, pdf_document *doc, int num);
fz_stream *pdf_open_stream_number(fz_context *ctx, pdf_document *doc, int num);

// pdf/page.h, pdf/annot.h, pdf/form.h
pdf_obj *pdf_lookup_page_obj(fz_context *ctx, pdf_document *doc, int needle);
pdf_page *pdf_load_page(fz_context *ctx, pdf_document *doc, int number);
pdf_annot *pdf_first_annot(fz_context *ctx, pdf_page *page);
pdf_annot *pdf_next_annot(fz_context *ctx, pdf_annot *annot);
pdf_annot *pdf_first_widget(fz_context *ctx, pdf_page *page);
pdf_annot *pdf_next_widget(fz_context *ctx, pdf_annot *annot);
pdf_obj *pdf_annot_obj(fz_context *ctx, pdf_annot *annot);
pdf_obj *pdf_annot_ap(fz_context *ctx, pdf_annot *annot);
void pdf_annot_push_local_xref(fz_context *ctx, pdf_annot *annot);
void pdf_run_annot(fz_context *ctx, pdf_annot *annot, fz_device *dev, fz_matrix ctm, fz_cookie *cookie);
void fz_run_page_contents(fz_context *ctx, fz_page *page, fz_device *dev, fz_matrix transform, fz_cookie *cookie);
int pdf_signature_is_signed(fz_context *ctx, pdf_document *doc, pdf_obj *field);

// fitz/store.h, pdf/font.h: the head of a font, as far as it is used.
typedef struct { int refs; void (*drop)(void); int (*droppable)(void); } fz_storable;
typedef struct {
	fz_storable storable;
	size_t size;
	fz_font *font;
	int flags;
	float italic_angle, ascent, descent, cap_height, x_height, missing_width;
	pdf_cmap *encoding;
} pdf_font_desc;
pdf_font_desc *pdf_load_font(fz_context *ctx, pdf_document *doc, pdf_obj *rdb, pdf_obj *obj);
void pdf_drop_font(fz_context *ctx, pdf_font_desc *font);
int pdf_font_cid_to_gid(fz_context *ctx, pdf_font_desc *fontdesc, int cid);
int pdf_decode_cmap(pdf_cmap *cmap, unsigned char *s, unsigned char *e, unsigned int *cpt);
int pdf_lookup_cmap(pdf_cmap *cmap, unsigned int cpt);
fz_buffer *fz_subset_ttf_for_gids(fz_context *ctx, fz_buffer *orig, int *gids, int num_gids, int symbolic, int cidfont);
fz_buffer *fz_subset_cff_for_gids(fz_context *ctx, fz_buffer *orig, int *gids, int num_gids, int symbolic, int cidfont);

// pdf/resource.h, fitz/buffer.h, fitz/stream.h, fitz/util.h
fz_image *pdf_load_image(fz_context *ctx, pdf_document *doc, pdf_obj *obj);
fz_colorspace *fz_device_gray(fz_context *ctx);
fz_buffer *fz_new_buffer(fz_context *ctx, size_t capacity);
void fz_append_data(fz_context *ctx, fz_buffer *buf, const void *data, size_t len);
void fz_append_string(fz_context *ctx, fz_buffer *buf, const char *str);
size_t fz_buffer_storage(fz_context *ctx, fz_buffer *buf, unsigned char **datap);
size_t fz_read(fz_context *ctx, fz_stream *stm, unsigned char *data, size_t len);
fz_stext_page *fz_new_stext_page(fz_context *ctx, fz_rect mediabox);
fz_device *fz_new_stext_device(fz_context *ctx, fz_stext_page *page, const fz_stext_options *options);
fz_buffer *fz_new_buffer_from_stext_page(fz_context *ctx, fz_stext_page *text);
void fz_drop_stext_page(fz_context *ctx, fz_stext_page *page);
void fz_free(fz_context *ctx, void *p);
void fz_rethrow(fz_context *ctx) __attribute__((noreturn));


// pn_give hands a buffer over; the document owns it from now on.
void pn_give(pn_doc *d, fz_buffer *buf, pn_bytes *out);
// pn_print_key appends a key and its value when there is one; it may throw.
void pn_print_key(fz_context *ctx, fz_buffer *buf, const char *key, pdf_obj *value);

#endif
