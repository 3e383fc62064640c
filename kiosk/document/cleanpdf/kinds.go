package cleanpdf

import "strings"

// A kind says what an object is for, and by that which keys of it may stay.
// What is not listed here is never copied: this is what keeps scripts, names
// and other programs' notes out.
type kind int

const (
	nothing kind = iota
	plain        // numbers, names, and arrays of them
	words        // strings
	resources
	gstate
	softMask
	xobject
	form
	picture
	alpha // how much of a picture is seen
	group
	colour
	profile // of a colour space (ICC)
	table   // a stream of bytes
	function
	shading
	pattern
	font
	fontSize // a font and its size
	glyph    // of a Type 3 font
	encoding
	cidInfo
	descriptor
	program // a font's file
	layer
	layerSet

	// named is added to a kind for a dictionary of such objects by name.
	named kind = 1 << 8
)

// keys are a kind's keys and what their values are.
type keys map[name]kind

func (k keys) add(v kind, words string) keys {
	for _, w := range strings.Fields(words) {
		k[name(w)] = v
	}
	return k
}

// kinds tells the keys by ISO 32000-1's tables. It is never changed.
var kinds = map[kind]keys{
	resources: {"ExtGState": gstate | named, "ColorSpace": colour | named, "Pattern": pattern | named, "Shading": shading | named,
		"XObject": xobject | named, "Font": font | named, "Properties": layer | named},
	// Tables 58 and 144; what is for printing plates is left out.
	gstate:   keys{"SMask": softMask, "Font": fontSize}.add(plain, "LW LC LJ ML D RI OP op OPM FL SM SA BM CA ca AIS TK"),
	softMask: keys{"G": form, "TR": function}.add(plain, "S BC"),
	form:     keys{"Resources": resources, "Group": group, "OC": layer}.add(plain, "Subtype BBox Matrix"),
	group:    keys{"CS": colour}.add(plain, "S I K"),
	picture: keys{"ColorSpace": colour, "Mask": xobject, "SMask": alpha, "OC": layer}.
		add(plain, "Subtype Width Height BitsPerComponent Intent ImageMask Decode Interpolate SMaskInData Matte"),
	colour:   keys{}.add(plain, "WhitePoint BlackPoint Gamma Matrix Range"), // of CalRGB and the like
	profile:  keys{"Alternate": colour}.add(plain, "N Range"),
	table:    {},
	function: keys{"Functions": function}.add(plain, "FunctionType Domain Range Size BitsPerSample Order Encode Decode C0 C1 N Bounds"),
	shading: keys{"ColorSpace": colour, "Function": function}.
		add(plain, "ShadingType Background BBox AntiAlias Domain Matrix Coords Extend BitsPerCoordinate BitsPerComponent BitsPerFlag Decode VerticesPerRow"),
	pattern: keys{"Resources": resources, "Shading": shading, "ExtGState": gstate}.
		add(plain, "PatternType PaintType TilingType BBox XStep YStep Matrix"),
	font: keys{"Encoding": encoding, "ToUnicode": table, "FontDescriptor": descriptor, "DescendantFonts": font, "CIDSystemInfo": cidInfo,
		"CIDToGIDMap": table, "CharProcs": glyph | named, "Resources": resources}.
		add(plain, "Type Subtype BaseFont FirstChar LastChar Widths FontBBox FontMatrix DW W DW2 W2"),
	glyph:    {},
	encoding: keys{"CIDSystemInfo": cidInfo, "UseCMap": encoding}.add(plain, "BaseEncoding Differences CMapName WMode"),
	cidInfo:  keys{}.add(words, "Registry Ordering").add(plain, "Supplement"),
	descriptor: keys{"FontFile": program, "FontFile2": program, "FontFile3": program}.
		add(plain, "Type FontName Flags FontBBox ItalicAngle Ascent Descent Leading CapHeight XHeight StemV StemH AvgWidth MaxWidth MissingWidth"),
	program:  keys{}.add(plain, "Subtype Length1 Length2 Length3"),
	layerSet: keys{"OCGs": layer}.add(plain, "Type P"),
}

// textual says whether strings may stay in objects of a kind.
func (k kind) textual() bool { return k == words || k == colour }
