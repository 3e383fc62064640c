package sane

import (
	"bytes"

	"pointnum/kiosk"
)

// Arguments parses a list of options and gives the arguments of each run of
// scanimage that a scan would make.
func Arguments(list string, o kiosk.ScanOptions) [][]string {
	var all [][]string
	for _, p := range parseOptions(list).plans(o, nil) {
		all = append(all, p.args)
	}
	return all
}

// CheckPNG lets tests try the check of a page on its own.
func CheckPNG(data []byte) (width, height, dpi int, err error) {
	info, err := checkPNG(bytes.NewReader(data))
	return info.width, info.height, info.dpi, err
}

// CutLines gives the lines of what a process writes in the pieces given.
func CutLines(pieces ...string) []string {
	var all []string
	l := &lines{each: func(s string) { all = append(all, s) }}
	for _, p := range pieces {
		_, _ = l.Write([]byte(p)) // it takes everything
	}
	return all
}
