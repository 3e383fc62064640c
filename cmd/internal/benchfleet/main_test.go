package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"pointnum/cmd/internal/cli"
)

// Every measurement works with a few kiosks, loses nothing, and ends.
func TestEveryMeasurementEnds(t *testing.T) {
	var out, errs bytes.Buffer
	code := cli.Run(t.Context(), cli.Single(command()), []string{"-quick", "-agents", "10", "-json"}, strings.NewReader(""), &out, &errs, func(string) string { return "" })
	if code != cli.ExitDone {
		t.Fatalf("exit %d\n%s\n%s", code, out.String(), errs.String())
	}
	var rows []row
	if err := json.Unmarshal(out.Bytes(), &rows); err != nil {
		t.Fatal(err)
	}
	kept := 0
	for _, r := range rows {
		if r.What == "events" && strings.Contains(r.Ours, "lost 0, twice 0") && !strings.Contains(r.Ours, "made 0,") {
			kept++
		}
	}
	if want := 6; kept != want {
		t.Errorf("%d lines of events of %d\n%s", kept, want, out.String())
	}
}

func TestWhatIsLostOrCountedTwiceIsSeen(t *testing.T) {
	for _, c := range []struct {
		ledger
		good bool
	}{
		{ledger{made: 10, stored: 10, visits: 8, counters: 8}, true},
		{ledger{made: 10, stored: 9, visits: 8, counters: 8}, false},
		{ledger{made: 10, stored: 10, visits: 8, counters: 9}, false},
		{ledger{made: 10, stored: 10, visits: 8, counters: 7}, false},
	} {
		if c.ledger.good() != c.good {
			t.Errorf("%s: good %v", c.ledger, !c.good)
		}
	}
}
