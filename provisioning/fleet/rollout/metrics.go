package rollout

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"pointnum/provisioning/fleet"
)

// gauges are counted when somebody asks. No kiosk and no version is ever a
// label.
type gauges struct {
	store           Store
	log             *slog.Logger
	kiosks, stopped *prometheus.Desc
}

func newGauges(s Store, log *slog.Logger) *gauges {
	return &gauges{store: s, log: log,
		kiosks:  prometheus.NewDesc("pointnum_rollout_kiosks", "Kiosks of the open rollout by phase; none without one.", []string{"phase"}, nil),
		stopped: prometheus.NewDesc("pointnum_rollout_stopped", "1 while the open rollout has stopped by itself and waits for somebody.", nil, nil)}
}

// Describe is prometheus.Collector's.
func (g *gauges) Describe(c chan<- *prometheus.Desc) { c <- g.kiosks; c <- g.stopped }

// Collect is prometheus.Collector's.
func (g *gauges) Collect(c chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	r, err := g.store.OpenRollout(ctx)
	if errors.Is(err, fleet.ErrNotFound) {
		c <- prometheus.MustNewConstMetric(g.stopped, prometheus.GaugeValue, 0)
		return
	}
	var stages []fleet.StageProgress
	if err == nil {
		stages, err = g.store.RolloutProgress(ctx, r)
	}
	if err != nil {
		g.log.Warn("rollout is not measured", "error", err)
		return
	}
	stopped := 0.0
	if r.State == fleet.RolloutStopped {
		stopped = 1
	}
	c <- prometheus.MustNewConstMetric(g.stopped, prometheus.GaugeValue, stopped)
	for _, phase := range fleet.Phases() {
		n := 0
		for _, s := range stages {
			n += s.Progress[phase]
		}
		c <- prometheus.MustNewConstMetric(g.kiosks, prometheus.GaugeValue, float64(n), string(phase))
	}
}
