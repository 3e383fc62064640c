package cleanpdf

import (
	"crypto/sha256"
	"errors"
	"fmt"

	"pointnum/kiosk/document/mupdf"
)

// A copier copies what pages are made of from one original into the output,
// by the lists of what may stay. The objects that one refers to are written
// before it, so that equal ones are found.
type copier struct {
	from   *source
	out    *output
	steps  steps
	uses   *uses
	done   map[copied]value
	busy   map[copied]ref // being copied; 0 until something leads back to it
	depth  int
	layers layers
}

// copied is an object in one of its roles.
type copied struct {
	number ref
	as     kind
}

// steps are the ways a copy may differ from the original; each can be left
// out.
type steps struct {
	contents bool // content streams are written anew
	fonts    bool // fonts lose the glyphs nobody uses
	pictures bool // pictures are made coarser, or packed with loss
	quality  Quality
}

// mostNested is how far objects may lead to others that lead to others.
const mostNested = 300

var errShape = errors.New("cleanpdf: not the shape of a document")

func newCopier(from *source, out *output, s steps, u *uses) *copier {
	return &copier{from: from, out: out, steps: s, uses: u, done: map[copied]value{}, busy: map[copied]ref{}}
}

// value copies a value that stands for something of a kind.
func (c *copier) value(v value, as kind) (value, error) {
	if as == nothing {
		return nil, nil
	}
	switch v := v.(type) {
	case ref:
		return c.reference(v, as)
	case text:
		if !as.textual() {
			return nil, nil
		}
		return v, nil
	case array:
		return c.array(v, as)
	case dict:
		return c.dict(v, as, 0)
	}
	return v, nil
}

// reference copies the object that a reference leads to and gives what stands
// for it in the output.
func (c *copier) reference(r ref, as kind) (value, error) {
	key := copied{r, as}
	if v, ok := c.done[key]; ok {
		return v, nil
	}
	if n, ok := c.busy[key]; ok {
		if n == 0 {
			n = c.out.reserve()
			c.busy[key] = n
		}
		return n, nil
	}
	if c.depth++; c.depth > mostNested {
		return nil, errShape
	}
	c.busy[key] = 0
	v, err := c.object(r, as, key)
	delete(c.busy, key)
	c.depth--
	if err != nil {
		return nil, err
	}
	c.done[key] = v
	return v, nil
}

func (c *copier) object(r ref, as kind, key copied) (value, error) {
	v, stream, err := c.from.object(r)
	if err != nil {
		return nil, err
	}
	d, isDict := v.(dict)
	if stream && isDict {
		d, data, err := c.stream(r, d, as)
		if err != nil || d == nil {
			return nil, err
		}
		return c.out.stream(c.busy[key], d, data), nil
	}
	if isDict {
		v, err = c.dict(d, as, r)
	} else {
		v, err = c.value(v, as)
	}
	if err != nil {
		return nil, err
	}
	switch v := v.(type) {
	case array:
		return c.out.object(c.busy[key], v), nil
	case dict:
		return c.out.object(c.busy[key], v), nil
	}
	if n := c.busy[key]; n != 0 {
		return c.out.object(n, v), nil
	}
	return v, nil
}

