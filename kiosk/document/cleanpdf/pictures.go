package cleanpdf

import (
	"image"
	"math"
	"slices"

	"pointnum/kiosk/document/decode"
	"pointnum/kiosk/document/jbig2"
	"pointnum/kiosk/document/jpegenc"
	"pointnum/kiosk/document/raster"
)

// packing is one way to write an image: what its dictionary says and its
// data.
type packing struct {
	d    dict
	data []byte
}

func (p packing) size() int {
	n := len(p.data)
	if lookup, ok := p.d["ColorSpace"].(array); ok {
		for _, v := range lookup {
			if t, ok := v.(text); ok {
				n += len(t)
			}
		}
	}
	return n
}

// picture copies an image in its smallest form. alpha is one that says how
// much of another is seen.
func (c *copier) picture(r ref, d dict, alpha bool) (dict, []byte, error) {
	w, h, err := c.from.pixels(d)
	if err != nil {
		return nil, nil, err
	}
	out, err := c.listed(d, picture)
	if err != nil {
		return nil, nil, err
	}
	best, err := c.asIs(r, d, out)
	if err != nil || c.from.own {
		return best.d, best.data, err
	}
	p := &pixels{copier: c, number: r, from: d, kept: out, w: w, h: h, alpha: alpha}
	for _, pack := range []func() (packing, bool, error){p.close, p.exact} {
		other, ok, err := pack()
		if err != nil {
			return nil, nil, err
		}
		if ok && other.size() < best.size() {
			best = other
		}
		if best.d["Filter"] == name("DCTDecode") {
			break // a photograph
		}
	}
	return best.d, best.data, nil
}

const (
	// mostPixels are as many as a picture may have.
	mostPixels = 120_000_000
	// mostDrawn are as many as are drawn to be packed again, mostBytes is how
	// much is unpacked for that.
	mostDrawn = 16_000_000
	mostBytes = 48 << 20
)

// pixels is an image that is packed again.
type pixels struct {
	*copier
	number ref
	from   dict // as it was
	kept   dict // what of it stays, without how it is packed
	w, h   int
	alpha  bool
}

// has says whether an image's dictionary has a key of some meaning.
func (p *pixels) has(key name) bool { return p.kept[key] != nil }

// with gives the dictionary with some keys other.
func (p *pixels) with(change dict) dict {
	out := dict{}
	for key, v := range p.kept {
		out[key] = v
	}
	for key, v := range change {
		if v == nil {
			delete(out, key)
			continue
		}
		out[key] = v
	}
	return out
}

// lossy are the filters whose images are not unpacked without need.
func lossy(filters []name) bool {
	return slices.ContainsFunc(filters, func(n name) bool { return n == "DCTDecode" || n == "JPXDecode" })
}

// exact packs an image again without losing a bit of it.
func (p *pixels) exact() (packing, bool, error) {
	filters, _, err := p.source().filters(p.from)
	if err != nil || lossy(filters) {
		return packing{}, false, err
	}
	n, bits, ok := p.layout()
	if !ok || (p.w*n*bits+7)/8*p.h > mostBytes {
		return packing{}, false, nil
	}
	row := (p.w*n*bits + 7) / 8
	data, err := p.source().file.Stream(int(p.number), row*p.h+mostExtra)
	if err != nil || len(data) < row*p.h {
		return packing{}, false, nil // incomplete: as it is
	}
	data = data[:row*p.h]
	change, packed := p.out.predicted(data, row, max(n*bits/8, 1), n, bits, p.w)
	best := packing{p.with(change), packed}
	if n*bits == 1 {
		if small := p.bilevel(data, row); len(small) < len(best.data) {
			best = packing{p.with(dict{"Filter": name("JBIG2Decode")}), small}
		}
	}
	if n == 3 && bits == 8 && p.kept["Decode"] == nil && p.kept["Mask"] == nil {
		if few, ok := p.palette(data); ok && few.size() < best.size() {
			best = few
		}
	}
	return best, true, nil
}

