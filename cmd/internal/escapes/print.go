package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
)

// table prints a line for every try, and what it comes to.
func table(w io.Writer, results []result) error {
	tw := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintln(tw, "mode\tid\tkind\twhat\tby\thold/ESCAPE\tms")
	for _, r := range results {
		by := strings.Join(r.HeldBy, "; ")
		if r.Verdict == escaping {
			by = strings.Join(r.Out, "; ")
		}
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%s\t%s\t%d\n", r.Mode, r.ID, r.Kind, r.What, short(by), r.Verdict, r.Away.Milliseconds())
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	for _, m := range []mode{window, headless} {
		some := slices.DeleteFunc(slices.Clone(results), func(r result) bool { return r.Mode != m })
		if len(some) == 0 {
			continue
		}
		_, err := fmt.Fprintf(w, "\n%s: %d tries, %d hold, %d escape, %d not tried\n",
			m, len(some), count(some, holding), count(some, escaping), count(some, untried))
		if err != nil {
			return err
		}
	}
	return nil
}

// short keeps a line on a screen.
func short(s string) string {
	const most = 90
	if r := []rune(s); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return s
}

func printJSON(w io.Writer, results []result) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(results)
}
