package sheet_test

import (
	"fmt"
	"image"
	_ "image/jpeg"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"pointnum/kiosk/document/sheet"
)

// collection is where the real documents are.
const collection = "../../../../shared/corpus"

// pictures keeps what corpus has read.
var pictures sync.Map

// corpus gives a picture of the collection, its long side at most side pixels.
// ImageMagick reads it: the race detector makes Go's own decoder slow.
func corpus(t testing.TB, name string, side int) *image.RGBA {
	t.Helper()
	key := fmt.Sprint(name, side)
	if img, ok := pictures.Load(key); ok {
		return img.(*image.RGBA)
	}
	convert, err := exec.LookPath("convert")
	if err != nil {
		t.Fatal("convert is not installed: run 'make deps' first")
	}
	// P6 is a line of type, one of the size and one of the largest value,
	// then red, green and blue.
	size := fmt.Sprintf("%dx%d", side, side)
	data, err := exec.Command(convert, "-quiet", "-limit", "thread", "1", "-define", "jpeg:size="+size,
		filepath.Join(collection, name), "-resize", size+">", "-depth", "8", "ppm:-").Output()
	if err != nil {
		t.Fatal(err)
	}
	var w, h int
	if _, err := fmt.Sscanf(string(data[:min(len(data), 20)]), "P6\n%d %d\n255\n", &w, &h); err != nil {
		t.Fatal(err)
	}
	data = data[len(data)-3*w*h:]
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for i := range w * h {
		copy(img.Pix[4*i:4*i+3], data[3*i:3*i+3])
		img.Pix[4*i+3] = 255
	}
	pictures.Store(key, img)
	return img
}

// names lists the collection's files that match.
func names(t testing.TB, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(collection, pattern))
	if err != nil || len(files) == 0 {
		t.Fatalf("no %s in the collection: %v", pattern, err)
	}
	for i := range files {
		files[i] = filepath.Base(files[i])
	}
	return files
}

