package agent

import (
	"fmt"

	"pointnum/kiosk/phone"
	"pointnum/provisioning/relay"
)

// phones makes the way to visitors' phones; nil where the configuration names
// no relay. The relay must serve the page that is part of this program.
func (a *parts) phones() (*phone.Relay, error) {
	if a.Config.Phone.Relay == "" {
		return nil, nil
	}
	r, err := phone.New(phone.Options{
		Address: a.Config.Phone.Relay, Files: relay.Files(), Digest: relay.Served(), Log: a.Log,
	})
	if err != nil {
		return nil, fmt.Errorf("phones: %w", err)
	}
	return r, nil
}
