package usbkey

import (
	"path"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// maxStem and maxExt bound the names we write.
const (
	maxStem = 60
	maxExt  = 8
)

// fileName makes a name that every computer can read: ASCII letters, digits,
// dot, dash and underscore, none of the names Windows keeps for itself. It
// returns the part before the extension, and the extension with its dot or "".
func fileName(name string) (stem, ext string) {
	name = path.Base(strings.ReplaceAll(name, `\`, "/"))
	ext = path.Ext(name)
	stem = ascii(strings.TrimSuffix(name, ext))
	ext = ascii(strings.TrimPrefix(ext, "."))
	if len(ext) > maxExt {
		ext = ext[:maxExt]
	}
	if ext != "" {
		ext = "." + ext
	}
	if len(stem) > maxStem {
		stem = strings.TrimRight(stem[:maxStem], "-._")
	}
	if stem == "" {
		stem = "document"
	}
	if first, _, _ := strings.Cut(stem, "."); slices.Contains(reserved(), strings.ToUpper(first)) {
		stem = "_" + stem
	}
	return stem, ext
}

// reserved are the names of Windows' devices.
func reserved() []string {
	names := []string{"CON", "PRN", "AUX", "NUL"}
	for _, n := range "123456789" {
		names = append(names, "COM"+string(n), "LPT"+string(n))
	}
	return names
}

// ascii writes é as e and œ as oe, and a dash for what is no letter we know.
func ascii(s string) string {
	s = strings.NewReplacer("œ", "oe", "Œ", "OE", "æ", "ae", "Æ", "AE", "ß", "ss", "ø", "o", "Ø", "O").Replace(s)
	var b strings.Builder
	for _, r := range norm.NFD.String(s) {
		switch {
		case r < utf8.RuneSelf && (unicode.IsLetter(r) || unicode.IsDigit(r)), r == '.', r == '_':
			b.WriteRune(r)
		case unicode.Is(unicode.Mn, r):
		default:
			if out := b.String(); out != "" && !strings.HasSuffix(out, "-") {
				b.WriteByte('-')
			}
		}
	}
	return strings.Trim(b.String(), "-._")
}

// maxShown bounds a name on the screen.
const maxShown = 80

// shownName makes a visitor's file name safe to show: no control characters,
// none that turn the reading direction (a name that looks like another), not
// too long.
func shownName(name string) string {
	name = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) || unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Bidi_Control, r) {
			return -1
		}
		return r
	}, name)
	if n := []rune(name); len(n) > maxShown {
		// The end tells the format: keep it.
		name = string(n[:maxShown-13]) + "…" + string(n[len(n)-12:])
	}
	if strings.TrimSpace(name) == "" {
		return "?"
	}
	return name
}

// hidden says whether a file or folder is the system's: marked by a dot or one
// of those that Windows, macOS, Linux and phones make.
func hidden(name string) bool {
	if strings.HasPrefix(name, ".") || strings.HasPrefix(name, "$") || strings.HasPrefix(name, "~") {
		return true
	}
	switch strings.ToLower(name) {
	case "system volume information", "recycler", "lost+found", "lost.dir", "found.000", "config.msi",
		"thumbs.db", "ehthumbs.db", "desktop.ini", "autorun.inf", "bootex.log", "indexervolumeguid", "wpsettings.dat":
		return true
	}
	return false
}

// program says whether a file is one to run or a part of one: FAT has no mark
// for it, only the name tells.
func program(name string) bool {
	switch strings.ToLower(path.Ext(name)) {
	case ".exe", ".com", ".bat", ".cmd", ".msi", ".scr", ".pif", ".dll", ".sys", ".drv", ".ocx", ".cpl",
		".vbs", ".vbe", ".js", ".jse", ".wsf", ".wsh", ".hta", ".ps1", ".reg", ".inf", ".lnk", ".url",
		".sh", ".bash", ".py", ".pl", ".rb", ".jar", ".class", ".apk", ".app", ".dmg", ".pkg", ".deb",
		".rpm", ".appimage", ".so", ".desktop", ".elf", ".bin", ".iso", ".img", ".tmp", ".part", ".crdownload":
		return true
	}
	return false
}