// original reads a picture of the collection as it is.
func original(t testing.TB, name string) image.Image {
	t.Helper()
	f, err := os.Open(filepath.Join(collection, name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	img, _, err := image.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// ground is what a sheet lies on: the colour at a place.
type ground func(x, y float64, r *rand.Rand) [3]float64

// The grounds.
func wood(x, y float64, r *rand.Rand) [3]float64 {
	v := 1 + 0.12*math.Sin(x/9+3*math.Sin(y/140)) + 0.06*r.NormFloat64()
	if math.Mod(x+0.05*y+1000, 190) < 3 {
		v *= 0.5 // between two boards
	}
	return [3]float64{150 * v, 105 * v, 65 * v}
}

func cloth(x, y float64, r *rand.Rand) [3]float64 {
	v := 1 + 0.1*math.Sin(x/40+y/70) + 0.1*r.NormFloat64()
	return [3]float64{140 * v, 25 * v, 35 * v}
}

func keys(x, y float64, r *rand.Rand) [3]float64 {
	v := 45 + 4*r.NormFloat64()
	if math.Mod(x, 95) < 10 || math.Mod(y, 95) < 10 {
		v = 12
	} else if math.Abs(math.Mod(x, 95)-52) < 12 && math.Abs(math.Mod(y, 95)-52) < 14 {
		v = 190
	}
	return [3]float64{v, v, v + 4}
}

func whiteTable(x, y float64, r *rand.Rand) [3]float64 {
	v := 188 + 2*r.NormFloat64()
	return [3]float64{v, v, v}
}

func black(x, y float64, r *rand.Rand) [3]float64 {
	v := 30 + 3*r.NormFloat64()
	return [3]float64{v, v, v}
}

// scene is a photograph that is made up.
type scene struct {
	page   *image.RGBA
	ground ground
	quad   sheet.Quad // where the page lies; zero is no page
	shadow bool       // across everything
	curl   float64    // how far the upper side bends inwards, of the page's height
	seed   uint64
}

const sceneW, sceneH = 750, 1000

// picture takes the photograph: light from one corner, a soft lens.
func (s scene) picture() *image.RGBA {
	r := rand.New(rand.NewPCG(s.seed, 7))
	dst := image.NewRGBA(image.Rect(0, 0, sceneW, sceneH))
	var m [9]float64
	if s.page != nil {
		m = toUnit(s.quad)
	}
	for y := range sceneH {
		for x := range sceneW {
			fx, fy := float64(x)+0.5, float64(y)+0.5
			c := s.ground(fx, fy, r)
			if s.page != nil {
				d := m[6]*fx + m[7]*fy + m[8]
				u, v := (m[0]*fx+m[1]*fy+m[2])/d, (m[3]*fx+m[4]*fy+m[5])/d
				v -= s.curl * math.Sin(math.Pi*u) * (1 - v)
				if d > 0 && u >= 0 && u < 1 && v >= 0 && v < 1 {
					i := s.page.PixOffset(int(u*float64(s.page.Rect.Dx())), int(v*float64(s.page.Rect.Dy())))
					n := r.NormFloat64() * 2
					for k := range c {
						c[k] = float64(s.page.Pix[i+k])*0.9 + n
					}
				}
			}
			light := 1 - 0.3*(fx/sceneW+fy/sceneH)/2
			if s.shadow && fx+0.4*fy > 700 && fx+0.4*fy < 1000 {
				light *= 0.65
			}
			i := dst.PixOffset(x, y)
			for k := range c {
				dst.Pix[i+k] = uint8(min(max(c[k]*light, 0), 255))
			}
			dst.Pix[i+3] = 255
		}
	}
	return dst
}

// toUnit maps a quad to the unit square: the inverse of Heckbert's mapping.
func toUnit(q sheet.Quad) [9]float64 {
	sx, sy := q[0].X-q[1].X+q[2].X-q[3].X, q[0].Y-q[1].Y+q[2].Y-q[3].Y
	ax, ay, bx, by := q[1].X-q[2].X, q[1].Y-q[2].Y, q[3].X-q[2].X, q[3].Y-q[2].Y
	den := ax*by - ay*bx
	g, h := (sx*by-sy*bx)/den, (ax*sy-ay*sx)/den
	a, b, c := q[1].X-q[0].X+g*q[1].X, q[3].X-q[0].X+h*q[3].X, q[0].X
	d, e, f := q[1].Y-q[0].Y+g*q[1].Y, q[3].Y-q[0].Y+h*q[3].Y, q[0].Y
	return [9]float64{
		e - f*h, c*h - b, b*f - c*e,
		f*g - d, a - c*g, c*d - a*f,
		d*h - e*g, b*g - a*h, a*e - b*d,
	}
}

// seen is a page of that ratio (width over height) as a camera sees it: turned
// by so many degrees and tilted by so many about a lying axis.
func seen(ratio, turned, tilted, size float64) sheet.Quad {
	const lens = 0.78 * sceneH
	st, ct := math.Sincos(turned * math.Pi / 180)
	si, ci := math.Sincos(tilted * math.Pi / 180)
	h := size * sceneH
	w := h * ratio
	var q sheet.Quad
	for i, p := range [4][2]float64{{-w / 2, -h / 2}, {w / 2, -h / 2}, {w / 2, h / 2}, {-w / 2, h / 2}} {
		x, y := p[0]*ct-p[1]*st, p[0]*st+p[1]*ct
		z := lens - y*si
		q[i] = sheet.Point{X: sceneW/2 + lens*x/z, Y: sceneH/2 + lens*y*ci/z}
	}
	return q
}

// miss is the largest distance between corners, of the quad's long side.
func miss(got, want sheet.Quad) float64 {
	long := 0.0
	for i := range want {
		long = max(long, math.Hypot(want[i].X-want[(i+1)%4].X, want[i].Y-want[(i+1)%4].Y))
	}
	best := math.Inf(1)
	for k := range 4 {
		worst := 0.0
		for i := range want {
			p := got[(i+k)%4]
			worst = max(worst, math.Hypot(p.X-want[i].X, p.Y-want[i].Y))
		}
		best = min(best, worst)
	}
	return best / long
}
