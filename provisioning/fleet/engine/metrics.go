package engine

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are the engine's. No kiosk is ever a label.
type metrics struct {
	events      *prometheus.CounterVec
	duplicates  prometheus.Counter
	refused     prometheus.Counter
	commit      prometheus.Histogram
	age         prometheus.Histogram
	commands    *prometheus.CounterVec
	commandTime prometheus.Histogram
	connections *prometheus.CounterVec
	enrolments  *prometheus.CounterVec
	syncs       *prometheus.CounterVec
	copies      prometheus.Counter
}

func newMetrics(r prometheus.Registerer, p *presence) (*metrics, error) {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: "pointnum_" + name, Help: help})
	}
	vec := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "pointnum_" + name, Help: help}, labels)
	}
	histogram := func(name, help string, buckets []float64) prometheus.Histogram {
		return prometheus.NewHistogram(prometheus.HistogramOpts{Name: "pointnum_" + name, Help: help, Buckets: buckets})
	}
	m := &metrics{
		events:      vec("events_total", "Events stored, each counted once.", "kind"),
		duplicates:  counter("events_duplicate_total", "Events that came again and were not counted."),
		refused:     counter("events_refused_total", "Messages of events that could not be stored when they came."),
		commit:      histogram("ingest_commit_duration_seconds", "From a message of events to its commit.", prometheus.ExponentialBuckets(.0005, 2, 14)),
		age:         histogram("event_age_seconds", "From an event at the kiosk to its commit, time offline included.", []float64{.01, .05, .1, .5, 1, 5, 30, 300, 3600, 86400, 604800}),
		commands:    vec("commands_total", "Commands by kind and what became of them; kind late: told later by the kiosk.", "kind", "result"),
		commandTime: histogram("command_duration_seconds", "From a command to its kiosk's answer.", prometheus.ExponentialBuckets(.001, 2, 15)),
		connections: vec("connections_total", "Kiosks' connections by result.", "result"),
		enrolments:  vec("enrolments_total", "Tries to enrol by result.", "result"),
		syncs:       vec("syncs_total", "POST /sync by result.", "result"),
		copies:      counter("copies_total", "Times that two kiosks spoke under one name."),
	}
	if r == nil {
		return m, nil
	}
	for _, c := range []prometheus.Collector{m.events, m.duplicates, m.refused, m.commit, m.age, m.commands, m.commandTime,
		m.connections, m.enrolments, m.syncs, m.copies, newGauges(p)} {
		if err := r.Register(c); err != nil {
			return nil, fmt.Errorf("engine: metrics: %w", err)
		}
	}
	return m, nil
}

// Bounds of labels whose values kiosks choose.
const (
	maxVersion  = 40 // characters
	maxVersions = 30
	otherLabel  = "other"
)

// gauges are counted when somebody asks.
type gauges struct {
	p              *presence
	kiosks, agents *prometheus.Desc
}

func newGauges(p *presence) *gauges {
	return &gauges{p: p,
		kiosks: prometheus.NewDesc("pointnum_kiosks", "Kiosks by structure and status, as this server sees the whole fleet.", []string{"structure", "status"}, nil),
		agents: prometheus.NewDesc("pointnum_agents", "Kiosks that are there by version of their agent, as this server sees the whole fleet.", []string{"version"}, nil)}
}

// Describe is prometheus.Collector's.
func (g *gauges) Describe(c chan<- *prometheus.Desc) { c <- g.kiosks; c <- g.agents }

// Collect is prometheus.Collector's.
func (g *gauges) Collect(c chan<- prometheus.Metric) {
	kiosks, agents := g.p.count()
	for k, n := range kiosks {
		c <- prometheus.MustNewConstMetric(g.kiosks, prometheus.GaugeValue, float64(n), k.structure, k.status)
	}
	for v, n := range agents {
		c <- prometheus.MustNewConstMetric(g.agents, prometheus.GaugeValue, float64(n), v)
	}
}

type standing struct{ structure, status string }

// count is how many kiosks do what. Those where somebody waits for help are
// counted as "help" besides.
func (p *presence) count() (kiosks map[standing]int, agents map[string]int) {
	kiosks, agents = map[standing]int{}, map[string]int{}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.seats {
		status := "offline"
		if s.online {
			status = string(s.beat.Use)
			version := s.version
			if _, ok := agents[version]; version == "" || !ok && len(agents) >= maxVersions {
				version = otherLabel
			}
			agents[version]++
			if s.beat.Help {
				kiosks[standing{s.structure, "help"}]++
			}
		}
		kiosks[standing{s.structure, status}]++
	}
	return kiosks, agents
}