// mostExtra is what some writers leave behind an image's last row.
const mostExtra = 1 << 16

func (p *pixels) source() *source { return p.copier.from }

// layout gives an image's components and the bits of each.
func (p *pixels) layout() (n, bits int, ok bool) {
	bits = integer(p.kept["BitsPerComponent"])
	if p.kept["ImageMask"] == true {
		return 1, 1, true
	}
	v, err := p.source().resolve(p.from["ColorSpace"])
	if err != nil || !slices.Contains([]int{1, 2, 4, 8, 16}, bits) {
		return 0, 0, false
	}
	family := v
	a, _ := v.(array)
	if len(a) > 0 {
		if family, err = p.source().resolve(a[0]); err != nil {
			return 0, 0, false
		}
	}
	switch family {
	case name("DeviceGray"), name("CalGray"), name("Indexed"), name("Separation"):
		return 1, bits, true
	case name("DeviceRGB"), name("CalRGB"), name("Lab"):
		return 3, bits, true
	case name("DeviceCMYK"):
		return 4, bits, true
	case name("ICCBased"):
		if len(a) == 2 {
			if d, err := p.source().dict(a[1]); err == nil {
				if n := integer(d["N"]); n >= 1 && n <= 4 {
					return n, bits, true
				}
			}
		}
	}
	return 0, 0, false
}

// bilevel packs an image of one bit a pixel as JBIG2, where 1 is black.
func (p *pixels) bilevel(data []byte, row int) []byte {
	b := jbig2.NewBitmap(p.w, p.h)
	for y := range p.h {
		to := b.Row(y)
		for i := range min(row, len(to)) {
			to[i] = ^data[y*row+i]
		}
		if rest := p.w % 8; rest > 0 && len(to) >= row {
			to[row-1] &= byte(0xff << (8 - rest))
		}
	}
	return jbig2.Encode(b)
}

// palette packs an image of few colours by their numbers. Those of a plain
// grey image become its greys.
func (p *pixels) palette(data []byte) (packing, bool) {
	index := map[[3]byte]int{}
	var colours [][3]byte
	for i := 0; i+2 < len(data); i += 3 {
		k := [3]byte(data[i:])
		if _, ok := index[k]; !ok {
			if len(colours) == 256 {
				return packing{}, false
			}
			index[k] = 0
			colours = append(colours, k)
		}
	}
	slices.SortFunc(colours, func(a, b [3]byte) int { return slices.Compare(a[:], b[:]) })
	var lookup text
	for i, k := range colours {
		index[k] = i
		lookup += text(k[:])
	}
	bits := 8
	for _, n := range []int{4, 2, 1} {
		if len(colours) <= 1<<n {
			bits = n
		}
	}
	row := (p.w*bits + 7) / 8
	packed := make([]byte, row*p.h)
	for y := range p.h {
		for x := range p.w {
			at := (y*p.w + x) * 3
			packed[y*row+x*bits/8] |= byte(index[[3]byte(data[at:at+3])] << (8 - bits - x*bits%8))
		}
	}
	change, small := p.out.predicted(packed, row, 1, 1, bits, p.w)
	change["ColorSpace"] = array{name("Indexed"), p.kept["ColorSpace"], decimal(float64(len(colours)-1), 0), lookup}
	change["BitsPerComponent"] = decimal(float64(bits), 0)
	return packing{p.with(change), small}, true
}

// close packs an image again so that it looks the same: coarser where it is
// finer than wanted, and as a JPEG when it is a photograph.
func (p *pixels) close() (packing, bool, error) {
	q := p.steps.quality
	if !p.steps.pictures || q == (Quality{}) || p.has("ImageMask") || p.has("Matte") || p.has("SMaskInData") || p.w*p.h > mostDrawn {
		return packing{}, false, nil
	}
	if _, keyed := p.kept["Mask"].(array); keyed {
		return packing{}, false, nil
	}
	if mask, err := p.source().dict(p.from["SMask"]); err != nil || mask["Matte"] != nil {
		return packing{}, false, err
	}
	w, h := p.wanted()
	img, err := p.source().file.Pixels(int(p.number), w, h)
	if err != nil {
		return packing{}, false, nil // as it is, if the page can be drawn so
	}
	if q.Gray && !p.alpha {
		img = raster.Gray(img)
	}
	few := p.alpha || fewColours(img)
	if w < p.w || h < p.h {
		img = raster.Scale(img, w, h)
	}
	return p.packedImage(img, few)
}

