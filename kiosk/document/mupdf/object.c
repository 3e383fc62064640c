#include "pdf.h"

void pn_give(pn_doc *d, fz_buffer *buf, pn_bytes *out)
{
	unsigned char *data = NULL;
	fz_drop_buffer(d->ctx, d->out);
	d->out = buf;
	out->len = buf ? fz_buffer_storage(d->ctx, buf, &data) : 0;
	out->data = data;
}

int pn_objects(pn_doc *d, int *n)
{
	int rc = PN_OK;
	fz_try(d->ctx)
		*n = pdf_xref_len(d->ctx, d->pdf);
	fz_catch(d->ctx)
		rc = pn_caught(d->ctx);
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

void pn_print_key(fz_context *ctx, fz_buffer *buf, const char *key, pdf_obj *value)
{
	if (!value)
		return;
	fz_append_string(ctx, buf, "/");
	fz_append_string(ctx, buf, key);
	fz_append_string(ctx, buf, " ");
	print(ctx, buf, value);
	fz_append_string(ctx, buf, "\n");
}

static int print_object(pn_doc *d, int number, pn_bytes *out)
{
	fz_context *ctx = d->ctx;
	volatile int rc = PN_OK;
	pdf_obj *volatile obj = NULL;
	fz_buffer *volatile buf = NULL;
	fz_try(ctx) {
		buf = fz_new_buffer(ctx, 256);
		if (number > 0) {
			obj = pdf_load_object(ctx, d->pdf, number);
			print(ctx, buf, obj);
		} else {
			print(ctx, buf, pdf_dict_gets(ctx, pdf_trailer(ctx, d->pdf), "Root"));
		}
	}
	fz_always(ctx)
		pdf_drop_obj(ctx, obj);
	fz_catch(ctx) {
		rc = pn_caught(ctx);
		fz_drop_buffer(ctx, buf);
		return rc;
	}
	pn_give(d, buf, out);
	return PN_OK;
}

int pn_root(pn_doc *d, pn_bytes *out) { return print_object(d, 0, out); }

int pn_object(pn_doc *d, int number, pn_bytes *out, int *is_stream)
{
	int rc = print_object(d, number, out);
	if (rc != PN_OK)
		return rc;
	fz_try(d->ctx)
		*is_stream = pdf_obj_num_is_stream(d->ctx, d->pdf, number);
	fz_catch(d->ctx)
		rc = pn_caught(d->ctx);
	return rc;
}

int pn_raw(pn_doc *d, int number, pn_bytes *out)
{
	volatile int rc = PN_OK;
	fz_buffer *volatile buf = NULL;
	fz_try(d->ctx)
		buf = pdf_load_raw_stream_number(d->ctx, d->pdf, number);
	fz_catch(d->ctx)
		rc = pn_caught(d->ctx);
	if (rc == PN_OK)
		pn_give(d, buf, out);
	return rc;
}

int pn_unpacked(pn_doc *d, int number, size_t max, pn_bytes *out)
{
	fz_context *ctx = d->ctx;
	volatile int rc = PN_OK;
	fz_buffer *volatile buf = NULL;
	fz_stream *volatile stm = NULL;
	fz_try(ctx) {
		unsigned char chunk[8192];
		size_t n, total = 0;
		buf = fz_new_buffer(ctx, sizeof chunk);
		stm = pdf_open_stream_number(ctx, d->pdf, number);
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
		rc = pn_caught(ctx);
	if (rc != PN_OK) {
		fz_drop_buffer(ctx, buf);
		return rc;
	}
	pn_give(d, buf, out);
	return PN_OK;
}
