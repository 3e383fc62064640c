#include "kernel.h"

#include <string.h>

typedef uint8_t u8x8 __attribute__((vector_size(8)));
typedef uint8_t u8x16 __attribute__((vector_size(16)));
typedef uint16_t u16x8 __attribute__((vector_size(16)));
typedef int16_t i16x8 __attribute__((vector_size(16)));
typedef uint16_t u16x16 __attribute__((vector_size(32)));
typedef int16_t i16x16 __attribute__((vector_size(32)));
typedef uint32_t u32x4 __attribute__((vector_size(16)));
typedef uint64_t u64x2 __attribute__((vector_size(16)));

static inline u16x8 wide(const uint8_t *p) {
	u8x8 v;
	memcpy(&v, p, 8);
	return __builtin_convertvector(v, u16x8);
}

static inline void narrow(uint8_t *to, u16x8 v) {
	u8x8 b = __builtin_convertvector(v, u8x8);
	memcpy(to, &b, 8);
}

void rk_mix(uint8_t *to, const uint8_t *from, size_t stride, size_t n, const uint16_t *share, size_t rows) {
	size_t i = 0;
	for (; i + 16 <= n; i += 16) {
		u16x8 a = {128, 128, 128, 128, 128, 128, 128, 128}, b = a;
		const uint8_t *p = from + i;
		for (size_t k = 0; k < rows; k++, p += stride) {
			uint16_t w = share[k];
			a += wide(p) * w;
			b += wide(p + 8) * w;
		}
		narrow(to + i, a >> 8);
		narrow(to + i + 8, b >> 8);
	}
	for (; i < n; i++) {
		unsigned sum = 128;
		for (size_t k = 0; k < rows; k++)
			sum += from[k * stride + i] * share[k];
		to[i] = sum >> 8;
	}
}

void rk_shrink(uint8_t *to, const uint8_t *from, const uint32_t *at, const uint16_t *share, size_t n) {
	for (size_t i = 0; i < n; i++, share += 16) {
		u16x8 w0, w1;
		memcpy(&w0, share, 16);
		memcpy(&w1, share + 8, 16);
		const uint8_t *p = from + 4 * (size_t)at[i];
		u64x2 s = (u64x2)(wide(p) * w0 + wide(p + 8) * w1);
		uint64_t v = s[0] + s[1] + 0x0080008000800080u;
		v = v >> 8 & 0x00ff00ff00ff00ffu;
		v = (v | v >> 8) & 0x0000ffff0000ffffu;
		uint32_t out = (uint32_t)(v | v >> 16);
		memcpy(to + 4 * i, &out, 4);
	}
}

void rk_shrink_gray(uint8_t *to, const uint8_t *from, const uint32_t *at, const uint16_t *share, size_t n) {
	for (size_t i = 0; i < n; i++, share += 4) {
		const uint8_t *p = from + at[i];
		to[i] = (128u + p[0] * share[0] + p[1] * share[1] + p[2] * share[2] + p[3] * share[3]) >> 8;
	}
}

void rk_halve(uint8_t *to, const uint8_t *above, const uint8_t *below, size_t n) {
	const u16x8 two = {2, 2, 2, 2, 2, 2, 2, 2};
	size_t i = 0;
	for (; i + 2 <= n; i += 2, above += 16, below += 16) {
		u64x2 a = (u64x2)(wide(above) + wide(below)), b = (u64x2)(wide(above + 8) + wide(below + 8));
		u64x2 s = {a[0] + a[1], b[0] + b[1]};
		narrow(to + 4 * i, ((u16x8)s + two) >> 2);
	}
	for (size_t c = 0; i < n && c < 4; c++)
		to[4 * i + c] = (above[c] + above[c + 4] + below[c] + below[c + 4] + 2) >> 2;
}

void rk_halve_gray(uint8_t *to, const uint8_t *above, const uint8_t *below, size_t n) {
	size_t i = 0;
	for (; i + 8 <= n; i += 8) {
		u16x8 a, b;
		memcpy(&a, above + 2 * i, 16);
		memcpy(&b, below + 2 * i, 16);
		narrow(to + i, ((a & 255) + (a >> 8) + (b & 255) + (b >> 8) + 2) >> 2);
	}
	for (; i < n; i++)
		to[i] = (above[2 * i] + above[2 * i + 1] + below[2 * i] + below[2 * i + 1] + 2) >> 2;
}

// brightness gives that of four opaque pixels.
static inline u32x4 brightness(u32x4 v) {
	const u16x8 redblue = {77, 29, 77, 29, 77, 29, 77, 29};
	u16x8 rb = (u16x8)(v & 0x00ff00ff) * redblue, g = (u16x8)(v >> 8 & 255) * 150;
	u32x4 s = (u32x4)rb;
	return ((s & 0xffff) + (s >> 16) + (u32x4)g + 128) >> 8;
}

