package main

import (
	"fmt"
	"os"
	"regexp"
	"testing"
)

// The tests run in the command's own mount namespace: see enter.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == probeArg {
		os.Exit(probeFor(os.Args[2:], os.Stdout))
	}
	if !inside() {
		fmt.Fprintln(os.Stderr, "escapes:", again())
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// some are tries of every kind, few enough for a minute in both modes; 'make
// escapes' makes all.
const some = `^(host-(link|popup-later)|scheme-(mailto|open-data)|net-(fetch|webrtc)|agent-navigate|device-fullscreen|` +
	`hook-popup-print|user-.*|key-(F12|ctrl\+n|alt\+F4|shift\+Escape|ctrl\+p)|mouse-(middle|right-link))$`

func TestNothingEscapes(t *testing.T) {
	for _, m := range []mode{window, headless} {
		t.Run(string(m), func(t *testing.T) {
			h := open(t, options{slower: 10, only: regexp.MustCompile(some)}, m)
			results, err := h.all(t.Context(), func(r result) { t.Logf("%s %s %v %v", r.Verdict, r.ID, r.HeldBy, r.Away) })
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range results {
				if r.Verdict == escaping {
					t.Errorf("%s (%s): %v", r.ID, r.What, r.Out)
				}
			}
			if len(results) < 24 {
				t.Errorf("%d tries were made", len(results))
			}
		})
	}
}

// What the test above looks for is there to be seen.
func TestAnOpenDoorIsSeen(t *testing.T) {
	const tries = `^(net-fetch|net-websocket)$`
	h := open(t, options{open: true, only: regexp.MustCompile(tries)}, headless)
	results, err := h.all(t.Context(), func(result) {})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range results {
		if r.Verdict != escaping {
			t.Errorf("%s was not seen", r.ID)
		}
	}
	if len(results) != 2 {
		t.Errorf("%d tries were made", len(results))
	}
}

func open(t *testing.T, o options, m mode) *house {
	t.Helper()
	c, err := enter()
	if err != nil {
		t.Fatal(err)
	}
	h, err := start(t.Context(), c, o, m)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return h
}
