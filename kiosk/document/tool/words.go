package tool

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"pointnum/kiosk"
)

// Word is a word that was read on a picture, and where.
type Word struct {
	Text           string
	X0, Y0, X1, Y1 int // pixels from the upper left corner; X1 and Y1 are outside
	// Confidence is 0 to 100; what is below 30 is left out as noise.
	Confidence float64
	// Line counts the lines from 0 in reading order: words of one line have
	// the same.
	Line int
}

// Words reads the words of a picture, a JPEG or PNG of our own, in reading
// order; none when there are none. languages are those the page may be written
// in, best first, by their tag (fr, ar-MA) or as tesseract calls them (fra);
// those that are not installed are left out. dpi may be 0 when it is unknown.
//
// It takes seconds of one core, at low priority: nobody should wait for it.
// Errors: CodeFileUnsupported when tesseract, all of the languages, or a room
// to run it in is missing; CodeFileBroken when the picture can't be read;
// CodeFileEmpty, CodeFileTooSlow, CodeFileTooBig; the code of ctx's cause when
// it ends.
func (t *Tools) Words(ctx context.Context, picture []byte, dpi int, languages []string) ([]Word, error) {
	if t.tesseract == "" {
		return nil, missing("tesseract-ocr")
	}
	use, err := t.choose(ctx, languages)
	if err != nil {
		return nil, err
	}
	args := []string{t.tesseract, "stdin", "stdout", "-l", strings.Join(use, "+"), "--psm", "3"}
	if dpi > 0 {
		args = append(args, "--dpi", strconv.Itoa(min(max(dpi, 70), 2400))) // what it takes
	}
	out, err := t.run(ctx, t.reading, job{Args: append(args, "tsv")}, bytes.NewReader(picture))
	if err != nil {
		return nil, err
	}
	words, err := parseWords(out)
	if err != nil {
		return nil, &kiosk.Error{Code: kiosk.CodeFileBroken, Op: "tool: read words", Err: err}
	}
	return words, nil
}

// choose gives those of the languages that are installed, by tesseract's
// names, each once.
func (t *Tools) choose(ctx context.Context, languages []string) ([]string, error) {
	installed, err := t.Languages(ctx)
	if err != nil {
		return nil, err
	}
	var use []string
	for _, l := range languages {
		name := l
		if tag, _, _ := strings.Cut(strings.ToLower(l), "-"); len(tag) == 2 {
			name = languageNames[tag]
		}
		if slices.Contains(installed, name) && !slices.Contains(use, name) {
			use = append(use, name)
		}
	}
	if len(use) == 0 {
		return nil, missing("tesseract-ocr's data for these languages")
	}
	return use, nil
}

// languageNames are tesseract's names of languages that have a tag of two
// letters: those that visitors of a kiosk in France are likely to bring papers
// in.
var languageNames = map[string]string{
	"am": "amh", "ar": "ara", "bg": "bul", "bn": "ben", "cs": "ces", "de": "deu", "el": "ell", "en": "eng", "es": "spa",
	"fa": "fas", "fr": "fra", "he": "heb", "hi": "hin", "hr": "hrv", "hu": "hun", "hy": "hye", "it": "ita", "ja": "jpn",
	"ka": "kat", "km": "khm", "ko": "kor", "ku": "kmr", "lo": "lao", "lt": "lit", "lv": "lav", "mk": "mkd", "mn": "mon",
	"ne": "nep", "nl": "nld", "pa": "pan", "pl": "pol", "ps": "pus", "pt": "por", "ro": "ron", "ru": "rus", "si": "sin",
	"sk": "slk", "sl": "slv", "sq": "sqi", "sr": "srp", "sw": "swa", "ta": "tam", "te": "tel", "th": "tha", "ti": "tir",
	"tr": "tur", "uk": "ukr", "ur": "urd", "uz": "uzb", "vi": "vie", "zh": "chi_sim",
}

