#define _GNU_SOURCE
#include "tj.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stddef.h>

#ifndef RTLD_DEEPBIND
#define RTLD_DEEPBIND 0
#endif

enum { FLAG_ACCURATE_DCT = 4096, FLAG_LIMIT_SCANS = 32768 };

// Below this quality the fast DCT's error drowns in the quantisation's.
#define ACCURATE_FROM 80

typedef void *handle;

static struct {
	int ok;
	handle (*new_decoder)(void);
	handle (*new_encoder)(void);
	int (*destroy)(handle);
	int (*header)(handle, const unsigned char *, unsigned long, int *, int *, int *, int *);
	int (*decode)(handle, const unsigned char *, unsigned long, unsigned char *, int, int, int, int, int);
	int (*encode)(handle, const unsigned char *, int, int, int, int, unsigned char **, unsigned long *, int, int, int);
	int (*join)(handle, const unsigned char **, const int *, int, unsigned char *, int, int, int, int, int); // may be missing
	int (*error)(handle);
	void (*free)(unsigned char *);
} tj;

static pthread_once_t once = PTHREAD_ONCE_INIT;

// load opens the library with its own symbols before ours: other code of this
// program has functions of the same names.
static void load(void)
{
	void *lib = dlopen("libturbojpeg.so.0", RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND);
	if (!lib)
		return;
	*(void **)&tj.new_decoder = dlsym(lib, "tjInitDecompress");
	*(void **)&tj.new_encoder = dlsym(lib, "tjInitCompress");
	*(void **)&tj.destroy = dlsym(lib, "tjDestroy");
	*(void **)&tj.header = dlsym(lib, "tjDecompressHeader3");
	*(void **)&tj.decode = dlsym(lib, "tjDecompress2");
	*(void **)&tj.encode = dlsym(lib, "tjCompress2");
	*(void **)&tj.join = dlsym(lib, "tjDecodeYUVPlanes");
	*(void **)&tj.error = dlsym(lib, "tjGetErrorCode");
	*(void **)&tj.free = dlsym(lib, "tjFree");
	tj.ok = tj.new_decoder && tj.new_encoder && tj.destroy && tj.header && tj.decode && tj.encode && tj.error && tj.free;
}

int tj_available(void)
{
	pthread_once(&once, load);
	return tj.ok;
}

// outcome tells a warning, after which there is a picture, from an error. A
// handle that says neither failed before it read anything.
static int outcome(handle h, int rc)
{
	if (rc == 0)
		return TJ_OK;
	return tj.error(h) == 0 ? TJ_WARNING : TJ_BROKEN;
}

int tj_header(const unsigned char *data, unsigned long len, int *w, int *h, int *space)
{
	int sampling, rc;
	handle d;
	if (!tj_available() || !(d = tj.new_decoder()))
		return TJ_MISSING;
	rc = outcome(d, tj.header(d, data, len, w, h, &sampling, space));
	tj.destroy(d);
	return rc;
}

int tj_decode(const unsigned char *data, unsigned long len, unsigned char *pix, int w, int h, int stride, int format)
{
	int rc;
	handle d;
	if (!tj_available() || !(d = tj.new_decoder()))
		return TJ_MISSING;
	rc = outcome(d, tj.decode(d, data, len, pix, w, stride, h, format, FLAG_LIMIT_SCANS));
	tj.destroy(d);
	return rc;
}

int tj_join(const unsigned char *y, const unsigned char *cb, const unsigned char *cr, int plane_stride, unsigned char *pix, int w, int h, int stride, int format)
{
	int rc;
	handle d;
	const unsigned char *planes[3] = { y, cb, cr };
	int strides[3] = { plane_stride, plane_stride, plane_stride };
	if (!tj_available() || !tj.join || !(d = tj.new_decoder()))
		return TJ_MISSING;
	rc = outcome(d, tj.join(d, planes, strides, TJ_SAMPLE_444, pix, w, stride, h, format, 0));
	tj.destroy(d);
	return rc;
}

int tj_encode(const unsigned char *pix, int w, int h, int stride, int format, int sampling, int quality, unsigned char **out, unsigned long *size)
{
	int rc;
	handle e;
	*out = NULL;
	*size = 0;
	if (!tj_available() || !(e = tj.new_encoder()))
		return TJ_MISSING;
	rc = outcome(e, tj.encode(e, pix, w, stride, h, format, out, size, sampling, quality, quality >= ACCURATE_FROM ? FLAG_ACCURATE_DCT : 0));
	tj.destroy(e);
	return rc;
}

void tj_free(unsigned char *out)
{
	if (out)
		tj.free(out);
}