size_t rk_gray(uint8_t *to, const uint8_t *from, size_t n) {
	size_t i = 0;
	for (; i + 8 <= n; i += 8) {
		u32x4 a, b;
		memcpy(&a, from + 4 * i, 16);
		memcpy(&b, from + 4 * i + 16, 16);
		u64x2 all = (u64x2)(a & b);
		if ((all[0] & all[1] & 0xff000000ff000000u) != 0xff000000ff000000u)
			break;
		// The brightness of a pixel and of the one four on, as pairs.
		u16x8 v = (u16x8)(brightness(a) | brightness(b) << 16);
		v = __builtin_shuffle(v, (u16x8){0, 2, 4, 6, 1, 3, 5, 7});
		narrow(to + i, v);
	}
	return i;
}

int rk_opaque(const uint8_t *from, size_t n) {
	u32x4 all = {-1, -1, -1, -1};
	size_t i = 0;
	for (; i + 16 <= n; i += 16) {
		u32x4 v[4];
		memcpy(v, from + 4 * i, 64);
		all &= v[0] & v[1] & v[2] & v[3];
	}
	uint32_t rest = all[0] & all[1] & all[2] & all[3];
	for (; i < n; i++) {
		uint32_t v;
		memcpy(&v, from + 4 * i, 4);
		rest &= v;
	}
	return rest >> 24 == 255;
}

// sixteenth divides by 16, as 257/4096 of it cut off.
static inline uint8_t sixteenth(unsigned s) { return (s + ((s + 8) >> 8)) >> 4; }

static void double_row(uint8_t *to, const uint8_t *far, const uint8_t *near, size_t n, size_t depth) {
	// Of each pixel a quarter of its neighbour's and three of its own.
	for (size_t i = 0; i < n; i++) {
		size_t l = i ? i - 1 : 0, r = i + 1 < n ? i + 1 : i;
		for (size_t c = 0; c < depth; c++) {
			unsigned own = 3 * near[i * depth + c] + far[i * depth + c];
			to[2 * i * depth + c] = sixteenth(3 * own + 3 * near[l * depth + c] + far[l * depth + c]);
			to[(2 * i + 1) * depth + c] = sixteenth(3 * own + 3 * near[r * depth + c] + far[r * depth + c]);
		}
	}
}

static inline u16x8 sixteenths(u16x8 s) { return (s + ((s + 8) >> 8)) >> 4; }

static inline u16x8 mixed(const uint8_t *far, const uint8_t *near) { return wide(far) + wide(near) * 3; }

// double_inner makes the pixels that have neighbours on both sides.
static void double_inner(uint8_t *to, const uint8_t *far, const uint8_t *near, size_t n) {
	for (size_t i = 1; i + 2 < n; i += 2) { // two pixels and their four
		const uint8_t *f = far + 4 * i, *o = near + 4 * i;
		u16x8 own = mixed(f, o), l = mixed(f - 4, o - 4), r = mixed(f + 4, o + 4);
		u64x2 a = (u64x2)sixteenths(own * 3 + l), b = (u64x2)sixteenths(own * 3 + r);
		narrow(to + 8 * i, (u16x8)(u64x2){a[0], b[0]});
		narrow(to + 8 * i + 8, (u16x8)(u64x2){a[1], b[1]});
	}
}

static void double_inner_gray(uint8_t *to, const uint8_t *far, const uint8_t *near, size_t n) {
	for (size_t i = 1; i + 8 < n; i += 8) {
		u16x8 own = mixed(far + i, near + i), l = mixed(far + i - 1, near + i - 1), r = mixed(far + i + 1, near + i + 1);
		u16x8 both = sixteenths(own * 3 + l) | sixteenths(own * 3 + r) << 8;
		memcpy(to + 2 * i, &both, 16);
	}
}

static void doubled(uint8_t *to, const uint8_t *far, const uint8_t *near, size_t n, size_t depth) {
	size_t tail = n < 16 ? n : 16;
	double_row(to, far, near, tail, depth);
	if (depth == 4)
		double_inner(to, far, near, n);
	else
		double_inner_gray(to, far, near, n);
	// What is left, with the neighbour of its first pixel: that one was made.
	size_t from = n - tail;
	if (from == 0) {
		double_row(to, far, near, n, depth);
		return;
	}
	uint8_t kept[8];
	memcpy(kept, to + 2 * from * depth, 2 * depth);
	double_row(to + 2 * from * depth, far + from * depth, near + from * depth, tail, depth);
	memcpy(to + 2 * from * depth, kept, 2 * depth);
}

