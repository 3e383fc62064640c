package agent

import (
	"context"

	"pointnum/kiosk/config"
	"pointnum/provisioning/enrol"
)

// Resign has the supervision refuse a kiosk from now on, by the kiosk's own
// word: it is to be disposed of. Errors: see enrol.Resign.
func Resign(ctx context.Context, c config.Fleet, id *enrol.Identity) error {
	way, err := wayOf(c)
	if err != nil {
		return err
	}
	return enrol.Resign(ctx, id, enrol.Options{CA: way.ca, Proxy: way.proxy})
}
