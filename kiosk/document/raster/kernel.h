// The innermost loops over pixels, which the C compiler turns into
// instructions that work on sixteen bytes at once. All lengths were checked by
// the caller; nothing here allocates or remembers anything.

#ifndef POINTNUM_RASTER_KERNEL_H
#define POINTNUM_RASTER_KERNEL_H

#include <stddef.h>
#include <stdint.h>

// rk_mix adds up rows of n bytes, each with its share of 256.
void rk_mix(uint8_t *to, const uint8_t *from, size_t stride, size_t n, const uint16_t *share, size_t rows);
// rk_shrink makes each of n pixels of four bytes of the four from at[i] on.
// share holds each share four times.
void rk_shrink(uint8_t *to, const uint8_t *from, const uint32_t *at, const uint16_t *share, size_t n);
// rk_shrink_gray does the same for pixels of one byte; share holds each once.
void rk_shrink_gray(uint8_t *to, const uint8_t *from, const uint32_t *at, const uint16_t *share, size_t n);
// rk_halve makes n pixels of four bytes of as many squares of two by two.
void rk_halve(uint8_t *to, const uint8_t *above, const uint8_t *below, size_t n);
// rk_halve_gray does the same for pixels of one byte.
void rk_halve_gray(uint8_t *to, const uint8_t *above, const uint8_t *below, size_t n);
// rk_gray gives the brightness of pixels of four bytes, sixteen at a time, up
// to the first that are not opaque. It says how many it made.
size_t rk_gray(uint8_t *to, const uint8_t *from, size_t n);
// rk_opaque says whether n pixels of four bytes are opaque.
int rk_opaque(const uint8_t *from, size_t n);
// rk_double makes the two rows of twice as many pixels that lie between from
// and above and between from and below, n pixels of depth bytes each.
void rk_double(uint8_t *upper, uint8_t *lower, const uint8_t *above, const uint8_t *from, const uint8_t *below, size_t n, size_t depth);

// rk_light says of the light of a row how many squares of so many pixels it is
// measured in, what is taken away from what was multiplied, and how little
// below white is taken for paper.
struct rk_light {
	int squares, block;
	int32_t offset;
	int faint;
};

// rk_whiten makes the pixels from x0 to x1 of a row white, of which from is the
// first. gain is what those at the middles of the squares are multiplied by, in
// 1/4096, three of each square.
void rk_whiten(uint8_t *to, const uint8_t *from, int x0, int x1, const uint32_t *gain, struct rk_light l);
// rk_whiten_gray does the same for pixels of one byte, by the gains of green.
void rk_whiten_gray(uint8_t *to, const uint8_t *from, int x0, int x1, const uint32_t *gain, struct rk_light l);

// rk_slant is a walk along a line: where it is, how far it goes with each step,
// in 1/65536 pixel, and how many bytes are made in one, of pixels of so many.
// share holds at each of 64 places between two pixels the shares in 128 of
// the one before, of these and of the one after.
struct rk_slant {
	int64_t at, move, step, depth;
	const int16_t *share;
};

// rk_columns mixes for each word of a row of n bytes those of the four of h
// rows that a line passes in the middle of; rows outside are edge. n is at least
// 8, and line has eight bytes more. next is where the next line begins, tan how
// it falls.
void rk_columns(uint8_t *line, const uint8_t *src, size_t stride, size_t n, int64_t h, const uint8_t *edge, struct rk_slant l, int64_t next, int64_t tan);
// rk_row mixes n bytes, at least a step, of neighbouring pixels of a line, from the
// one at l.at on, which is kept between 0 and last. cos is how far it goes with
// each pixel.
void rk_row(uint8_t *to, size_t n, const uint8_t *line, struct rk_slant l, int64_t last, int64_t cos);

#endif
