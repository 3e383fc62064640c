package yamlfile_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"pointnum/kiosk/yamlfile"
)

func TestMistakesAreToldWithTheirLine(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"an empty file", "", "f.yaml:1: le fichier est vide"},
		{"only comments", "# rien\n", "f.yaml:1: le fichier est vide"},
		{"a file that says nothing", "~\n", "f.yaml:1: le fichier est vide"},
		{"a tab where YAML wants spaces", "a: 1\nlist:\n\t- x\n", "f.yaml:3: ce n’est pas du YAML"},
		{"a quote that is not closed", "a: 1\nb: \"x\n", "ce n’est pas du YAML"},
		{"a letter that is not UTF-8", "a: 1\nb: caf\xe9\n", "f.yaml:2: un caractère n’est pas en UTF-8"},
		{"a second document", "a: 1\n---\nb: 2\n", "f.yaml:2: le fichier contient « --- »"},
		{"an alias", "a: &x 1\nb: *x\n", "f.yaml:1: « & » et « * »"},
		{"an unknown key", "a: 1\nz: 2\n", "f.yaml:2: « z » n’est pas une clé connue ici : les clés possibles sont a, b, list, time, size"},
		{"a key written twice", "a: 1\nb: x\na: 2\n", "f.yaml:3: « a » est déjà écrit ligne 1 : gardez-en un seul"},
		{"a missing key", "b: x\n", "f.yaml:1: il manque « a: » : ajoutez-le"},
		{"a list instead of a map", "- a\n", "f.yaml:1: il faut ici des lignes « clé: valeur »"},
		{"a word instead of a list", "a: 1\nlist: x\n", "f.yaml:2: il faut ici une liste"},
		{"a list instead of a word", "a: 1\nb: [x]\n", "f.yaml:2: il faut ici un mot ou une phrase"},
		{"a word that is no number", "a: beaucoup\n", "f.yaml:1: « beaucoup » n’est pas possible ici : écrivez un nombre entier de 0 à 9"},
		{"a number out of range", "a: 12\n", "f.yaml:1: « 12 » n’est pas possible ici"},
		{"a time without a unit", "a: 1\ntime: 5\n", "f.yaml:2: « 5 » n’est pas une durée possible ici"},
		{"a size that is no number", "a: 1\nsize: NaN Mo\n", "f.yaml:2: « NaN Mo » n’est pas une taille : écrivez par exemple 10 Mo ou 500 ko"},
		{"an element twice", "a: 1\nlist: [x,\n  x]\n", "f.yaml:3: « x » est déjà dans la liste"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := read(c.text)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
			if _, ok := errors.AsType[yamlfile.Problems](err); !ok {
				t.Errorf("got a %T, want Problems", err)
			}
		})
	}
}

func TestAllMistakesAreToldInTheOrderOfTheirLines(t *testing.T) {
	_, err := read("time: x\nz: 1\nsize: y\n")
	problems, _ := errors.AsType[yamlfile.Problems](err)
	var lines []int
	for _, p := range problems {
		lines = append(lines, p.Line)
	}
	if !slices.Equal(lines, []int{1, 1, 2, 3}) {
		t.Errorf("got lines %v of\n%v", lines, err)
	}
}

func TestSizesAreReadStrictly(t *testing.T) {
	for text, want := range map[string]int64{
		"10 Mo": 10_000_000, "500 ko": 500_000, "1,5 Mo": 1_500_000, "4.1Mo": 4_100_000, "200 000": 200_000, "1 Go": 1_000_000_000,
	} {
		got, err := read("a: 1\nsize: " + text + "\n")
		if err != nil || got.size != want {
			t.Errorf("%s: got %d, %v, want %d", text, got.size, err, want)
		}
	}
}

func TestTooLargeAFileIsNotRead(t *testing.T) {
	doc := yamlfile.Read(strings.NewReader(strings.Repeat("# x\n", yamlfile.MaxBytes/4+1)), "f.yaml")
	if err := doc.Err(); err == nil || !strings.Contains(err.Error(), "trop grand") {
		t.Errorf("got %v", err)
	}
}

func TestAValueThatIsNotThereIsZero(t *testing.T) {
	got, err := read("a: 3\nb:\n")
	if err != nil {
		t.Fatal(err)
	}
	if got.a != 3 || got.b != "" || got.list != nil || got.time != 0 || got.size != 0 {
		t.Errorf("got %+v", got)
	}
}

func FuzzRead(f *testing.F) {
	for _, seed := range []string{"a: 1\nb: x\nlist: [x, y]\ntime: 5s\nsize: 1 Mo\n", "&a [*a]", "? [x]\n: y", "a: !!binary eA==", "{a: 1, a: 2}", "a: 1\n...\n---\n", "\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		_, err := read(text)
		if err == nil {
			return
		}
		problems, ok := errors.AsType[yamlfile.Problems](err)
		if !ok {
			t.Fatalf("got a %T", err)
		}
		lines := strings.Count(text, "\n") + strings.Count(text, "\r") + strings.Count(text, "\u2028") + strings.Count(text, "\u2029") + strings.Count(text, "\u0085") + 1
		for _, p := range problems {
			if p.Line < 1 || p.Line > lines+1 || p.Text == "" {
				t.Errorf("got %+v in a text of %d lines", p, lines)
			}
		}
	})
}

type sample struct {
	a    int
	b    string
	list []string
	time time.Duration
	size int64
}

func read(text string) (sample, error) {
	doc := yamlfile.Read(strings.NewReader(text), "f.yaml")
	m := doc.Root().Map("a", "b", "list", "time", "size")
	s := sample{
		a:    m.Need("a").Int(0, 9),
		b:    m.Opt("b").Text(),
		list: m.Opt("list").Texts(),
		time: m.Opt("time").Duration(time.Second, time.Minute),
		size: m.Opt("size").Bytes(),
	}
	return s, doc.Err()
}
