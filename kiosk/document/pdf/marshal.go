package pdf

import (
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/color"
)

// formatVersion is the first byte of a packed page. Change it with the format.
const formatVersion = 1

// What a page that comes from another process may hold at most: far more than
// a real one, and little enough to be looked through in no time.
const (
	maxPixelSide = 65_535
	maxPixels    = 400_000_000
	maxDPI       = 10_000
	maxLayers    = 100
	maxWords     = 20_000
	maxWordBytes = 1_000
)

// The flags of an image.
const (
	flagGray = 1 << iota
	flagStencil
	flagMask
	flagPlace
)

var errPacked = errors.New("not a packed page")

// MarshalBinary packs a page to be kept, or to be handed to another process.
// The page must be one that Write takes.
func (p Page) MarshalBinary() ([]byte, error) {
	if err := p.checkPacked(); err != nil {
		return nil, fmt.Errorf("pdf: pack page: %w", err)
	}
	b := []byte{formatVersion}
	b = number(b, p.Width, p.Height, p.DPI, p.Turn)
	base := []Image{}
	if p.Data != nil {
		base = p.images()[:1]
	}
	b = packImages(b, base)
	b = packImages(b, p.Layers)
	b = number(b, len(p.Words))
	for _, w := range p.Words {
		b = number(b, w.X0, w.Y0, w.X1, w.Y1, w.Turn, len(w.Text))
		b = append(b, w.Text...)
	}
	return b, nil
}

// UnmarshalBinary reads what MarshalBinary made, and trusts it no more than a
// file: a page that Write would refuse, or that is larger than any paper, is
// an error. It keeps no part of data. Pages of another version of the program
// are refused.
func (p *Page) UnmarshalBinary(data []byte) error {
	u := unpacker{rest: data}
	if v := u.bytes(1); v == nil || v[0] != formatVersion {
		return fmt.Errorf("pdf: unpack page: %w", errPacked)
	}
	q := Page{Width: u.number(maxPixelSide), Height: u.number(maxPixelSide), DPI: u.number(maxDPI), Turn: u.number(270)}
	if base := u.images(1); base != nil {
		m := base[0]
		if m.Width != q.Width || m.Height != q.Height || m.Stencil || m.Mask != nil || !m.Place.Empty() {
			u.failed = true
		}
		q.Data, q.Encoding, q.Gray = m.Data, m.Encoding, m.Gray
	}
	q.Layers = u.images(maxLayers)
	for range u.number(maxWords) {
		w := Word{X0: u.number(maxPixelSide), Y0: u.number(maxPixelSide), X1: u.number(maxPixelSide), Y1: u.number(maxPixelSide), Turn: u.number(270)}
		w.Text = string(u.bytes(u.number(maxWordBytes)))
		if u.failed {
			break
		}
		q.Words = append(q.Words, w)
	}
	if u.failed || len(u.rest) > 0 {
		return fmt.Errorf("pdf: unpack page: %w", errPacked)
	}
	if err := q.checkPacked(); err != nil {
		return fmt.Errorf("pdf: unpack page: %w", err)
	}
	*p = q
	return nil
}

// checkPacked checks what Write does, and the bounds.
func (p *Page) checkPacked() error {
	if err := p.check(); err != nil {
		return err
	}
	sound := p.Width <= maxPixelSide && p.Height <= maxPixelSide && p.DPI <= maxDPI && len(p.Layers) <= maxLayers && len(p.Words) <= maxWords
	for _, m := range p.images() {
		for _, m := range []*Image{&m, m.Mask} {
			sound = sound && (m == nil || m.Width <= maxPixelSide && m.Height <= maxPixelSide && m.Width*m.Height <= maxPixels)
		}
	}
	for _, w := range p.Words {
		sound = sound && len(w.Text) <= maxWordBytes
	}
	if !sound {
		return errors.New("larger than any paper")
	}
	return nil
}

func number(b []byte, values ...int) []byte {
	for _, v := range values {
		b = binary.AppendUvarint(b, uint64(v))
	}
	return b
}

func packImages(b []byte, all []Image) []byte {
	b = number(b, len(all))
	for i := range all {
		b = packImage(b, &all[i])
	}
	return b
}

func packImage(b []byte, m *Image) []byte {
	flags := 0
	for flag, set := range map[int]bool{flagGray: m.Gray, flagStencil: m.Stencil, flagMask: m.Mask != nil, flagPlace: m.Place != image.Rectangle{}} {
		if set {
			flags |= flag
		}
	}
	b = append(b, byte(m.Encoding), byte(flags), m.Color.R, m.Color.G, m.Color.B, m.Color.A)
	b = number(b, m.Width, m.Height)
	if flags&flagPlace != 0 {
		b = number(b, m.Place.Min.X, m.Place.Min.Y, m.Place.Max.X, m.Place.Max.Y)
	}
	b = number(b, len(m.Data))
	b = append(b, m.Data...)
	if m.Mask != nil {
		b = packImage(b, m.Mask)
	}
	return b
}

// unpacker reads a packed page. Once it failed it gives nothing but zeros.
type unpacker struct {
	rest   []byte
	failed bool
}

// number reads a number of at most most.
func (u *unpacker) number(most int) int {
	v, n := binary.Uvarint(u.rest)
	if u.failed || n <= 0 || v > uint64(most) {
		u.failed = true
		return 0
	}
	u.rest = u.rest[n:]
	return int(v)
}

// bytes reads n bytes; they still belong to what is read.
func (u *unpacker) bytes(n int) []byte {
	if u.failed || n > len(u.rest) {
		u.failed = true
		return nil
	}
	b := u.rest[:n]
	u.rest = u.rest[n:]
	return b
}

func (u *unpacker) images(most int) []Image {
	var all []Image
	for range u.number(most) {
		m := u.image(true)
		if u.failed {
			return nil
		}
		all = append(all, *m)
	}
	return all
}

func (u *unpacker) image(maskAllowed bool) *Image {
	h := u.bytes(6)
	if h == nil || h[1] >= flagPlace<<1 || h[1]&flagMask != 0 && !maskAllowed {
		u.failed = true
		return nil
	}
	flags := h[1]
	m := &Image{
		Encoding: Encoding(h[0]), Gray: flags&flagGray != 0, Stencil: flags&flagStencil != 0,
		Color: color.RGBA{h[2], h[3], h[4], h[5]}, Width: u.number(maxPixelSide), Height: u.number(maxPixelSide),
	}
	if flags&flagPlace != 0 {
		m.Place.Min.X, m.Place.Min.Y = u.number(maxPixelSide), u.number(maxPixelSide)
		m.Place.Max.X, m.Place.Max.Y = u.number(maxPixelSide), u.number(maxPixelSide)
	}
	m.Data = append([]byte(nil), u.bytes(u.number(len(u.rest)))...)
	if flags&flagMask != 0 {
		m.Mask = u.image(false)
	}
	return m
}
