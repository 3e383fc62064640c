package hints

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The words of limits, lower case, as they begin.
var (
	mostWords = []string{
		"max", "plafon", "limit", "dépass", "depass", "excéd", "exced", "excèd", "jusqu", "moins de", "inférieur", "inferieur", "au plus", "pas plus", "<", "≤",
		"ne doit pas", "ne peut pas", "supérieure à", "autorisé", "autorise", "poids", "taille",
		"up to", "less than", "under", "smaller", "at most", "no more", "not exceed", "exceed", "larger than", "bigger than", "allowed",
		"الأقصى", "أقصى", "اقصى", "يتجاوز", "تتجاوز", "يزيد", "أقل من", "حتى", "حداکثر",
		"máx", "hasta", "límite", "supere", "superar", "até", "mass", "fino a", "superare", "höchst", "bis zu", "nicht größer", "überschreit",
		"en fazla", "azami", "maksim", "maksym", "maxim", "până la", "pana la", "depăș", "tối đa",
		"максим", "макс", "не более", "не больше", "не перевищ", "не більше", "до", "nie może", "do ",
		"最大", "不超过", "不超過", "上限", "以内", "அதிகபட்ச", "সর্বোচ্চ",
	}
	leastWords = []string{
		"min", "au moins", "plus de", "supérieur", "superieur", "at least", "more than", "الأدنى", "أدنى", "على الأقل", "mín", "al menos", "almeno", "mindest", "en az", "мин", "не менее", "co najmniej", "最小", "至少",
	}
	totalWords = []string{
		"total", "ensemble", "cumul", "tous les fichiers", "toutes les pièces", "all files", "combined", "altogether", "overall",
		"إجمالي", "مجموع", "المجموع", "gesamt", "insgesamt", "compless", "toplam", "общ", "всего", "загальн", "łącz", "合计", "总",
	}
	eachWords = []string{
		"par fichier", "par document", "par pièce", "chaque", "chacun", "per file", "each", "لكل", "pro datei", "je datei", "por archivo", "por ficheiro", "por arquivo", "per ogni", "dosya başına", "na plik", "на файл", "每个",
	}
	formatWords = []string{
		"format", "extension", "type", "accept", "autoris", "allowed", "support", "only", "uniquement", "seul", "صيغ", "امتداد", "نوع", "dateityp", "estens", "extens", "tür", "biçim", "формат", "格式",
	}
	refusing = []string{
		"sauf", "non accept", "pas accept", "refus", "interdit", "exclu", "not allowed", "not accept", "not support", "except", "غير مقبول", "n'est pas", "ne sont pas", "nicht", "non sono",
	}
	onlyOne = []string{
		"un seul fichier", "un seul document", "une seule pièce", "only one file", "one file only", "ملف واحد فقط", "nur eine datei", "un solo archivo", "un solo file",
	}

	wordFormat = regexp.MustCompile(`\b(?:pdf|jpe?g|png|tiff?)\b`)
	fileName   = regexp.MustCompile(`\p{L}[\p{L}\d_-]*\.(?:pdf|jpe?g|png|tiff?)\b`)
	// A number with its separators and a unit. Longer units stand first.
	size = regexp.MustCompile(`(\d{1,12}(?:[ .,]\d{1,3}){0,4})\s?(` + units + `)`)
	// "3 fichiers", "fichiers : 3"
	count = regexp.MustCompile(`(?:^|[^\d.,])(\d{1,3}) ?(?:` + fileWords + `)|(?:nombre|number|عدد|anzahl|número|numero|sayısı|количество)[^\d.;]{0,40}(?:` + fileWords + `)[^\d.;]{0,30}?(\d{1,3})(?:[^\d]|$)`)
)

const (
	units = `kibibytes?|mebibytes?|gibibytes?|kilo-?octets?|méga-?octets?|mega-?octets?|giga-?octets?|kilobytes?|megabytes?|gigabytes?|octets?|bytes?|` +
		`kib|mib|gib|kio|mio|gio|ko|kb|mo|mb|go|gb|кбайт|мбайт|гбайт|мегабайт|килобайт|кб|мб|гб|` +
		`كيلوبايت|كيلو بايت|ميغابايت|ميجابايت|ميغا بايت|ميجا بايت|مگابایت|غيغابايت|جيجابايت|كيلو|ميغا|ميجا|بايت|兆|m|k`
	fileWords = `fichiers?|documents?|pièces?|pieces?|justificatifs?|photos?|images?|files?|attachments?|dateien|archivos|ficheiros|arquivos|documenti|ملفات|ملف|dosya|файл|plik|bestanden|fișiere|fisiere|个文件|個檔案`
)

