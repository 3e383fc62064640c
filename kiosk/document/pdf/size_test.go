package pdf_test

import (
	"bytes"
	"image"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"pointnum/kiosk/document/documenttest"
	"pointnum/kiosk/document/pdf"
)

// many gives n pages of all kinds, of the sizes of real ones.
func many(t testing.TB, n int) []pdf.Page {
	t.Helper()
	kinds := everything(t)
	noise := rand.New(rand.NewPCG(1, 2))
	var all []pdf.Page
	for i := range n {
		p := kinds[i%len(kinds)]
		stencil := blackCCITT() // of the size of a page of writing
		stencil.Stencil = true
		stencil.Data = make([]byte, 15_000+noise.IntN(20_000))
		p.Layers = append(slices.Clone(p.Layers), stencil)
		all = append(all, p)
	}
	return all
}

func TestTheSizeOfAFileIsKnownBefore(t *testing.T) {
	for _, n := range []int{1, 2, 4, 12, 150, 400} {
		pages := many(t, n)
		var words, bare []pdf.Page
		for _, p := range pages {
			words = append(words, p)
			p.Words = nil
			bare = append(bare, p)
		}
		for name, pages := range map[string][]pdf.Page{"with words": words, "without": bare} {
			size, real := pdf.FileSize(pages), int64(len(write(t, pages...)))
			if size < real || size > real+real/100+300 {
				t.Errorf("%d pages %s take %d bytes, expected %d", n, name, real, size)
			}
		}
	}
}

func TestTheSizeIsNeverTooSmall(t *testing.T) {
	page := jpegPage(t, documenttest.GrayGradient(8, 8), 0)
	pages := slices.Repeat([]pdf.Page{page}, 3000)
	if size, real := pdf.FileSize(pages), int64(len(write(t, pages...))); size < real {
		t.Errorf("3000 pages take %d bytes, expected %d", real, size)
	}
}

func TestAPageIsKeptAndComesBack(t *testing.T) {
	for i, p := range append(everything(t), pdf.Page{Width: 9, Height: 9, Layers: []pdf.Image{blackCCITT()}}) {
		data, err := p.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		var got pdf.Page
		if err := got.UnmarshalBinary(data); err != nil {
			t.Fatal(err)
		}
		clear(data) // nothing of it may be kept
		if !reflect.DeepEqual(got, p) {
			t.Errorf("page %d came back as another", i)
		}
		if !bytes.Equal(write(t, got), write(t, p)) {
			t.Errorf("page %d is written differently", i)
		}
	}
}

func TestBrokenPackedPagesAreRefused(t *testing.T) {
	data, err := everything(t)[2].MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	for n := range data {
		if n < 200 || n > len(data)-400 || n%97 == 0 {
			if err := new(pdf.Page).UnmarshalBinary(data[:n]); err == nil {
				t.Fatalf("cut to %d bytes of %d it is taken", n, len(data))
			}
		}
	}
	if new(pdf.Page).UnmarshalBinary(append(data, 0)) == nil {
		t.Error("with a byte behind it it is taken")
	}
	data[0]++
	if new(pdf.Page).UnmarshalBinary(data) == nil {
		t.Error("another version is taken")
	}
	for name, p := range map[string]pdf.Page{
		"nothing":    {},
		"too large":  {Width: 70_000, Height: 9, Layers: []pdf.Image{blackCCITT()}},
		"many words": {Width: 9, Height: 9, Layers: []pdf.Image{blackCCITT()}, Words: slices.Repeat([]pdf.Word{{X1: 1, Y1: 1}}, 20_001)},
	} {
		if _, err := p.MarshalBinary(); err == nil {
			t.Errorf("%s: packed", name)
		}
	}
}

func TestPlacesAndTurnsMustBeOnThePage(t *testing.T) {
	for name, change := range map[string]func(*pdf.Page){
		"beside the page":  func(p *pdf.Page) { p.Layers[0].Place = image.Rect(20, 0, 31, 10) },
		"upside down":      func(p *pdf.Page) { p.Layers[0].Place = image.Rectangle{Min: image.Pt(9, 9), Max: image.Pt(3, 3)} },
		"half turned":      func(p *pdf.Page) { p.Turn = 45 },
		"a mask elsewhere": func(p *pdf.Page) { m := blackCCITT(); m.Place = image.Rect(0, 0, 9, 9); p.Layers[0].Mask = &m },
		"a mask's mask": func(p *pdf.Page) {
			m, n := blackCCITT(), blackCCITT()
			m.Mask = &n
			p.Layers[0].Mask = &m
		},
		"a word beside": func(p *pdf.Page) { p.Words = []pdf.Word{{Text: "a", X0: 0, X1: 31, Y1: 4}} },
		"an empty word": func(p *pdf.Page) { p.Words = []pdf.Word{{Text: "a", X0: 4, X1: 4, Y1: 4}} },
		"a word askew":  func(p *pdf.Page) { p.Words = []pdf.Word{{Text: "a", X1: 4, Y1: 4, Turn: 1}} },
	} {
		p := jpegPage(t, documenttest.GrayGradient(30, 40), 0)
		p.Layers = []pdf.Image{blackCCITT()}
		change(&p)
		if err := pdf.Write(new(bytes.Buffer), []pdf.Page{p}); err == nil {
			t.Errorf("%s: written", name)
		}
	}
}

func FuzzUnmarshalPage(f *testing.F) {
	for _, p := range everything(f) {
		p.Data, p.Encoding, p.Gray = nil, 0, false
		p.Layers = []pdf.Image{blackCCITT()}
		data, err := p.MarshalBinary()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
		f.Add(data[:len(data)/2])
	}
	data, err := jpegPage(f, documenttest.GrayGradient(8, 8), 0).MarshalBinary()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		var p pdf.Page
		if p.UnmarshalBinary(data) != nil {
			return
		}
		var file bytes.Buffer
		if err := pdf.Write(&file, []pdf.Page{p}); err != nil {
			t.Fatalf("taken, but not written: %v", err)
		}
		if err := pdf.Check(file.Bytes()); err != nil {
			t.Fatal(err)
		}
		if n := pdf.FileSize([]pdf.Page{p}); n < int64(file.Len()) {
			t.Fatalf("takes %d bytes, expected %d", file.Len(), n)
		}
		again, err := p.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		var q pdf.Page
		if err := q.UnmarshalBinary(again); err != nil || !reflect.DeepEqual(p, q) {
			t.Fatalf("packed again it is another: %v", err)
		}
	})
}