// languageName leaves out tesseract's data that is no language (osd, script/…).
var languageName = regexp.MustCompile(`^[a-z]{3}(_[A-Za-z]+)*$`)

// Languages lists the languages that tesseract reads here, by its own names
// (fra, chi_sim). Errors: CodeFileUnsupported when it is not installed.
func (t *Tools) Languages(ctx context.Context) ([]string, error) {
	if t.tesseract == "" {
		return nil, missing("tesseract-ocr")
	}
	t.mu.Lock()
	known := t.languages
	t.mu.Unlock()
	if known != nil {
		return slices.Clone(known), nil
	}
	within, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	cmd := exec.CommandContext(within, t.tesseract, "--list-langs") // reads nothing of a visitor's: no room needed
	cmd.Env = []string{"LANG=C.UTF-8"}
	out, err := cmd.Output()
	if err != nil {
		if ctx.Err() != nil {
			return nil, stopped(ctx)
		}
		return nil, &kiosk.Error{Code: kiosk.CodeFileUnsupported, Op: "tool: list languages", Err: err}
	}
	found := []string{}
	for line := range strings.Lines(string(out)) {
		if l := strings.TrimSpace(line); l != "osd" && languageName.MatchString(l) {
			found = append(found, l)
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.languages = found
	return slices.Clone(found), nil
}

const (
	minConfidence = 30
	maxWords      = 100_000 // of a page
	maxWordBytes  = 400
	maxPixel      = 1 << 17 // of a coordinate
)

// The columns of tesseract's TSV.
const (
	colLevel = 0
	colBlock = 2
	colPar   = 3
	colLine  = 4
	colLeft  = 6 // then top, width, height
	colConf  = 10
	colText  = 11
	columns  = 12
)

// levelWord is the level of rows that are words.
const levelWord = "5"

// parseWords reads tesseract's TSV. It is from a program that opened a
// picture which somebody may have made for it: nothing in it is believed.
func parseWords(tsv []byte) ([]Word, error) {
	var words []Word
	line, lineOf := -1, ""
	for row := range bytes.Lines(tsv) {
		f := strings.Split(strings.TrimRight(string(row), "\r\n"), "\t")
		if len(f) < columns || f[colLevel] != levelWord {
			continue // the heading, blocks, paragraphs, lines
		}
		w, ok, err := parseWord(f)
		if err != nil {
			return nil, err
		}
		if !ok {
			continue
		}
		if at := strings.Join(f[colBlock:colLine+1], "."); at != lineOf {
			line, lineOf = line+1, at
		}
		w.Line = line
		if words = append(words, w); len(words) > maxWords {
			return nil, fmt.Errorf("more than %d words", maxWords)
		}
	}
	return words, nil
}

// parseWord is false for what is no word: blanks, noise.
func parseWord(f []string) (Word, bool, error) {
	var box [4]int
	for i := range box {
		n, err := strconv.Atoi(f[colLeft+i])
		if err != nil || n < 0 || n > maxPixel {
			return Word{}, false, fmt.Errorf("column %d is not a place on a page", colLeft+i)
		}
		box[i] = n
	}
	confidence, err := strconv.ParseFloat(f[colConf], 64)
	if err != nil || math.IsNaN(confidence) {
		return Word{}, false, fmt.Errorf("column %d is not a confidence", colConf)
	}
	w := Word{Text: cleanWord(strings.Join(f[colText:], " ")), X0: box[0], Y0: box[1], X1: box[0] + box[2], Y1: box[1] + box[3],
		Confidence: min(confidence, 100)}
	return w, w.Text != "" && confidence >= minConfidence && box[2] > 0 && box[3] > 0, nil
}

// cleanWord gives what can be seen of a word; "" when it is too long for one.
func cleanWord(s string) string {
	if len(s) > maxWordBytes || !utf8.ValidString(s) {
		return ""
	}
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) || r == '\u200c' || r == '\u200d' { // joiners are a part of spelling
			return r
		}
		return -1
	}, s))
}
