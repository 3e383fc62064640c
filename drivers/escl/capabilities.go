package escl

import (
	"encoding/xml"
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"

	"pointnum/kiosk"
)

// capabilities is ScannerCapabilities (8.1.4), as far as it is used.
type capabilities struct {
	XMLName      xml.Name `xml:"ScannerCapabilities"`
	Version      string   `xml:"Version"`
	MakeAndModel string   `xml:"MakeAndModel"`
	Manufacturer string   `xml:"Manufacturer"`
	SerialNumber string   `xml:"SerialNumber"`
	Platen       *struct {
		Input inputCaps `xml:"PlatenInputCaps"`
	} `xml:"Platen"`
	Adf *struct {
		Simplex *inputCaps `xml:"AdfSimplexInputCaps"`
		Duplex  *inputCaps `xml:"AdfDuplexInputCaps"`
	} `xml:"Adf"`
}

// inputCaps is what the glass or one way through the feeder can do. Lengths
// are in 1/300 inch.
type inputCaps struct {
	MinWidth  int             `xml:"MinWidth"`
	MaxWidth  int             `xml:"MaxWidth"`
	MinHeight int             `xml:"MinHeight"`
	MaxHeight int             `xml:"MaxHeight"`
	Profiles  []settingValues `xml:"SettingProfiles>SettingProfile"`
	Intents   []string        `xml:"SupportedIntents>Intent"`
}

type settingValues struct {
	ColorModes []string     `xml:"ColorModes>ColorMode"`
	Formats    []string     `xml:"DocumentFormats>DocumentFormat"`
	FormatsExt []string     `xml:"DocumentFormats>DocumentFormatExt"`
	Discrete   []resolution `xml:"SupportedResolutions>DiscreteResolutions>DiscreteResolution"`
	RangeX     *dpiRange    `xml:"SupportedResolutions>ResolutionRange>XResolutionRange"`
	RangeY     *dpiRange    `xml:"SupportedResolutions>ResolutionRange>YResolutionRange"`
}

type resolution struct {
	X int `xml:"XResolution"`
	Y int `xml:"YResolution"`
}

type dpiRange struct {
	Min  int `xml:"Min"`
	Max  int `xml:"Max"`
	Step int `xml:"Step"`
}

const mediaJPEG = "image/jpeg"

// maxDPI bounds what is believed of a device.
const maxDPI = 4800

var versionForm = regexp.MustCompile(`^\d{1,2}\.\d{1,3}$`)

func (c *capabilities) check() error {
	if c.Platen == nil && (c.Adf == nil || c.Adf.Simplex == nil && c.Adf.Duplex == nil) {
		return fmt.Errorf("%w: neither a glass nor a feeder", errAnswer)
	}
	return nil
}

func (c *capabilities) hasFeeder() bool {
	return c.Adf != nil && (c.Adf.Simplex != nil || c.Adf.Duplex != nil)
}

// model is the model without the make that MakeAndModel repeats.
func (c *capabilities) model() string {
	return strings.TrimSpace(strings.TrimPrefix(c.MakeAndModel, c.Manufacturer))
}

// settings are the values of one job, all of them listed by the device.
type settings struct {
	feeder  bool
	duplex  bool
	color   string
	res     resolution
	width   int // 1/300 inch
	height  int
	intent  string // "" when the device lists none that fits
	version string
	ext     bool // the format goes into DocumentFormatExt too (2.1)
}

// settings chooses the device's values nearest to what is asked for.
func (c *capabilities) settings(o kiosk.ScanOptions, feeder bool) (settings, error) {
	s := settings{feeder: feeder, version: "2.0"}
	if versionForm.MatchString(c.Version) {
		s.version = c.Version
	}
	var in *inputCaps
	switch {
	case !feeder && c.Platen != nil:
		in = &c.Platen.Input
	case feeder && c.hasFeeder():
		in = c.Adf.Simplex
		if c.Adf.Duplex != nil && (o.Duplex || in == nil) {
			in, s.duplex = c.Adf.Duplex, true
		}
	default:
		return s, errors.New("the scanner has no such source")
	}
	profile, err := in.profile(o.Color)
	if err != nil {
		return s, err
	}
	s.color = profile.color(o.Color)
	s.ext = slices.Contains(profile.FormatsExt, mediaJPEG)
	s.res = profile.resolution(o.DPI)
	s.width = clampLength(or(o.Width, 210), in.MinWidth, in.MaxWidth)
	s.height = clampLength(or(o.Height, 297), in.MinHeight, in.MaxHeight)
	for _, want := range []string{"Document", "TextAndGraphic"} {
		if s.intent == "" && slices.Contains(in.Intents, want) {
			s.intent = want
		}
	}
	return s, nil
}

func or(v, otherwise float64) float64 {
	if v > 0 {
		return v
	}
	return otherwise
}

// clampLength turns millimetres into 1/300 inch within what the device lists.
func clampLength(mm float64, least, most int) int {
	v := int(math.Round(mm * 300 / 25.4))
	if most > 0 {
		v = min(v, most)
	}
	return max(v, least, 1)
}

// profile picks the profile that has JPEG and, if any does, the colour mode.
func (in *inputCaps) profile(mode kiosk.ColorMode) (*settingValues, error) {
	var found *settingValues
	for i := range in.Profiles {
		p := &in.Profiles[i]
		if !slices.Contains(p.Formats, mediaJPEG) && !slices.Contains(p.FormatsExt, mediaJPEG) {
			continue
		}
		if found == nil || !found.has(mode) && p.has(mode) {
			found = p
		}
	}
	if found == nil {
		return nil, errors.New("the scanner lists no JPEG")
	}
	return found, nil
}

func (p *settingValues) has(mode kiosk.ColorMode) bool {
	return slices.Contains(p.ColorModes, wireMode(mode))
}

func wireMode(mode kiosk.ColorMode) string {
	if mode == kiosk.Gray {
		return "Grayscale8"
	}
	return "RGB24"
}

// color gives the nearest mode: more is better than less.
func (p *settingValues) color(mode kiosk.ColorMode) string {
	for _, m := range []string{wireMode(mode), "RGB24", "Grayscale8"} {
		if slices.Contains(p.ColorModes, m) {
			return m
		}
	}
	return "" // then the element is left out and the device decides
}

// resolution gives the nearest resolution, the same both ways if any is.
func (p *settingValues) resolution(dpi int) resolution {
	if dpi <= 0 {
		dpi = 300
	}
	best, cost := resolution{}, math.MaxInt
	consider := func(r resolution) {
		c := abs(r.X-dpi) + abs(r.Y-dpi)
		if r.X != r.Y {
			c += maxDPI
		}
		if r.X > 0 && r.Y > 0 && r.X <= maxDPI && r.Y <= maxDPI && c < cost {
			best, cost = r, c
		}
	}
	for _, r := range p.Discrete {
		consider(r)
	}
	if p.RangeX != nil {
		y := p.RangeX
		if p.RangeY != nil {
			y = p.RangeY
		}
		consider(resolution{p.RangeX.nearest(dpi), y.nearest(dpi)})
	}
	return best
}

// nearest gives the step of the range nearest to dpi.
func (r *dpiRange) nearest(dpi int) int {
	if r.Min <= 0 || r.Max < r.Min || r.Max > 100*maxDPI {
		return 0
	}
	v := min(max(dpi, r.Min), r.Max)
	if r.Step > 1 && r.Step < r.Max {
		v = r.Min + (v-r.Min+r.Step/2)/r.Step*r.Step
		if v > r.Max {
			v -= r.Step
		}
	}
	return v
}

func abs(n int) int { return max(n, -n) }
