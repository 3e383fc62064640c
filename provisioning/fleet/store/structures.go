package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"pointnum/kiosk"
	"pointnum/provisioning"
	"pointnum/provisioning/fleet"
)

// defaultZone is that of a structure that names none.
const defaultZone = "Europe/Paris"

// zone is that of a structure's days; UTC should the name be unknown, which
// AddStructure and SaveAlerts refuse.
func (s *Store) zone(name string) *time.Location {
	if name == "" {
		name = defaultZone
	}
	if z, ok := s.zones.Load(name); ok {
		return z.(*time.Location)
	}
	z, err := time.LoadLocation(name)
	if err != nil {
		s.o.Log.Error("unknown zone, days are counted in UTC", "zone", name)
		z = time.UTC
	}
	s.zones.Store(name, z)
	return z
}

const structureColumns = "SELECT id, name, siret, revision, settings, alerts, created FROM structure "

func scanStructure(row scanner) (fleet.Structure, error) {
	var (
		t                 fleet.Structure
		settings, alerts  string
		revision, created int64
	)
	if err := row.Scan(&t.ID, &t.Name, &t.SIRET, &revision, &settings, &alerts, &created); err != nil {
		return t, err
	}
	t.Created = moment(created)
	err := errors.Join(json.Unmarshal([]byte(settings), &t.Settings), json.Unmarshal([]byte(alerts), &t.Alerts))
	t.Settings.Revision = revision
	return t, err
}

// AddStructure adds a host. Its ID must be a provisioning.ValidID, its zone
// known and its settings good; fleet.ErrExists when the ID or the SIRET is
// another's.
func (s *Store) AddStructure(ctx context.Context, t fleet.Structure) error {
	if !provisioning.ValidID(t.ID) {
		return fmt.Errorf("store: not an ID of a structure: %q", t.ID)
	}
	if err := t.Settings.Check(); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	alerts, err := alertSettings(t.Alerts)
	if err != nil {
		return err
	}
	settings, err := json.Marshal(t.Settings)
	if err != nil {
		return wrap(err)
	}
	created := micro(t.Created)
	if created == 0 {
		created = s.now()
	}
	_, err = change(ctx, s.write, "INSERT INTO structure (id, name, siret, zone, revision, settings, alerts, created) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
		t.ID, t.Name, t.SIRET, t.Alerts.Zone, t.Settings.Revision, string(settings), alerts, created)
	return err
}

func alertSettings(a fleet.AlertSettings) (string, error) {
	if _, err := time.LoadLocation(a.Zone); err != nil || a.Zone == "Local" {
		return "", fmt.Errorf("store: unknown zone %q", a.Zone)
	}
	text, err := json.Marshal(a)
	return string(text), wrap(err)
}

// Structure is the one of that ID.
func (s *Store) Structure(ctx context.Context, sc fleet.Scope, id string) (fleet.Structure, error) {
	return one(ctx, s.reads, scanStructure, scoped(structureColumns+"WHERE id = $1 AND SCOPE", "id", 2), inScope(sc, id)...)
}

// Structures are those of the scope, by name.
func (s *Store) Structures(ctx context.Context, sc fleet.Scope) ([]fleet.Structure, error) {
	return list(ctx, s.reads, scanStructure, scoped(structureColumns+"WHERE SCOPE ORDER BY name, id", "id", 1), inScope(sc)...)
}

// SaveSettings replaces a structure's settings. n.Revision is the one that was
// edited: fleet.ErrConflict when somebody was faster. The settings come back
// with their new revision.
func (s *Store) SaveSettings(ctx context.Context, sc fleet.Scope, structure string, n kiosk.Settings) (kiosk.Settings, error) {
	if err := n.Check(); err != nil {
		return kiosk.Settings{}, fmt.Errorf("store: %w", err)
	}
	text, err := json.Marshal(n)
	if err != nil {
		return kiosk.Settings{}, wrap(err)
	}
	err = changeOne(ctx, s.write, scoped("UPDATE structure SET settings = $1, revision = revision + 1 WHERE id = $2 AND revision = $3 AND SCOPE", "id", 4),
		inScope(sc, string(text), structure, n.Revision)...)
	if errors.Is(err, fleet.ErrNotFound) {
		if _, seen := s.Structure(ctx, sc, structure); seen == nil {
			err = fleet.ErrConflict
		}
	}
	if err != nil {
		return kiosk.Settings{}, err
	}
	n.Revision++
	return n, nil
}

// SaveAlerts replaces a structure's alert settings. A new zone is that of days
// that are counted from now on.
func (s *Store) SaveAlerts(ctx context.Context, sc fleet.Scope, structure string, a fleet.AlertSettings) error {
	text, err := alertSettings(a)
	if err != nil {
		return err
	}
	return changeOne(ctx, s.write, scoped("UPDATE structure SET alerts = $1, zone = $2 WHERE id = $3 AND SCOPE", "id", 4), inScope(sc, text, a.Zone, structure)...)
}
