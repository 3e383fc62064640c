// Package report makes tables, goals and pictures of what was measured. The
// results are plain values, so that a table can be made again from
// results.json.
package report

import (
	"encoding/json"
	"fmt"

	"pointnum/cmd/internal/benchengine/papers"
	"pointnum/cmd/internal/benchengine/peers"
)

// Original is the method that does nothing.
const Original = "original"

// Page is how legible one page of one method's file is.
type Page struct {
	Letters     int     `json:"letters"` // in the reading of the original
	Errors      float64 `json:"errors"`  // against the reading of the original
	Found       float64 `json:"found"`   // words of the reading of the original
	HasWords    bool    `json:"has_words"`
	HasTruth    bool    `json:"has_truth"`
	TruthErrors float64 `json:"truth_errors"` // against the exact text
	TruthFound  float64 `json:"truth_found"`
	Sure        int     `json:"sure"` // words that tesseract is sure of
	Turn        int     `json:"turn"` // degrees clockwise until it reads
	SSIM        float64 `json:"ssim"`
	Frame       Frame   `json:"frame"`
	// Again is, of the original, the part of its words that are read again when
	// it is made 2 % smaller: no more can be asked of any program.
	Again float64 `json:"again,omitempty"`
}

// Frame says how a page's shape compares with the original's.
type Frame string

// The frames. SSIM of another frame compares different cuts of the page.
const (
	SameFrame  Frame = "same"
	OtherFrame Frame = "other"
	NoFrame    Frame = "" // not compared
)

// Row is one method on one document.
type Row struct {
	Method string `json:"method"`
	*peers.Run
	PDF    string   `json:"pdf"`
	Pages  int      `json:"pages"`
	Scores []Page   `json:"scores,omitempty"`
	Check  string   `json:"check,omitempty"` // what qpdf --check found wrong
	Codes  []string `json:"codes,omitempty"` // bar and QR codes that still read
	Text   float64  `json:"text"`            // part of the born-digital words that are still text
	Bare   int      `json:"bare"`            // fonts that are not in the file
}

// Document is one document and all methods on it.
type Document struct {
	Name   string          `json:"name"`
	Class  string          `json:"class"`
	Study  bool            `json:"study"`
	Typed  bool            `json:"typed"`
	Form   bool            `json:"form"`
	Truth  bool            `json:"truth"`
	Files  int64           `json:"files"` // bytes as they came
	Source []string        `json:"source"`
	Lang   string          `json:"lang"`
	Rows   map[string]*Row `json:"rows"` // by method; "original" is the PDF that all get
}

// Pages is how many pages the document has.
func (d *Document) Pages() int {
	if o := d.Rows[Original]; o != nil {
		return max(1, o.Pages)
	}
	return 1
}

// Legible says whether the document has enough text for tesseract to judge,
// which is no judge of handwriting.
func (d *Document) Legible() bool {
	o := d.Rows[Original]
	if o == nil {
		return false
	}
	n := 0
	for _, p := range o.Scores {
		n += p.Letters
	}
	return n >= 200 && d.Class != papers.BornDigital && d.Class != papers.Handwriting
}

// Fit is one try to meet a limit.
type Fit struct {
	Document string  `json:"document"`
	Limit    int64   `json:"limit"`
	Method   string  `json:"method"`
	Bytes    int64   `json:"bytes"` // 0 when nothing fits or it was refused
	CPU      float64 `json:"cpu"`
	Refused  bool    `json:"refused"` // said so plainly
	Broken   bool    `json:"broken"`  // neither a file nor a plain refusal
	Found    float64 `json:"found"`   // words of the exact text, else of the reading of the original
	Errors   float64 `json:"errors"`
	Words    bool    `json:"words"` // Found and Errors were measured
}

// Hostile is what became of a file that is meant to do harm.
type Hostile struct {
	Name   string  `json:"name"`
	Exit   int     `json:"exit"`
	Wall   float64 `json:"wall"`
	PeakKB int64   `json:"peak_kb"`
	Said   string  `json:"said,omitempty"`
	Active string  `json:"active,omitempty"` // what is active in the output
}

// Results is all that was measured.
type Results struct {
	Folder  string      `json:"folder"`
	Quick   bool        `json:"quick"`
	Partial bool        `json:"partial"` // only some of the documents
	Methods []string    `json:"methods"` // in the order of the tables, "original" first
	Docs    []*Document `json:"documents"`
	Fits    []Fit       `json:"fits,omitempty"`
	Hostile []Hostile   `json:"hostile,omitempty"`
	Dossier string      `json:"dossier,omitempty"` // the name of the document of many kinds
}

// JSON gives the results for other programs.
func (r *Results) JSON() ([]byte, error) {
	data, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return nil, fmt.Errorf("results: %w", err)
	}
	return append(data, '\n'), nil
}
