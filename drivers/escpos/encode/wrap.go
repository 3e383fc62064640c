package encode

import (
	"strings"
	"unicode/utf8"
)

// nbsp is a space at which no line ends.
const nbsp = '\u00a0'

// wrap breaks text into lines of at most columns characters, between words. A
// word longer than a line is cut. Line breaks of the text are kept.
func wrap(text string, columns int) []string {
	columns = max(columns, 1)
	var lines []string
	for paragraph := range strings.SplitSeq(text, "\n") {
		line := ""
		for word := range strings.FieldsFuncSeq(paragraph, func(r rune) bool { return r == ' ' }) {
			if line != "" && length(line)+1+length(word) <= columns {
				line += " " + word
				continue
			}
			if line != "" {
				lines = append(lines, line)
			}
			for length(word) > columns {
				cut := offset(word, columns)
				lines = append(lines, word[:cut])
				word = word[cut:]
			}
			line = word
		}
		lines = append(lines, line)
	}
	return lines
}

// length counts columns: the pages of characters here have no wide ones.
func length(s string) int { return utf8.RuneCountInString(s) }

// offset returns where the nth character of s begins.
func offset(s string, n int) int {
	for i := range s {
		if n == 0 {
			return i
		}
		n--
	}
	return len(s)
}
