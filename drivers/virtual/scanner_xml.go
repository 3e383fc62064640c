package virtual

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
)

// The namespaces of eSCL (Mopria Alliance, eSCL Technical Specification 2.97).
const (
	nsScan = "http://schemas.hp.com/imaging/escl/2011/05/03"
	nsPWG  = "http://www.pwg.org/schemas/2010/12/sm"
)

const (
	maxWidth        = 2550 // 1/300 inch: 8.5 inches
	maxGlassHeight  = 3508 // A4
	maxFeederHeight = 4200 // legal
	minSide         = 118  // 1 cm
)

func writeXML(w http.ResponseWriter, root, body string) {
	w.Header().Set("Content-Type", "text/xml")
	fmt.Fprintf(w, `<?xml version="1.0" encoding="UTF-8"?>`+"\n"+
		`<scan:%s xmlns:scan="%s" xmlns:pwg="%s"><pwg:Version>2.63</pwg:Version>%s</scan:%s>`,
		root, nsScan, nsPWG, body, root)
}

func element(name string, value any) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, fmt.Append(nil, value)) // a Builder takes everything
	return "<" + name + ">" + b.String() + "</" + name + ">"
}

// inputCaps describes one side of the feeder, or the glass.
func (s *Scanner) inputCaps(name string, maxHeight int) string {
	var b strings.Builder
	b.WriteString("<scan:" + name + ">")
	b.WriteString(element("scan:MinWidth", minSide) + element("scan:MaxWidth", maxWidth))
	b.WriteString(element("scan:MinHeight", minSide) + element("scan:MaxHeight", maxHeight))
	b.WriteString(element("scan:MaxScanRegions", 1))
	b.WriteString("<scan:SettingProfiles><scan:SettingProfile><scan:ColorModes>")
	for _, m := range s.colorModes() {
		b.WriteString(element("scan:ColorMode", m))
	}
	b.WriteString("</scan:ColorModes><scan:DocumentFormats>")
	b.WriteString(element("pwg:DocumentFormat", "image/jpeg") + element("scan:DocumentFormatExt", "image/jpeg"))
	b.WriteString("</scan:DocumentFormats><scan:SupportedResolutions><scan:DiscreteResolutions>")
	for _, d := range s.opts.DPI {
		b.WriteString("<scan:DiscreteResolution>" + element("scan:XResolution", d) +
			element("scan:YResolution", d) + "</scan:DiscreteResolution>")
	}
	b.WriteString("</scan:DiscreteResolutions></scan:SupportedResolutions></scan:SettingProfile></scan:SettingProfiles>")
	b.WriteString("<scan:SupportedIntents>" + element("scan:Intent", "Document") +
		element("scan:Intent", "Photo") + "</scan:SupportedIntents>")
	b.WriteString("</scan:" + name + ">")
	return b.String()
}

func (s *Scanner) colorModes() []string {
	if s.opts.GrayOnly {
		return []string{"Grayscale8"}
	}
	return []string{"Grayscale8", "RGB24"}
}

func (s *Scanner) serveCapabilities(w http.ResponseWriter, _ *http.Request) {
	var b strings.Builder
	b.WriteString(element("pwg:MakeAndModel", s.opts.Make+" "+s.opts.Model))
	b.WriteString(element("pwg:SerialNumber", s.opts.Serial))
	b.WriteString(element("scan:Manufacturer", s.opts.Make))
	b.WriteString(element("scan:UUID", s.opts.UUID))
	if !s.opts.NoGlass {
		b.WriteString("<scan:Platen>" + s.inputCaps("PlatenInputCaps", maxGlassHeight) + "</scan:Platen>")
	}
	if !s.opts.NoFeeder {
		b.WriteString("<scan:Adf>" + s.inputCaps("AdfSimplexInputCaps", maxFeederHeight))
		options := element("scan:AdfOption", "DetectPaperLoaded")
		if !s.opts.NoDuplex {
			b.WriteString(s.inputCaps("AdfDuplexInputCaps", maxGlassHeight))
			options += element("scan:AdfOption", "Duplex")
		}
		b.WriteString(element("scan:FeederCapacity", 50) + "<scan:AdfOptions>" + options + "</scan:AdfOptions></scan:Adf>")
	}
	writeXML(w, "ScannerCapabilities", b.String())
}

