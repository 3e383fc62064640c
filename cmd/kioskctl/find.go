package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"pointnum/cmd/internal/agent"
	"pointnum/kiosk"
	"pointnum/kiosk/discover"
)

// foundDevice is a device as scripts read it.
type foundDevice struct {
	Kind    kiosk.Kind        `json:"kind"`
	Model   string            `json:"model,omitempty"`
	Where   string            `json:"where"`
	Maybe   bool              `json:"maybe,omitempty"`
	Driver  string            `json:"driver"`
	URI     string            `json:"uri"`
	Options map[string]string `json:"options,omitempty"`
	Also    []string          `json:"also,omitempty"` // other addresses of it
}

// findDevices looks for what is attached, whatever the configuration says.
// What could not be looked at is told on stderr, and is no error: a machine
// without SANE has devices all the same.
func findDevices(ctx context.Context, asJSON bool, stdout, stderr io.Writer) error {
	found, err := agent.Finder(logTo(stderr)).Find(ctx)
	if err != nil {
		fmt.Fprintln(stderr, "tout n’a pas pu être regardé :", err)
	}
	if asJSON {
		list := make([]foundDevice, 0, len(found))
		for _, f := range found {
			d := foundDevice{Kind: f.Kind, Model: f.Model, Where: f.Where, Maybe: f.Maybe, Driver: f.Spec.Driver, URI: f.Spec.URI, Options: f.Spec.Options}
			for _, s := range f.Also {
				d.Also = append(d.Also, s.URI)
			}
			list = append(list, d)
		}
		return writeJSON(stdout, list)
	}
	return tellFound(stdout, found)
}

// tellFound writes a table for people, and what to write into kiosk.yaml.
func tellFound(w io.Writer, found []discover.Found) error {
	if len(found) == 0 {
		_, err := fmt.Fprintln(w, "aucun appareil trouvé : vérifiez les câbles, et que chacun est allumé")
		return err
	}
	tw := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintln(tw, "GENRE\tMODÈLE\tOÙ\tDRIVER\tADRESSE")
	for _, f := range found {
		model := f.Model
		if f.Maybe {
			model = strings.TrimSpace(model + " (à vérifier)")
		}
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%s\n", kindWord(f.Kind), model, f.Where, f.Spec.Driver, f.Spec.URI)
	}
	return tw.Flush()
}

func kindWord(k kiosk.Kind) string {
	word, ok := map[kiosk.Kind]string{kiosk.KindScanner: "scanner", kiosk.KindPrinter: "imprimante", kiosk.KindReceipt: "tickets",
		kiosk.KindKey: "clé USB", kiosk.KindSensors: "boutons"}[k]
	if !ok {
		return string(k)
	}
	return word
}
