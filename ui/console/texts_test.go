package console_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leonelquinteros/gotext"

	"pointnum/kiosk"
	"pointnum/kiosk/health"
)

// texts reads a language's entries by "page/id", with their forms.
func texts(t *testing.T, tag string) map[string]map[int]string {
	t.Helper()
	raw, err := os.ReadFile("po/" + tag + ".po")
	if err != nil {
		t.Fatal(err)
	}
	po := gotext.NewPo()
	po.Parse(raw)
	all := map[string]map[int]string{}
	for page, ids := range po.GetDomain().GetCtxTranslations() {
		for id, tr := range ids {
			if id != "" { // the library leaves an empty one behind in each context
				all[page+"/"+id] = tr.Trs
			}
		}
	}
	return all
}

func TestLanguagesHaveTheSameTexts(t *testing.T) {
	hole := regexp.MustCompile(`\{[a-z]+\}`)
	fr, en := texts(t, "fr"), texts(t, "en")
	for id, forms := range fr {
		other, ok := en[id]
		if !ok || len(other) != len(forms) {
			t.Errorf("en: %s is missing, or has not %d forms", id, len(forms))
			continue
		}
		for n, text := range forms {
			a, b := hole.FindAllString(text, -1), hole.FindAllString(other[n], -1)
			slices.Sort(a)
			slices.Sort(b)
			if !slices.Equal(a, b) {
				t.Errorf("%s[%d] has %v in French and %v in English", id, n, a, b)
			}
			if text == "" || other[n] == "" {
				t.Errorf("%s[%d] is empty", id, n)
			}
			if regexp.MustCompile(` [?!:;»]|« `).MatchString(text) {
				t.Errorf("fr: %s[%d] may break before its punctuation: %q", id, n, text)
			}
			if strings.ContainsAny(text, "'") || strings.ContainsAny(other[n], "'") {
				t.Errorf("%s[%d] has a straight apostrophe", id, n)
			}
		}
	}
	for id := range en {
		if _, ok := fr[id]; !ok {
			t.Errorf("en: %s is not in the source", id)
		}
	}
}

// families are pages whose ids are values of other lists.
var families = []string{
	"action", "ask", "ask_text", "ask_yes", "by", "count", "device", "end_of", "group", "language", "language_of", "note", "order", "pause", "period",
	"problem", "problem_do", "role", "role_does", "said", "sentence", "status", "trouble", "use", "nav", "settings", "pace", "update_why",
}

func TestEveryTextIsThereAndUsed(t *testing.T) {
	asked := map[string]bool{}
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	more, err := filepath.Glob("templates/*.html")
	if err != nil {
		t.Fatal(err)
	}
	pattern := regexp.MustCompile(`(?:\b[tn]|\.[TN]\() ?"([a-z_]+)",? "([a-z_.]+)"`)
	problem := regexp.MustCompile(`problem\(w, r, [A-Za-z.]+, "([a-z_]+)"`)
	for _, name := range append(names, more...) {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range pattern.FindAllStringSubmatch(string(raw), -1) {
			asked[m[1]+"/"+m[2]] = true
		}
		for _, m := range problem.FindAllStringSubmatch(string(raw), -1) {
			asked["problem/"+m[1]], asked["problem_do/"+m[1]] = true, true
		}
		for _, m := range regexp.MustCompile(`"(wrong_[a-z]+)"`).FindAllStringSubmatch(string(raw), -1) {
			if name == "login.go" || name == "join.go" || name == "account.go" {
				asked["login/"+m[1]] = true
			}
		}
	}
	for day := range 7 {
		asked["date/"+strings.ToLower(time.Weekday(day).String())] = true
	}
	for month := range 12 {
		asked["date/"+strings.ToLower(time.Month(month+1).String())] = true
	}
	asked["card/off_do"], asked["card/new_do"] = true, true
	for _, code := range []kiosk.Code{
		kiosk.CodePaperJam, kiosk.CodeCoverOpen, kiosk.CodePaperEmpty, kiosk.CodePaperLow, kiosk.CodeMarkerEmpty, kiosk.CodeMarkerLow, kiosk.CodeCutterError,
		kiosk.CodeOverheated, kiosk.CodeDeviceBusy, kiosk.CodeDevicePaused, kiosk.CodeUnplugged, kiosk.CodeNotResponding, kiosk.CodePowerCycle, kiosk.CodeNoDevice,
		kiosk.CodeJobRejected, kiosk.CodeJobAborted, kiosk.CodeJobUnknown, kiosk.CodeNoNetwork, kiosk.CodeOutOfOrder, kiosk.CodeInternal,
		health.SwapOn, health.SpoolOnDisk, health.WipeFailed, health.BrowserBroken, health.PoliciesDiffer,
	} {
		asked["trouble/"+string(code)+".word"], asked["trouble/"+string(code)+".do"] = true, true
	}
	have := texts(t, "fr")
	for id := range asked {
		if _, ok := have[id]; !ok {
			t.Errorf("%s is asked for and missing", id)
		}
	}
	for id := range have {
		page, _, _ := strings.Cut(id, "/")
		if !asked[id] && !slices.Contains(families, page) {
			t.Errorf("%s is never asked for", id)
		}
	}
}