func (c *copier) array(a array, as kind) (value, error) {
	out := make(array, 0, len(a))
	if as == colour {
		return c.colour(a)
	}
	for i, v := range a {
		kind := as
		if as == fontSize {
			kind = plain
			if i == 0 {
				kind = font
			}
		}
		v, err := c.value(v, kind)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

// colour copies a colour space (ISO 32000-1, 8.6). Of the last kind it leaves
// out the attributes, which are for printing plates.
func (c *copier) colour(a array) (value, error) {
	if len(a) == 0 || len(a) > 5 {
		return nil, errShape
	}
	family, err := c.from.resolve(a[0])
	if err != nil {
		return nil, err
	}
	kinds := []kind{plain}
	switch family {
	case name("ICCBased"):
		kinds = append(kinds, profile)
	case name("Indexed"), name("I"):
		kinds = append(kinds, colour, plain, table)
	case name("Separation"), name("DeviceN"):
		kinds = append(kinds, plain, colour, function)
	default:
		kinds = append(kinds, colour)
	}
	out := array{}
	for i := range min(len(a), len(kinds)) {
		v, as := a[i], kinds[i]
		if t, ok := v.(text); ok && as == table {
			out = append(out, t)
			continue
		}
		v, err := c.value(v, as)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

// dict copies a dictionary's keys; r is its number when it has one.
func (c *copier) dict(d dict, as kind, r ref) (value, error) {
	switch as {
	case layer:
		return c.layer(d, r)
	case font, descriptor:
		return c.ofFont(d, as)
	case xobject, form, picture, alpha, program, glyph:
		return nil, nil // these are streams
	}
	return c.listed(d, as)
}

// listed copies the keys that a kind's list has.
func (c *copier) listed(d dict, as kind) (dict, error) {
	out := dict{}
	allowed := kinds[as&^named]
	for key, v := range sorted(d) {
		kind := allowed[key]
		if as&named != 0 {
			kind = as &^ named
		}
		if kind == nothing || kind == layer && as != layerSet && !c.layers.some {
			continue
		}
		v, err := c.value(v, kind)
		if err != nil {
			return nil, err
		}
		if v != nil {
			out[key] = v
		}
	}
	return out, nil
}

// stream copies a stream and its dictionary by what it is for.
func (c *copier) stream(r ref, d dict, as kind) (dict, []byte, error) {
	if d["F"] != nil { // its data is in another file
		return nil, nil, nil
	}
	if as == xobject {
		switch sub, err := c.from.resolve(d["Subtype"]); {
		case err != nil:
			return nil, nil, err
		case sub == name("Form"):
			as = form
		case sub == name("Image"):
			as = picture
		default: // PostScript
			return nil, nil, nil
		}
	}
	switch as {
	case picture, alpha:
		return c.picture(r, d, as == alpha)
	case form:
		out, data, err := c.contents(r, d, as)
		if out != nil {
			out["Subtype"] = name("Form")
		}
		return out, data, err
	case pattern, glyph:
		return c.contents(r, d, as)
	case program:
		return c.program(r, d)
	case profile:
		return c.profile(r, d)
	case table, function, shading, encoding:
		out, err := c.listed(d, as)
		if err != nil {
			return nil, nil, err
		}
		return c.packed(r, d, out)
	}
	return nil, nil, nil
}

// packed gives a stream's bytes in the smallest form.
func (c *copier) packed(r ref, d, out dict) (dict, []byte, error) {
	data, err := c.from.unpacked(r)
	if err != nil {
		return nil, nil, err
	}
	best := c.out.deflate(data)
	if f := d["Filter"]; (f == name("FlateDecode") || isOnly(f, "FlateDecode")) && d["DecodeParms"] == nil {
		if raw, err := c.from.file.Raw(int(r)); err == nil && len(raw) > 0 && len(raw) < len(best) {
			best = raw
		}
	}
	if len(best)+len("/Filter/FlateDecode") >= len(data) {
		return out, data, nil
	}
	out["Filter"] = name("FlateDecode")
	return out, best, nil
}

func isOnly(v value, n name) bool {
	a, ok := v.(array)
	return ok && len(a) == 1 && a[0] == n
}

// A source reads an original's objects.
type source struct {
	file *mupdf.File
	own  bool // written by package pdf
	// alike is the same for pages that are the same, by number. It holds
	// those that were read.
	alike map[int][sha256.Size]byte
}

// object reads an object, and whether it has a stream.
func (s *source) object(r ref) (value, bool, error) {
	b, stream, err := s.file.Object(int(r))
	if errors.Is(err, mupdf.ErrMemory) {
		return nil, false, err
	}
	if err != nil || len(b) == 0 {
		return nil, false, nil // a reference to nothing is null
	}
	v, err := parse(b)
	if err != nil {
		return nil, false, fmt.Errorf("%w: %d", err, r)
	}
	return v, stream, nil
}

// resolve follows references.
func (s *source) resolve(v value) (value, error) {
	for range 16 {
		r, ok := v.(ref)
		if !ok {
			return v, nil
		}
		var err error
		if v, _, err = s.object(r); err != nil {
			return nil, err
		}
	}
	return nil, errShape
}

// dict follows references to a dictionary; nil when it is none.
func (s *source) dict(v value) (dict, error) {
	v, err := s.resolve(v)
	d, _ := v.(dict)
	return d, err
}

// mostDecoded is how large a stream may become that is not a picture.
const mostDecoded = 64 << 20

// unpacked gives a stream's bytes.
func (s *source) unpacked(r ref) ([]byte, error) {
	return s.file.Stream(int(r), mostDecoded)
}