void rk_double(uint8_t *upper, uint8_t *lower, const uint8_t *above, const uint8_t *from, const uint8_t *below, size_t n, size_t depth) {
	doubled(upper, above, from, n, depth);
	doubled(lower, below, from, n, depth);
}

// ramp is how gains go evenly from the middle of one square to the next.
struct ramp {
	int end;         // the first pixel behind it
	int32_t k[3], d[3];
	unsigned white[3]; // the value that is white all along it, 256 for none
};

static inline int least(int a, int b) { return a < b ? a : b; }
static inline int most(int a, int b) { return a > b ? a : b; }

static struct ramp ramp_at(int x, int x1, const uint32_t *gain, const struct rk_light *l) {
	struct ramp r;
	int left = (x + l->block / 2) / l->block, half = (l->block + 1) / 2;
	int start = left ? (left - 1) * l->block + half : 0, full = left * l->block + half;
	r.end = least(full, x1);
	const uint32_t *a = gain + 3 * most(least(left, l->squares) - 1, 0), *b = gain + 3 * least(left, l->squares - 1);
	for (int c = 0; c < 3; c++) {
		r.d[c] = left ? ((int32_t)b[c] - (int32_t)a[c]) / l->block : 0;
		r.k[c] = (int32_t)a[c] + r.d[c] * (x - start);
		uint32_t k = least(r.k[c], r.k[c] + r.d[c] * (r.end - x));
		uint32_t white = ((uint32_t)(255 - l->faint) << 12) + l->offset;
		r.white[c] = least((white + k - 1) / k, 256);
	}
	return r;
}

static inline int scaled(unsigned v, int32_t k, int32_t offset) { return least(most((int32_t)(v * (uint32_t)k) - offset, 0) >> 12, 255); }

// paled is a value on white paper without what is faint.
static inline int paled(int v, int faint) { return v < 255 - 2 * faint ? v : 255 - most(2 * (255 - v) - 2 * faint, 0); }

static inline void whiten_pixel(uint8_t *to, const uint8_t *p, const struct ramp *r, int i, const struct rk_light *l) {
	int v[3];
	for (int c = 0; c < 3; c++)
		v[c] = scaled(p[c], r->k[c] + i * r->d[c], l->offset);
	if (l->faint) {
		int lo = least(least(v[0], v[1]), v[2]), hi = most(most(v[0], v[1]), v[2]);
		if (lo >= 255 - l->faint)
			v[0] = v[1] = v[2] = 255;
		else if (lo > 255 - 2 * l->faint && hi - lo < l->faint)
			for (int c = 0; c < 3; c++)
				v[c] = paled(v[c], l->faint);
	}
	to[0] = v[0], to[1] = v[1], to[2] = v[2], to[3] = 255;
}

void rk_whiten(uint8_t *to, const uint8_t *from, int x0, int x1, const uint32_t *gain, struct rk_light l) {
	for (int x = x0; x < x1;) {
		struct ramp r = ramp_at(x, x1, gain, &l);
		int n = r.end - x, i = 0;
		if (r.white[0] < 256 && r.white[1] < 256 && r.white[2] < 256) {
			uint8_t a = r.white[0], b = r.white[1], c = r.white[2];
			u8x16 white = {a, b, c, 0, a, b, c, 0, a, b, c, 0, a, b, c, 0};
			for (; i + 4 <= n; i += 4) { // most of a page is paper
				u8x16 v;
				memcpy(&v, from + 4 * i, 16);
				u64x2 is = (u64x2)(v >= white);
				if ((is[0] & is[1]) == ~(uint64_t)0) {
					memset(to + 4 * i, 255, 16);
					continue;
				}
				for (int j = i; j < i + 4; j++)
					whiten_pixel(to + 4 * j, from + 4 * j, &r, j, &l);
			}
		}
		for (; i < n; i++)
			whiten_pixel(to + 4 * i, from + 4 * i, &r, i, &l);
		to += 4 * n, from += 4 * n, x = r.end;
	}
}

void rk_whiten_gray(uint8_t *to, const uint8_t *from, int x0, int x1, const uint32_t *gain, struct rk_light l) {
	for (int x = x0; x < x1;) {
		struct ramp r = ramp_at(x, x1, gain, &l);
		int n = r.end - x;
		for (int i = 0; i < n; i++) {
			int v = scaled(from[i], r.k[1] + i * r.d[1], l.offset);
			if (l.faint)
				v = paled(v, l.faint);
			to[i] = from[i] == 255 ? 255 : v;
		}
		to += n, from += n, x = r.end;
	}
}

// QUICK functions are there twice: also for processors that take 32 bytes at
// once. Both do the same sums.
#if defined(__x86_64__) && defined(__gnu_linux__)
#define QUICK __attribute__((target_clones("avx2", "default")))
#else
#define QUICK
#endif

