package cleanpdf

import (
	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu/model"
	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu/types"

	"pointnum/kiosk/document/decode"
)

// copier copies the objects that pages are made of. Objects get new numbers
// in the order they are met, so that the same file always gives the same
// result.
type copier struct {
	table   *model.XRefTable
	numbers map[int]int // new object numbers by old ones
	queue   []int       // old numbers, in the order of the new ones
	dropped bool        // something was left out
}

// catalogObject is the new number of the catalog.
const catalogObject = 1

// firstCopied is the new number of the first object that is copied.
const firstCopied = 2

// catalog copies the document's root: its pages, its form, its layers.
func (c *copier) catalog() (types.Dict, error) {
	o, err := c.table.Dereference(*c.table.Root)
	root, ok := o.(types.Dict)
	if err != nil || !ok || root["Pages"] == nil {
		return nil, errShape
	}
	out := types.Dict{}
	for key, v := range root {
		switch key {
		case "Type", "Version", "Pages", "OCProperties":
			out[key] = v
		case "AcroForm":
			out[key] = c.form(v)
		case "PageMode", "PageLayout", "Lang", "MarkInfo", "ViewerPreferences":
			// Harmless, and of no use in an upload.
		case "PageLabels", "Outlines", "StructTreeRoot", "Dests", "OutputIntents", "Extensions":
			c.dropped = true
		default:
			c.dropped = true
		}
	}
	return out, nil
}

// form keeps what shows the fields of a form.
func (c *copier) form(o types.Object) types.Object {
	d, ok := c.dict(o)
	if !ok {
		return nil
	}
	out := types.Dict{}
	for key, v := range d {
		switch key {
		case "Fields", "DR", "DA", "Q", "NeedAppearances":
			out[key] = v
		case "SigFlags":
		default:
			c.dropped = true
		}
	}
	return out
}

func (c *copier) dict(o types.Object) (types.Dict, bool) {
	o, err := c.table.Dereference(o)
	d, ok := o.(types.Dict)
	return d, ok && err == nil
}

// number gives an object's new number and sees to it that it is copied.
func (c *copier) number(old int) int {
	n, ok := c.numbers[old]
	if !ok {
		n = firstCopied + len(c.queue)
		c.numbers[old] = n
		c.queue = append(c.queue, old)
	}
	return n
}

// cleaned gives what may stay of a dictionary.
func (c *copier) cleaned(d types.Dict) types.Dict {
	kind, _ := d["Type"].(types.Name)
	subtype, _ := d["Subtype"].(types.Name)
	page := kind == "Page"
	annotation := kind == "Annot" || d["Rect"] != nil && d["Subtype"] != nil
	out := types.Dict{}
	for key, v := range d {
		keep := true
		switch key {
		case "AA", "JS", "JavaScript", "OpenAction", "Metadata", "PieceInfo", "LastModified", "AF", "EF", "EmbeddedFiles",
			"Private", "Thumb", "B", "OPI", "Ref", "PA", "PresSteps", "StructParent", "StructParents", "SeparationInfo", "Trans", "Dur":
			keep = key == "B" && !page
		case "A":
			keep = !c.action(v) && !annotation
		case "T", "Contents", "RC", "M", "CreationDate", "NM", "Popup", "Subj", "IRT", "URI", "Dest", "FS":
			// A comment's author, time and words; a field's name is needed.
			keep = !annotation || subtype == "Widget" && key == "T"
		case "Annots":
			if page {
				v = c.annotations(v)
				keep = v != nil
			}
		}
		if keep {
			out[key] = v
			continue
		}
		if key != "StructParent" && key != "StructParents" {
			c.dropped = true
		}
	}
	return out
}

// action says whether a value is an action rather than an attribute.
func (c *copier) action(o types.Object) bool {
	d, ok := c.dict(o)
	return ok && d["S"] != nil
}

// annotations keeps those that show something on the page.
func (c *copier) annotations(o types.Object) types.Object {
	o, err := c.table.Dereference(o)
	all, ok := o.(types.Array)
	if err != nil || !ok {
		return nil
	}
	var kept types.Array
	for _, a := range all {
		d, ok := c.dict(a)
		if !ok {
			continue
		}
		switch s, _ := d["Subtype"].(types.Name); s {
		case "Widget", "FreeText", "Line", "Square", "Circle", "Polygon", "PolyLine", "Highlight", "Underline", "Squiggly",
			"StrikeOut", "Stamp", "Ink", "Caret", "Watermark":
			kept = append(kept, a)
		default:
			c.dropped = true
		}
	}
	if kept == nil {
		return nil
	}
	return kept
}

// stream cleans a stream's dictionary, and the metadata inside of a picture.
func (c *copier) stream(s types.StreamDict) (types.Dict, []byte, error) {
	if s.Dict["F"] != nil || s.Dict["Subtype"] == types.Name("PS") {
		return nil, nil, errExternal
	}
	d, raw := c.cleaned(s.Dict), s.Raw
	if n, ok := d["Filter"].(types.Name); ok && n == "DCTDecode" {
		if plain, ok := decode.DropSegments(raw); ok && len(plain) < len(raw) {
			raw, c.dropped = plain, true
		}
	}
	delete(d, "Length")
	delete(d, "DL")
	return d, raw, nil
}
