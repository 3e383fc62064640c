package sane

import (
	"bufio"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
)

// errPNG never comes with the error of a reader wrapped: that may be io.EOF,
// which would pass for the last page.
var errPNG = errors.New("not a whole PNG image")

// pngInfo is what the check of a page learns.
type pngInfo struct {
	width, height int
	dpi           int // 0 when the image does not say
}

// checkPNG reads an image to its end and makes sure that every row is there.
// It unpacks the rows without keeping or decoding them (PNG, W3C, third
// edition, 5 and 9).
func checkPNG(r io.Reader) (pngInfo, error) {
	c := &pngChunks{r: bufio.NewReaderSize(r, 1<<16)}
	var signature [8]byte
	if _, err := io.ReadFull(c.r, signature[:]); err != nil || string(signature[:]) != "\x89PNG\r\n\x1a\n" {
		return pngInfo{}, fmt.Errorf("%w: no signature", errPNG)
	}
	info, rowBytes, err := c.header()
	if err != nil {
		return info, err
	}
	for {
		if err := c.next(); err != nil {
			return info, err
		}
		switch c.kind {
		case "IDAT":
			if err := c.rows(int64(info.height) * rowBytes); err != nil {
				return info, err
			}
			return info, c.trailer()
		case "IEND":
			return info, fmt.Errorf("%w: no rows", errPNG)
		case "pHYs":
			var phys [9]byte
			if c.left != 9 {
				return info, fmt.Errorf("%w: pHYs", errPNG)
			}
			if _, err := io.ReadFull(c, phys[:]); err != nil {
				return info, fmt.Errorf("%w: %v", errPNG, err)
			}
			if perMetre := binary.BigEndian.Uint32(phys[:]); phys[8] == 1 && perMetre < 1<<20 {
				info.dpi = int(math.Round(float64(perMetre) * 0.0254))
			}
		}
	}
}

// pngChunks reads chunks; Read gives the content of the current one.
type pngChunks struct {
	r    *bufio.Reader
	kind string
	left int64
	open bool // a chunk was begun: its checksum follows its content
}

func (c *pngChunks) next() error {
	if c.open {
		if _, err := c.r.Discard(int(c.left) + 4); err != nil {
			return fmt.Errorf("%w: %v", errPNG, err)
		}
	}
	var head [8]byte
	if _, err := io.ReadFull(c.r, head[:]); err != nil {
		return fmt.Errorf("%w: %v", errPNG, err)
	}
	c.left, c.kind, c.open = int64(binary.BigEndian.Uint32(head[:])), string(head[4:]), true
	if c.left > math.MaxInt32 {
		return fmt.Errorf("%w: a chunk too long", errPNG)
	}
	return nil
}

func (c *pngChunks) Read(p []byte) (int, error) {
	if c.left == 0 {
		return 0, io.EOF
	}
	n, err := c.r.Read(p[:min(int64(len(p)), c.left)])
	c.left -= int64(n)
	return n, err
}

// header reads IHDR; rowBytes counts the filter byte.
func (c *pngChunks) header() (info pngInfo, rowBytes int64, err error) {
	var h [13]byte
	if err := c.next(); err != nil {
		return info, 0, err
	}
	if c.kind != "IHDR" || c.left != 13 {
		return info, 0, fmt.Errorf("%w: no header", errPNG)
	}
	if _, err := io.ReadFull(c, h[:]); err != nil {
		return info, 0, fmt.Errorf("%w: %v", errPNG, err)
	}
	w, ht := int64(binary.BigEndian.Uint32(h[:])), int64(binary.BigEndian.Uint32(h[4:]))
	samples := map[byte]int64{0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[h[9]]
	depth := int64(h[8])
	if w == 0 || ht == 0 || w > maxPixels/ht || samples == 0 || depth == 0 || depth > 16 || h[12] != 0 {
		return info, 0, fmt.Errorf("%w: header of %dx%d", errPNG, w, ht)
	}
	return pngInfo{width: int(w), height: int(ht)}, 1 + (w*samples*depth+7)/8, nil
}

// rows unpacks the image data, which goes over any number of IDAT chunks, and
// counts it.
func (c *pngChunks) rows(want int64) error {
	data := &idat{c: c}
	z, err := zlib.NewReader(data)
	if err != nil {
		return fmt.Errorf("%w: %v", errPNG, err)
	}
	n, err := io.Copy(io.Discard, io.LimitReader(z, want+1))
	if err != nil {
		return fmt.Errorf("%w: %d of %d bytes: %v", errPNG, n, want, err)
	}
	if n != want {
		return fmt.Errorf("%w: %d of %d bytes", errPNG, n, want)
	}
	_, err = io.Copy(io.Discard, data)
	return err
}

// trailer looks for the end, which says that the writer had finished.
func (c *pngChunks) trailer() error {
	for c.kind != "IEND" {
		if err := c.next(); err != nil {
			return err
		}
	}
	return nil
}

// idat reads the content of IDAT chunks that follow each other. It stops in
// front of another chunk's content.
type idat struct {
	c    *pngChunks
	over bool
}

func (d *idat) Read(p []byte) (int, error) {
	for !d.over && d.c.left == 0 {
		if err := d.c.next(); err != nil {
			return 0, err
		}
		d.over = d.c.kind != "IDAT"
	}
	if d.over {
		return 0, io.EOF
	}
	return d.c.Read(p)
}
