// Command benchbrowser makes visits on the test portal, one after the other,
// with the real agent and Chromium, and prints how long people wait and what
// the visits leave behind. It exits with 1 when something grows.
//
// In the same run the same page is opened without a process started in advance,
// and by Chromium alone with a fresh profile: what a kiosk without ours does.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"pointnum/cmd/internal/visits"
)

func main() {
	n := flag.Int("visits", 50, "how many visits")
	rounds := flag.Int("rounds", 10, "how often the page is opened in each other way")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *n, *rounds); err != nil {
		fmt.Fprintln(os.Stderr, "benchbrowser:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, n, rounds int) error {
	dir, err := os.MkdirTemp("", "pointnum-bench-")
	if err != nil {
		return fmt.Errorf("work folder: %w", err)
	}
	defer os.RemoveAll(dir)
	k, err := visits.Start(ctx, dir)
	if err != nil {
		return err
	}
	var paint, wipe []time.Duration
	at := map[int]visits.Figures{}
	measure := func() error {
		for i := 1; i <= n; i++ {
			t, err := k.Visit(ctx)
			if err != nil {
				return fmt.Errorf("visit %d: %w", i, err)
			}
			paint, wipe = append(paint, t.Paint), append(wipe, t.Wipe)
			// At each visit's end the next process is waited for: people do not
			// follow each other faster.
			f, err := k.Figures(ctx)
			if err != nil {
				return fmt.Errorf("visit %d: %w", i, err)
			}
			at[i] = f
		}
		return nil
	}
	err = measure()
	if cerr := k.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		// Minutes of visits are not thrown away with the one that failed.
		return errors.Join(err, printTimes(paint, nil, nil, wipe), printFigures(at, len(at)))
	}
	late, err := withoutSpare(ctx, rounds)
	if err != nil {
		return fmt.Errorf("without a process in advance: %w", err)
	}
	cold, err := chromiumAlone(ctx, rounds)
	if err != nil {
		return fmt.Errorf("chromium alone: %w", err)
	}
	return errors.Join(printTimes(paint, late, cold, wipe), printFigures(at, n))
}

// printTimes prints what people wait for.
func printTimes(paint, late, cold, wipe []time.Duration) error {
	tw := tabwriter.NewWriter(os.Stdout, 0, 8, 2, ' ', 0)
	fmt.Fprintf(tw, "seconds\tn\tp50\tp95\tmax\n")
	for _, row := range []struct {
		name string
		all  []time.Duration
	}{
		{"open the portal to first paint, process in advance", paint},
		{"the same without one", late},
		{"Chromium alone, fresh profile, without lock or proxy", cold},
		{"end of the visit to the proof that all is erased", wipe},
	} {
		if len(row.all) == 0 {
			continue
		}
		slices.Sort(row.all)
		at := func(p int) float64 { return row.all[(len(row.all)-1)*p/100].Seconds() }
		fmt.Fprintf(tw, "%s\t%d\t%.2f\t%.2f\t%.2f\n", row.name, len(row.all), at(50), at(95), at(100))
	}
	return tw.Flush()
}

// printFigures prints what is there between visits, and wants it not to grow
// once the kiosk is warm.
func printFigures(at map[int]visits.Figures, n int) error {
	tw := tabwriter.NewWriter(os.Stdout, 0, 8, 2, ' ', 0)
	fmt.Fprintf(tw, "\nbetween visits\tprocesses\tdescriptors\tgoroutines\tagent MB\tfiles in memory MB\n")
	shown := slices.Compact([]int{1, min(10, n), min(25, n), n})
	for _, i := range shown {
		f, ok := at[i]
		if !ok {
			continue
		}
		fmt.Fprintf(tw, "after visit %d\t%d\t%d\t%d\t%.1f\t%.2f\n", i, f.Processes, f.Descriptors, f.Goroutines, f.Memory, f.Files)
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	warm := max(1, n/5)
	if n < 2 {
		return nil
	}
	if err := at[n].Grown(at[warm]); err != nil {
		return fmt.Errorf("from visit %d to %d grew: %s", warm, n, strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	return nil
}
