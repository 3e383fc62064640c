#include "inflate.h"

#include <stdlib.h>

// The part of zlib 1.x's interface that is used here, declared by hand for the
// reason that fitz.h has. inflateInit_ checks the version and the size of the
// structure.
typedef struct {
	const unsigned char *next_in;
	unsigned avail_in;
	unsigned long total_in;
	unsigned char *next_out;
	unsigned avail_out;
	unsigned long total_out;
	const char *msg;
	void *state;
	void *(*zalloc)(void *, unsigned, unsigned);
	void (*zfree)(void *, void *);
	void *opaque;
	int data_type;
	unsigned long adler, reserved;
} z_stream;

int inflateInit_(z_stream *z, const char *version, int size);
int inflate(z_stream *z, int flush);
int inflateEnd(z_stream *z);

enum { Z_NO_FLUSH = 0, Z_OK = 0, Z_STREAM_END = 1, Z_BUF_ERROR = -5 };

struct pn_inflater { z_stream z; };

static void *new_block(void *user, unsigned n, unsigned size)
{
	(void)user;
	return calloc(n, size);
}

static void free_block(void *user, void *block)
{
	(void)user;
	free(block);
}

pn_inflater *pn_inflater_new(void)
{
	pn_inflater *s = calloc(1, sizeof *s);
	if (!s)
		return NULL;
	s->z.zalloc = new_block;
	s->z.zfree = free_block;
	if (inflateInit_(&s->z, "1", (int)sizeof s->z) != Z_OK) {
		free(s);
		return NULL;
	}
	return s;
}

void pn_inflater_free(pn_inflater *s)
{
	if (!s)
		return;
	inflateEnd(&s->z);
	free(s);
}

int pn_inflate(pn_inflater *s, const unsigned char *in, size_t *in_len, unsigned char *out, size_t *out_len)
{
	int rc;
	s->z.next_in = in;
	s->z.avail_in = (unsigned)*in_len;
	s->z.next_out = out;
	s->z.avail_out = (unsigned)*out_len;
	rc = inflate(&s->z, Z_NO_FLUSH);
	*in_len -= s->z.avail_in;
	*out_len -= s->z.avail_out;
	// The bytes are the caller's again.
	s->z.next_in = s->z.next_out = NULL;
	s->z.avail_in = s->z.avail_out = 0;
	switch (rc) {
	case Z_STREAM_END:
		return PN_INFLATE_END;
	case Z_OK:
	case Z_BUF_ERROR: // nothing to do, or no room
		return PN_INFLATE_MORE;
	}
	return PN_INFLATE_BROKEN;
}
