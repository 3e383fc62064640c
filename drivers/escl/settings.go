package escl

import (
	"fmt"
	"strings"
)

// xml writes ScanSettings (8.2.1). Every value is a number, one of our own
// words or a version of digits: nothing needs escaping.
func (s settings) xml() []byte {
	var b strings.Builder
	b.WriteString(`<?xml version="1.0" encoding="UTF-8"?>` +
		`<scan:ScanSettings xmlns:scan="http://schemas.hp.com/imaging/escl/2011/05/03"` +
		` xmlns:pwg="http://www.pwg.org/schemas/2010/12/sm">`)
	put := func(name string, value any) { fmt.Fprintf(&b, "<%s>%v</%s>", name, value, name) }
	put("pwg:Version", s.version)
	if s.intent != "" {
		put("scan:Intent", s.intent)
	}
	b.WriteString("<pwg:ScanRegions><pwg:ScanRegion>")
	put("pwg:ContentRegionUnits", "escl:ThreeHundredthsOfInches")
	put("pwg:XOffset", 0)
	put("pwg:YOffset", 0)
	put("pwg:Width", s.width)
	put("pwg:Height", s.height)
	b.WriteString("</pwg:ScanRegion></pwg:ScanRegions>")
	if s.feeder {
		put("pwg:InputSource", "Feeder")
	} else {
		put("pwg:InputSource", "Platen")
	}
	put("pwg:DocumentFormat", mediaJPEG)
	if s.ext {
		put("scan:DocumentFormatExt", mediaJPEG)
	}
	if s.res.X > 0 {
		put("scan:XResolution", s.res.X)
		put("scan:YResolution", s.res.Y)
	}
	if s.color != "" {
		put("scan:ColorMode", s.color)
	}
	if s.feeder {
		put("scan:Duplex", s.duplex)
	}
	b.WriteString("</scan:ScanSettings>")
	return []byte(b.String())
}
