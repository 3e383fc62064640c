package relay_test

import (
	"encoding/json"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The phone's page says the same in each language, and says all that it is
// asked to say.
func TestThePhonesTexts(t *testing.T) {
	raw, err := os.ReadFile("web/texts.js")
	if err != nil {
		t.Fatal(err)
	}
	source := strings.TrimSuffix(strings.TrimPrefix(string(raw), "var texts = "), ";\n")
	var texts map[string]map[string]string
	if err := json.Unmarshal([]byte(source), &texts); err != nil {
		t.Fatal(err)
	}
	for lang, all := range texts {
		for id := range texts["fr"] {
			if all[id] == "" {
				t.Errorf("%s: %s is missing", lang, id)
			}
		}
		for id := range all {
			if texts["fr"][id] == "" {
				t.Errorf("%s: %s is not in French", lang, id)
			}
		}
	}
	if got := slices.Sorted(maps.Keys(texts)); !slices.Equal(got, []string{"ar", "en", "fr"}) {
		t.Errorf("languages %v", got)
	}
	asked := regexp.MustCompile(`words\.([a-z_]+)|data-t="([a-z_]+)"|finish\('([a-z]+)'\)`)
	for _, name := range []string{"web/phone.js", "web/phone.html"} {
		page, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range asked.FindAllStringSubmatch(string(page), -1) {
			ids := []string{m[1] + m[2]}
			if m[3] != "" {
				ids = []string{"end_" + m[3], "end_" + m[3] + "_do"}
			}
			for _, id := range ids {
				if texts["fr"][id] == "" {
					t.Errorf("%s asks for %s", name, id)
				}
			}
		}
	}
}