// wanted gives the size an image is brought down to.
func (p *pixels) wanted() (w, h int) {
	place := p.uses.places[p.number]
	if place == nil || p.steps.quality.ImageDPI <= 0 || place.width <= 0 || place.height <= 0 {
		return p.w, p.h
	}
	dpi := min(float64(p.w)/place.width, float64(p.h)/place.height) * 72
	f := float64(p.steps.quality.ImageDPI) / dpi
	if f > 1/1.3 {
		return p.w, p.h
	}
	return max(int(math.Round(float64(p.w)*f)), 1), max(int(math.Round(float64(p.h)*f)), 1)
}

// packedImage writes pixels in the smaller of the forms that suit them.
func (p *pixels) packedImage(img image.Image, few bool) (packing, bool, error) {
	n, space := 3, name("DeviceRGB")
	gray, isGray := img.(*image.Gray)
	if isGray {
		n, space = 1, "DeviceGray"
	}
	size := img.Bounds().Size()
	change := dict{
		"Width": decimal(float64(size.X), 0), "Height": decimal(float64(size.Y), 0), "BitsPerComponent": number("8"),
		"ColorSpace": space, "Decode": nil, "Intent": nil,
	}
	if q := p.steps.quality.JPEG; q > 0 && !few {
		change["Filter"] = name("DCTDecode")
		return packing{p.with(change), jpegenc.Encode(img, q, jpegenc.Options{})}, true, nil
	}
	var data []byte
	if isGray {
		for y := range size.Y {
			data = append(data, gray.Pix[y*gray.Stride:][:size.X]...)
		}
	} else {
		rgba := raster.ToRGBA(img)
		for y := range size.Y {
			for x := range size.X {
				data = append(data, rgba.Pix[y*rgba.Stride+x*4:][:3]...)
			}
		}
	}
	how, packed := p.out.predicted(data, size.X*n, n, n, 8, size.X)
	for key, v := range how {
		change[key] = v
	}
	return packing{p.with(change), packed}, true, nil
}

// drawing is how many colours a drawing has at most; a photograph has more.
const drawing = 256

// fewColours says whether an image is a drawing. Greys count from 32 on.
func fewColours(img image.Image) bool {
	if g, ok := img.(*image.Gray); ok {
		var seen [256]bool
		n := 0
		for _, v := range g.Pix {
			if !seen[v] {
				seen[v] = true
				n++
			}
		}
		return n <= 32
	}
	rgba := img.(*image.RGBA)
	seen := map[[3]byte]bool{}
	for i := 0; i+3 < len(rgba.Pix); i += 4 {
		seen[[3]byte(rgba.Pix[i:])] = true
		if len(seen) > drawing {
			return false
		}
	}
	return true
}

// pixels gives an image's size.
func (s *source) pixels(d dict) (w, h int, err error) {
	for key, to := range map[name]*int{"Width": &w, "Height": &h} {
		v, err := s.resolve(d[key])
		if err != nil {
			return 0, 0, err
		}
		*to = integer(v)
	}
	if w <= 0 || h <= 0 {
		return 0, 0, errShape
	}
	if w > mostPixels || h > mostPixels || w*h > mostPixels {
		return 0, 0, errBomb
	}
	return w, h, nil
}

// plainJPEG takes out of a JPEG what is not its picture.
func plainJPEG(raw []byte) []byte {
	if b, ok := decode.DropSegments(raw); ok && len(b) < len(raw) {
		return b
	}
	return raw
}