func (s *Scanner) serveStatus(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	state := "Idle"
	var jobs strings.Builder
	for _, j := range s.jobs {
		if j.active() {
			state = "Processing"
		}
		jobs.WriteString("<scan:JobInfo>" + element("pwg:JobUri", j.path()) + element("pwg:JobUuid", j.id) +
			element("scan:Age", int(j.age().Seconds())) + element("pwg:ImagesCompleted", j.sent) +
			element("pwg:JobState", j.state) + "<pwg:JobStateReasons>" +
			element("pwg:JobStateReason", j.reason) + "</pwg:JobStateReasons></scan:JobInfo>")
	}
	body := element("pwg:State", state)
	if !s.opts.NoFeeder {
		body += element("scan:AdfState", s.adfState())
	}
	writeXML(w, "ScannerStatus", body+"<scan:Jobs>"+jobs.String()+"</scan:Jobs>")
}

func (s *Scanner) adfState() string {
	switch s.stuck {
	case FaultJam:
		return "ScannerAdfJam"
	case FaultDoubleFeed:
		return "ScannerAdfMultipickDetected"
	case FaultCoverOpen:
		return "ScannerAdfDoorOpen"
	case FaultHatchOpen:
		return "ScannerAdfHatchOpen"
	}
	if len(s.feeder) == 0 {
		return "ScannerAdfEmpty"
	}
	return "ScannerAdfLoaded"
}

// scanSettings is what a client asks for.
type scanSettings struct {
	XMLName     xml.Name `xml:"ScanSettings"`
	InputSource string   `xml:"InputSource"`
	ColorMode   string   `xml:"ColorMode"`
	Format      string   `xml:"DocumentFormat"`
	FormatExt   string   `xml:"DocumentFormatExt"`
	XResolution int      `xml:"XResolution"`
	YResolution int      `xml:"YResolution"`
	Duplex      bool     `xml:"Duplex"`
	Width       int      `xml:"ScanRegions>ScanRegion>Width"`
	Height      int      `xml:"ScanRegions>ScanRegion>Height"`
}

func (s *Scanner) readSettings(r io.Reader) (scanSettings, error) {
	var set scanSettings
	if err := xml.NewDecoder(io.LimitReader(r, 1<<16)).Decode(&set); err != nil {
		return set, err
	}
	return set, s.checkSettings(set)
}

// checkSettings refuses what the scanner does not list: real ones hang, or
// need to be switched off and on.
func (s *Scanner) checkSettings(set scanSettings) error {
	feeder := set.InputSource == "Feeder"
	maxHeight := maxGlassHeight
	if feeder && !set.Duplex {
		maxHeight = maxFeederHeight
	}
	switch {
	case set.InputSource != "Feeder" && set.InputSource != "Platen",
		feeder && s.opts.NoFeeder, !feeder && s.opts.NoGlass:
		return errors.New("no such input source")
	case set.Duplex && (!feeder || s.opts.NoDuplex):
		return errors.New("no duplex here")
	case !slices.Contains(s.colorModes(), set.ColorMode):
		return errors.New("no such colour mode")
	case set.Format != "image/jpeg" && set.FormatExt != "image/jpeg":
		return errors.New("no such document format")
	case set.XResolution != set.YResolution || !slices.Contains(s.opts.DPI, set.XResolution):
		return errors.New("no such resolution")
	case set.Width > maxWidth || set.Height > maxHeight || set.Width < minSide || set.Height < minSide:
		return errors.New("no such region")
	}
	return nil
}
