// zlib's decompressor, which comes with MuPDF's library.

#ifndef POINTNUM_INFLATE_H
#define POINTNUM_INFLATE_H

#include <stddef.h>

enum { PN_INFLATE_MORE, PN_INFLATE_END, PN_INFLATE_BROKEN };

typedef struct pn_inflater pn_inflater;

// pn_inflater_new gives NULL when there is no memory, or another zlib.
pn_inflater *pn_inflater_new(void);
void pn_inflater_free(pn_inflater *z);
// pn_inflate unpacks as much as there is of in or fits into out, and says how
// much of either it used.
int pn_inflate(pn_inflater *z, const unsigned char *in, size_t *in_len, unsigned char *out, size_t *out_len);

#endif
