package decode

import "golang.org/x/text/encoding/charmap"

// decodeText reads characters of a page, by the numbers Epson gave them.
func decodeText(page byte, b []byte) string {
	pages := map[byte]*charmap.Charmap{
		0: charmap.CodePage437, 2: charmap.CodePage850, 3: charmap.CodePage860, 4: charmap.CodePage863,
		5: charmap.CodePage865, 16: charmap.Windows1252, 17: charmap.CodePage866, 18: charmap.CodePage852,
		19: charmap.CodePage858,
	}
	text := make([]rune, len(b))
	for i, c := range b {
		switch {
		case c < 0x80:
			text[i] = rune(c)
		case pages[page] != nil:
			text[i] = pages[page].DecodeByte(c)
		case page == 1:
			text[i] = katakana(c)
		default:
			text[i] = '\ufffd'
		}
	}
	return string(text)
}

// katakana reads page 1, of which only the drawing characters matter here.
func katakana(c byte) rune {
	frame := []rune("▁▂▃▄▅▆▇█▏▎▍▌▋▊▉┼┴┬┤├▔─│▕┌┐└┘╭╮╰╯")
	switch {
	case c < 0xa0:
		return frame[c-0x80]
	case c > 0xa0 && c < 0xe0:
		return 0xff61 + rune(c-0xa1)
	}
	return '\ufffd'
}
