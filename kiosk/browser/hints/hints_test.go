package hints_test

import (
	"fmt"
	"testing"

	"pointnum/kiosk/browser/hints"
)

func TestRead(t *testing.T) {
	for _, c := range []struct {
		name, accept string
		near         []string
		want         string // formats, bytes of one, of all, files
	}{
		{"nothing is said", "", []string{"Choisissez un fichier"}, "[] 0 0 0"},
		{"French", "", []string{"Taille maximale : 500 Ko"}, "[] 500000 0 0"},
		{"short French", "", []string{"max 5 Mo"}, "[] 5000000 0 0"},
		{"French, of each", "", []string{"2 Mo maximum par fichier"}, "[] 2000000 0 0"},
		{"French sentence", "", []string{"Le fichier ne doit pas dépasser 4 Mo."}, "[] 4000000 0 0"},
		{"English", "", []string{"max. 10 MB"}, "[] 10000000 0 0"},
		{"English sentence", "", []string{"Files up to 2.5 MB. JPG or PNG only."}, "[jpeg png] 2500000 0 0"},
		{"files", "", []string{"jusqu'à 3 fichiers"}, "[] 0 0 3"},
		{"files behind", "", []string{"3 fichiers maximum, 2 Mo chacun"}, "[] 2000000 0 3"},
		{"number of files", "", []string{"Nombre maximum de fichiers : 5"}, "[] 0 0 5"},
		{"one file", "", []string{"Un seul fichier PDF"}, "[pdf] 0 0 1"},
		{"Arabic", "", []string{"الحد الأقصى 5 ميغابايت"}, "[] 5000000 0 0"},
		{"Arabic digits", "", []string{"الحد الأقصى لحجم الملف: ٥٠٠ كيلوبايت"}, "[] 500000 0 0"},
		{"formats", "", []string{"formats acceptés : PDF, JPG, PNG"}, "[pdf jpeg png] 0 0 0"},
		{"one format", "", []string{"Au format PDF uniquement"}, "[pdf] 0 0 0"},
		{"formats and size", "", []string{"PDF, JPG ou PNG (5 Mo)"}, "[pdf jpeg png] 5000000 0 0"},
		{"a total", "", []string{"5 Mo maximum par fichier, 20 Mo au total"}, "[] 5000000 20000000 0"},
		{"a total only", "", []string{"La taille totale des pièces ne doit pas dépasser 10 Mo"}, "[] 0 10000000 0"},
		{"a least size", "", []string{"Taille minimale 20 Ko, taille maximale 3 Mo"}, "[] 3000000 0 0"},
		{"a comma", "", []string{"Poids maximal : 1,5 Mo"}, "[] 1500000 0 0"},
		{"spaces in a number", "", []string{"Maximum 1 048 576 octets"}, "[] 1048576 0 0"},
		{"points in a number", "", []string{"max 2.000.000 bytes"}, "[] 2000000 0 0"},
		{"mebibytes", "", []string{"Maximum 4 MiB"}, "[] 4194304 0 0"},
		{"no-break spaces", "", []string{"Taille\u00a0maximale\u202f:\u00a05\u00a0Mo"}, "[] 5000000 0 0"},
		{"the strictest", "", []string{"max 5 Mo", "2 Mo maximum", "max 8 Mo"}, "[] 2000000 0 0"},
		{"a file that is there", "", []string{"releve.pdf (234 Ko)"}, "[] 0 0 0"},
		{"absurd sizes", "", []string{"max 3 octets", "maximum 900000 Go"}, "[] 0 0 0"},
		{"months", "", []string{"de moins de 3 mois, 2 pages maximum"}, "[] 0 0 0"},
		{"formats that are refused", "", []string{"Les fichiers PDF ne sont pas acceptés"}, "[] 0 0 0"},
		{"a model to download", "", []string{"Télécharger le modèle PDF"}, "[] 0 0 0"},
		{"Spanish", "", []string{"Tamaño máximo: 3 MB"}, "[] 3000000 0 0"},
		{"Portuguese", "", []string{"Tamanho máximo de 3MB por arquivo"}, "[] 3000000 0 0"},
		{"Italian", "", []string{"Dimensione massima 3 MB"}, "[] 3000000 0 0"},
		{"German", "", []string{"höchstens 3 MB je Datei"}, "[] 3000000 0 0"},
		{"Turkish", "", []string{"En fazla 3 MB"}, "[] 3000000 0 0"},
		{"Russian", "", []string{"Размер файла не более 3 Мб"}, "[] 3000000 0 0"},
		{"Ukrainian", "", []string{"Максимальний розмір 3 МБ"}, "[] 3000000 0 0"},
		{"Romanian", "", []string{"Dimensiune maximă: 3 MB"}, "[] 3000000 0 0"},
		{"Chinese", "", []string{"文件大小不超过3MB"}, "[] 3000000 0 0"},
		{"Persian", "", []string{"حداکثر ۳ مگابایت"}, "[] 3000000 0 0"},
		{"accept", ".pdf,image/jpeg, .PNG", nil, "[pdf jpeg png] 0 0 0"},
		{"any image", "image/*,application/pdf", nil, "[pdf jpeg png] 0 0 0"},
		{"accept and text", "image/*,application/pdf", []string{"Formats : JPG, PDF"}, "[pdf jpeg] 0 0 0"},
		{"office only", ".docx", nil, "[] 0 0 0"},
		{"several sentences", "", []string{"Formats acceptés : pdf, jpg, png. Taille max. : 4 Mo. Vous pouvez joindre jusqu'à 5 documents."}, "[pdf jpeg png] 4000000 0 5"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, one, all, n := hints.Read(c.accept, c.near)
			if got := fmt.Sprint(f, one, all, n); got != c.want {
				t.Errorf("%q %q: got %s, want %s", c.accept, c.near, got, c.want)
			}
		})
	}
}

func FuzzRead(f *testing.F) {
	f.Add(".pdf,image/*", "Taille maximale : 1 048 576 octets, 5 Mo par fichier (20 Mo au total), jusqu'à 3 fichiers")
	f.Add("", "الحد الأقصى ٥٫٥ ميغابايت")
	f.Add("image/", "max 0.000,1 .5, mo/ <9")
	f.Fuzz(func(t *testing.T, accept, near string) {
		formats, one, all, n := hints.Read(accept, []string{near, near})
		if len(formats) > 4 || one < 0 || all < 0 || n < 0 || n > 100 {
			t.Errorf("got %v %d %d %d", formats, one, all, n)
		}
		if (one > 0 && one < 10_000) || (all > 0 && all < 10_000) {
			t.Errorf("not credible: %d %d", one, all)
		}
	})
}