// normalize makes a text one to compare: lower case, one kind of space and
// digit and apostrophe.
func normalize(text string) string {
	var b strings.Builder
	n, space := 0, false
	for _, r := range text {
		if n++; n > maxText {
			break
		}
		switch {
		case r >= '٠' && r <= '٩':
			r = '0' + r - '٠'
		case r >= '۰' && r <= '۹':
			r = '0' + r - '۰'
		case r == '٫':
			r = ','
		case r == '’' || r == 'ʼ':
			r = '\''
		case r == '\n' || r == '\r':
			r = ';'
		case unicode.IsSpace(r) || r == '\u202f' || r == '\u200f' || r == '\u200e':
			r = ' '
		case r == utf8.RuneError:
			continue
		}
		if r == ' ' {
			if !space {
				b.WriteByte(' ')
			}
			space = true
			continue
		}
		space = false
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// sentences cuts a text where a thought ends. A point in a number or in
// "max." ends none.
func sentences(s string) []string {
	var out []string
	from := 0
	for i, r := range s {
		end := r == ';' || r == '•' || r == '|' || r == '!' || r == '?' || r == '؛'
		if r == '.' && i+1 < len(s) && s[i+1] == ' ' {
			before := s[from:i]
			end = !strings.HasSuffix(before, "max") && !strings.HasSuffix(before, "maxi") && !strings.HasSuffix(before, "min")
		}
		if end {
			out = append(out, s[from:i])
			from = i + utf8.RuneLen(r)
		}
	}
	return append(out, s[from:])
}

// clause gives the part of a sentence around a..z, between commas, brackets
// and dashes. A comma between digits is a number's.
func clause(s string, a, z int) (from, to int) {
	from, to = 0, len(s)
	for i, r := range s[:a] {
		if cuts(s, i, r) {
			from = i + utf8.RuneLen(r)
		}
	}
	for i, r := range s[z:] {
		if cuts(s, z+i, r) {
			to = z + i
			break
		}
	}
	return from, to
}

func cuts(s string, i int, r rune) bool {
	switch r {
	case '(', ')', '،', '–', '—', '/':
		return true
	case ',', '-':
		return i+1 >= len(s) || s[i+1] == ' '
	}
	return false
}

// contains says whether one of the words begins somewhere in s.
func contains(s string, words []string) bool {
	return nearest(s, 0, 0, words) >= 0
}

// wordStarts says whether a word begins at i: "до" is none in "доходы"'s
// middle, but "الأقصى" may follow on a prefix.
func wordStarts(s string, i int) bool {
	if i == 0 {
		return true
	}
	before, _ := utf8.DecodeLastRuneInString(s[:i])
	after, _ := utf8.DecodeRuneInString(s[i:])
	if unicode.In(after, unicode.Arabic, unicode.Han, unicode.Tamil, unicode.Bengali) {
		return true
	}
	return !unicode.IsLetter(before)
}

// partOfWord says whether a letter follows: "5 mois" is no size.
func partOfWord(rest string) bool {
	r, _ := utf8.DecodeRuneInString(rest)
	return unicode.IsLetter(r) || unicode.IsDigit(r)
}

// parseSize reads a number with a unit, strictly; 0 when it is none.
func parseSize(number, unit string) int64 {
	factor := factorOf(unit)
	n := parseNumber(strings.TrimSpace(number), factor < 1_000_000)
	bytes := n * factor
	if math.IsNaN(bytes) || bytes < 0 || bytes > 1e15 {
		return 0
	}
	return int64(bytes)
}

func factorOf(unit string) float64 {
	u := strings.ReplaceAll(strings.ReplaceAll(unit, " ", ""), "-", "")
	switch {
	case strings.HasPrefix(u, "kib"), u == "kio":
		return 1024
	case strings.HasPrefix(u, "mib"), u == "mio", strings.HasPrefix(u, "mebi"):
		return 1024 * 1024
	case strings.HasPrefix(u, "gib"), u == "gio":
		return 1024 * 1024 * 1024
	case strings.HasPrefix(u, "k"), strings.HasPrefix(u, "к"), strings.HasPrefix(u, "كيلو"):
		return 1000
	case strings.HasPrefix(u, "m"), strings.HasPrefix(u, "м"), strings.HasPrefix(u, "ميغا"), strings.HasPrefix(u, "ميجا"), strings.HasPrefix(u, "مگا"), u == "兆":
		return 1_000_000
	case strings.HasPrefix(u, "g"), strings.HasPrefix(u, "г"), strings.HasPrefix(u, "غيغا"), strings.HasPrefix(u, "جيجا"):
		return 1_000_000_000
	}
	return 1
}

// parseNumber reads "5", "5,5", "1 048 576", "10.000.000". One separator
// before three digits parts thousands of small units and decimals of large
// ones: the smaller reading.
func parseNumber(s string, small bool) float64 {
	var groups []string
	var last byte
	from, mixed := 0, false
	for i := 0; i < len(s); i++ {
		if c := s[i]; c == ' ' || c == '.' || c == ',' {
			groups = append(groups, s[from:i])
			mixed = mixed || (last != 0 && last != c)
			last, from = c, i+1
		}
	}
	groups = append(groups, s[from:])
	end := groups[len(groups)-1]
	whole := strings.Join(groups, "")
	switch {
	case len(groups) == 1:
	case last == ' ' && len(end) == 3:
	case last == ' ':
		whole = end // "3 fichiers" of before, no thousands
	case mixed, len(groups) == 2 && !(len(end) == 3 && small && groups[0] != "0"):
		whole = strings.Join(groups[:len(groups)-1], "") + "." + end
	}
	n, err := strconv.ParseFloat(whole, 64)
	if err != nil {
		return 0
	}
	return n
}
