// Package hints reads what a web page says about the files that a field
// takes: the field's accept attribute and the text that stands near it, in
// the languages that portals use ("Taille maximale : 500 Ko", "max. 10 MB",
// "jusqu'à 3 fichiers", "الحد الأقصى 5 ميغابايت").
//
// Sizes are read strictly: 1 Mo is 1,000,000 bytes, whatever the portal's
// programme counts, and of several limits the smallest holds. What is not
// credible is no limit: a file that is already there has a size, too.
package hints

import (
	"slices"
	"strconv"
	"strings"

	"pointnum/kiosk"
)

// Limits of what is credible.
const (
	minCredible = 10_000         // bytes: nobody takes less
	maxCredible = 10_000_000_000 // bytes: more is no limit
	maxFiles    = 100
	maxText     = 2000 // characters of one text that are read
	maxTexts    = 100
)

// Read reads a field's accept attribute and the texts near it. formats has
// those that the kiosk makes, the best first; it is empty when nothing is
// said. The sizes are in bytes, of one file and of all together, 0 when
// nothing is said; so is maxFiles.
func Read(accept string, near []string) (formats []kiosk.Format, maxBytes, maxTotal int64, maxFiles int) {
	formats = readAccept(accept)
	var said []kiosk.Format
	for i, text := range near {
		if i == maxTexts {
			break
		}
		for _, sentence := range sentences(normalize(text)) {
			said = append(said, readFormats(sentence)...)
			one, all := readSizes(sentence)
			maxBytes, maxTotal = smaller(maxBytes, one), smaller(maxTotal, all)
			maxFiles = int(smaller(int64(maxFiles), int64(readCount(sentence))))
		}
	}
	if len(formats) == 0 {
		return best(said), maxBytes, maxTotal, maxFiles
	}
	both := slices.DeleteFunc(slices.Clone(formats), func(f kiosk.Format) bool { return !slices.Contains(said, f) })
	if len(both) > 0 {
		formats = both
	}
	return best(formats), maxBytes, maxTotal, maxFiles
}

// smaller is the smaller of two limits of which 0 is none.
func smaller(a, b int64) int64 {
	if a == 0 || (b != 0 && b < a) {
		return b
	}
	return a
}

// best puts formats in order, each once.
func best(all []kiosk.Format) []kiosk.Format {
	var out []kiosk.Format
	for _, f := range []kiosk.Format{kiosk.FormatPDF, kiosk.FormatJPEG, kiosk.FormatPNG, kiosk.FormatTIFF} {
		if slices.Contains(all, f) {
			out = append(out, f)
		}
	}
	return out
}

// formatOf names a format by its extension or the end of its media type.
func formatOf(word string) (kiosk.Format, bool) {
	switch word {
	case "pdf", "x-pdf":
		return kiosk.FormatPDF, true
	case "jpg", "jpeg", "jpe", "jfif", "pjpeg":
		return kiosk.FormatJPEG, true
	case "png", "x-png":
		return kiosk.FormatPNG, true
	case "tif", "tiff":
		return kiosk.FormatTIFF, true
	}
	return "", false
}

// readAccept reads the attribute as HTML says: extensions and media types
// with commas between. "image/*" is what every portal shows, no TIFF.
func readAccept(accept string) []kiosk.Format {
	var out []kiosk.Format
	for word := range strings.SplitSeq(strings.ToLower(accept), ",") {
		word = strings.TrimSpace(word)
		if word == "image/*" {
			out = append(out, kiosk.FormatJPEG, kiosk.FormatPNG)
			continue
		}
		for _, start := range []string{"application/", "image/", "."} {
			if rest, ok := strings.CutPrefix(word, start); ok {
				word = rest
				break
			}
		}
		if f, ok := formatOf(word); ok {
			out = append(out, f)
		}
	}
	return best(out)
}

// readFormats reads a sentence that lists formats.
func readFormats(s string) []kiosk.Format {
	if contains(s, refusing) {
		return nil
	}
	var out []kiosk.Format
	for _, m := range wordFormat.FindAllString(s, -1) {
		if f, ok := formatOf(strings.TrimLeft(m, ".*")); ok {
			out = append(out, f)
		}
	}
	out = best(out)
	if len(out) >= 2 || (len(out) == 1 && contains(s, formatWords)) {
		return out
	}
	return nil
}

// readSizes reads the limits of a sentence: of one file and of all.
func readSizes(s string) (one, all int64) {
	for _, m := range size.FindAllStringSubmatchIndex(s, -1) {
		if m[1] < len(s) && partOfWord(s[m[1]:]) {
			continue
		}
		bytes := parseSize(s[m[2]:m[3]], s[m[4]:m[5]])
		if bytes < minCredible || bytes > maxCredible {
			continue
		}
		from, to := clause(s, m[0], m[1])
		if !isMost(s, from, to, m[0], m[1]) {
			continue
		}
		if part := s[from:to]; contains(part, totalWords) && !contains(part, eachWords) {
			all = smaller(all, bytes)
		} else {
			one = smaller(one, bytes)
		}
	}
	return one, all
}

// isMost says whether the size at a..z is an upper limit: the nearest word
// that speaks of limits decides, in its clause and else in its sentence. A
// list of formats makes one of it, too: "PDF, JPG (5 Mo)".
func isMost(s string, from, to, a, z int) bool {
	most, least := nearest(s[from:to], a-from, z-from, mostWords), nearest(s[from:to], a-from, z-from, leastWords)
	if most < 0 && least < 0 {
		most, least = nearest(s, a, z, mostWords), nearest(s, a, z, leastWords)
	}
	if most < 0 && least < 0 {
		return len(readFormats(s)) > 0 && !fileName.MatchString(s)
	}
	return most >= 0 && (least < 0 || most <= least)
}

// nearest gives the distance from a..z to the nearest of some words; -1 when
// there is none.
func nearest(s string, a, z int, words []string) int {
	best := -1
	for _, w := range words {
		for at := 0; ; {
			i := strings.Index(s[at:], w)
			if i < 0 {
				break
			}
			at += i
			d := 0
			switch {
			case at >= z:
				d = at - z
			case at+len(w) <= a:
				d = a - at - len(w)
			}
			if wordStarts(s, at) && (best < 0 || d < best) {
				best = d
			}
			at += len(w)
		}
	}
	return best
}

// readCount reads how many files a sentence allows; 0 when it does not say.
func readCount(s string) int {
	least := 0
	for _, m := range count.FindAllStringSubmatchIndex(s, -1) {
		from, to := clause(s, m[0], m[1])
		if !isMost(s, from, to, m[0], m[1]) {
			continue
		}
		for _, g := range [][2]int{{m[2], m[3]}, {m[4], m[5]}} {
			if g[0] < 0 {
				continue
			}
			n, err := strconv.Atoi(s[g[0]:g[1]])
			if err == nil && n > 0 && n <= maxFiles && (least == 0 || n < least) {
				least = n
			}
		}
	}
	if contains(s, onlyOne) {
		least = 1
	}
	return least
}