// BEND puts bytes in to that lie between those of b and c, on the curve through
// a, b, c and d: as many as the vectors have, unsigned and signed. Sums of 128ths
// stay above 0 by the 64 that they are lifted. (A function can't take vectors
// that not all processors have.)
#define BEND(bytes, words, signed_words, to, pa, pb, pc, pd, share) do { \
	bytes a_, b_, c_, d_; \
	memcpy(&a_, pa, sizeof a_), memcpy(&b_, pb, sizeof b_), memcpy(&c_, pc, sizeof c_), memcpy(&d_, pd, sizeof d_); \
	uint16_t wa = (share)[0], wb = (share)[1], wc = (share)[2], wd = (share)[3], half = 64 * 128 + 64, lift = 64; \
	words s_ = __builtin_convertvector(a_, words) * wa + __builtin_convertvector(b_, words) * wb + \
		__builtin_convertvector(c_, words) * wc + __builtin_convertvector(d_, words) * wd; \
	signed_words v_ = (signed_words)(((s_ + half) >> 7) - lift); \
	v_ &= ~(v_ >> 15);      /* not below 0 */ \
	v_ |= (255 - v_) >> 15; /* nor above 255 */ \
	bytes out_ = __builtin_convertvector((words)v_, bytes); \
	memcpy(to, &out_, sizeof out_); \
} while (0)

static inline void bend8(uint8_t *to, const uint8_t *a, const uint8_t *b, const uint8_t *c, const uint8_t *d, const int16_t *share) {
	BEND(u8x8, u16x8, i16x8, to, a, b, c, d, share);
}

static inline void bend16(uint8_t *to, const uint8_t *a, const uint8_t *b, const uint8_t *c, const uint8_t *d, const int16_t *share) {
	BEND(u8x16, u16x16, i16x16, to, a, b, c, d, share);
}

// share_at gives the shares of four pixels at a place between the middle two,
// of which 64 are told apart.
static inline const int16_t *share_at(const struct rk_slant *l, int64_t at) { return l->share + 4 * (at >> 10 & 63); }

static inline const uint8_t *row_of(const uint8_t *src, size_t stride, int64_t h, const uint8_t *edge, int64_t y) {
	return y < 0 || y >= h ? edge : src + y * stride;
}

QUICK
void rk_columns(uint8_t *line, const uint8_t *src, size_t stride, size_t n, int64_t h, const uint8_t *edge, struct rk_slant l, int64_t next, int64_t tan) {
	const int64_t cache_line = 64, move = tan * cache_line / l.depth;
	for (size_t i = 0; i < n; i += cache_line, next += move)
		if (next >> 16 >= 0 && (next >> 16) + 2 < h)
			__builtin_prefetch(src + ((next >> 16) + 2) * stride + i);
	int64_t up = INT64_MIN;
	const uint8_t *a = edge, *b = edge, *c = edge, *d = edge;
	for (size_t i = 0; i < n; i += l.step, l.at += l.move) {
		if (l.at >> 16 != up) {
			up = l.at >> 16;
			a = row_of(src, stride, h, edge, up - 1);
			b = row_of(src, stride, h, edge, up);
			c = row_of(src, stride, h, edge, up + 1);
			d = row_of(src, stride, h, edge, up + 2);
		}
		const int16_t *share = share_at(&l, l.at);
		if (l.step == 16 && i + 16 <= n) {
			bend16(line + i, a + i, b + i, c + i, d + i, share);
			continue;
		}
		for (size_t end = l.step == 16 ? n : i + 1, k = i; k < end; k += 8) {
			if (k + 8 > n) // the last word ends with the row
				k = n - 8;
			bend8(line + k, a + k, b + k, c + k, d + k, share);
			if (k + 8 == n)
				return;
		}
	}
}

QUICK
void rk_row(uint8_t *to, size_t n, const uint8_t *line, struct rk_slant l, int64_t last, int64_t cos) {
	size_t word = l.step > 8 ? l.step : 8;
	for (size_t i = 0;; i += l.step, l.at += l.move) {
		if (i + word > n) { // the last word ends with the row
			l.at -= cos * ((int64_t)i - (int64_t)(n - word)) / l.depth;
			i = n - word;
		}
		int64_t at = l.at < 1 << 16 ? 1 << 16 : l.at > last ? last : l.at;
		const uint8_t *p = line + (at >> 16) * l.depth;
		if (word == 16)
			bend16(to + i, p - l.depth, p, p + l.depth, p + 2 * l.depth, share_at(&l, at));
		else
			bend8(to + i, p - l.depth, p, p + l.depth, p + 2 * l.depth, share_at(&l, at));
		if (i + word == n)
			return;
	}
}
