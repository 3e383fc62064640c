package quirks_test

import (
	"slices"
	"testing"

	"pointnum/drivers/quirks"
)

func TestReceiptModel(t *testing.T) {
	for name, want := range map[string]string{
		"TM-T20III":   "tm-t20iii",
		"TM-T20IIIL ": "tm-t20iii",
		"tm-t20ii":    "tm-t20ii",
		"TM-T88V":     "tm-t88v",
		"TM-T88VII":   "tm-t88vi",
		"XP-80C":      "",
		"":            "",
	} {
		if got, ok := quirks.ReceiptModel(name); got.Model != want || ok != (want != "") {
			t.Errorf("%q is %q, want %q", name, got.Model, want)
		}
	}
}

func TestReceiptTable(t *testing.T) {
	models := quirks.ReceiptModels()
	if slices.Sort(models); len(slices.Compact(models)) != len(quirks.ReceiptModels()) {
		t.Error("a model is there twice")
	}
	for _, name := range models {
		r, _ := quirks.ReceiptModel(name)
		if r.Dots%8 != 0 || r.Dots < 384 || r.DPI < 180 || r.Status == "" || r.Cut == "" {
			t.Errorf("%s: %+v", name, r)
		}
	}
}
