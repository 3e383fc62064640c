// The part of TurboJPEG's C interface that this package uses, found in the
// library at run time. The calls are those of version 2, which version 3 still
// has, with the same numbers.

#ifndef POINTNUM_TJ_H
#define POINTNUM_TJ_H

enum { TJ_OK, TJ_WARNING, TJ_BROKEN, TJ_MISSING };

// TurboJPEG's numbers.
enum { TJ_RGBX = 2, TJ_GRAY = 6, TJ_RGBA = 7, TJ_CMYK = 11 };
enum { TJ_SAMPLE_444, TJ_SAMPLE_420 = 2, TJ_SAMPLE_GRAY };
enum { TJ_SPACE_YCC = 1, TJ_SPACE_GRAY, TJ_SPACE_CMYK = 3, TJ_SPACE_YCCK = 4 };

// tj_available loads the library at its first call.
int tj_available(void);
int tj_header(const unsigned char *data, unsigned long len, int *w, int *h, int *space);
// tj_decode decodes to w x h samples, which is the picture's size or some
// eighths of it.
int tj_decode(const unsigned char *data, unsigned long len, unsigned char *pix, int w, int h, int stride, int format);
// tj_join makes pixels of planes of luma and chroma of their size.
int tj_join(const unsigned char *y, const unsigned char *cb, const unsigned char *cr, int plane_stride, unsigned char *pix, int w, int h, int stride, int format);
// tj_encode gives bytes that tj_free frees.
int tj_encode(const unsigned char *pix, int w, int h, int stride, int format, int sampling, int quality, unsigned char **out, unsigned long *size);
void tj_free(unsigned char *out);

#endif
