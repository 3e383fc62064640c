package people

import (
	"context"
	"fmt"
	"time"

	"pointnum/provisioning/fleet"
)

// mayGive says whether somebody may give a role at a structure: those of
// their scope, and never more than they have.
func (p *People) mayGive(w Who, structure string, role fleet.Role) error {
	if err := p.May(w, fleet.MayPeople); err != nil {
		return err
	}
	if role.Rights() == nil || (structure == "") != (role == fleet.RoleFleet) {
		return fmt.Errorf("%w: the role", ErrInput)
	}
	if role == fleet.RoleFleet {
		if w.Person.Role != fleet.RoleFleet {
			return fleet.ErrForbidden
		}
		return nil
	}
	if !w.Scope().Sees(structure) {
		return fleet.ErrNotFound
	}
	return nil
}

// Roles are those that somebody may give at a structure, "" for the fleet.
func (p *People) Roles(w Who, structure string) []fleet.Role {
	switch {
	case !w.Person.Role.May(fleet.MayPeople) || !w.Scope().Sees(structure) && structure != "":
		return nil
	case structure != "":
		return []fleet.Role{fleet.RoleDesk, fleet.RoleReferent, fleet.RoleTechnician, fleet.RoleAdmin}
	case w.Person.Role == fleet.RoleFleet:
		return []fleet.Role{fleet.RoleFleet}
	}
	return nil
}

// other is somebody of the scope who is not the administrator themselves: so
// the last administrator cannot lock everybody out.
func (p *People) other(ctx context.Context, w Who, person string) (fleet.Person, error) {
	if err := p.May(w, fleet.MayPeople); err != nil {
		return fleet.Person{}, err
	}
	if person == w.Person.ID {
		return fleet.Person{}, fmt.Errorf("%w: oneself", ErrInput)
	}
	who, err := p.o.Store.Person(ctx, person)
	if err != nil {
		return fleet.Person{}, err
	}
	if who.Role == fleet.RoleFleet && w.Person.Role != fleet.RoleFleet || !w.Scope().Sees(who.Structure) {
		return fleet.Person{}, fleet.ErrNotFound
	}
	return who, nil
}

// People are those of the scope.
func (p *People) People(ctx context.Context, w Who) ([]fleet.Person, error) {
	if !w.Person.Role.May(fleet.MayPeople) {
		return nil, fleet.ErrForbidden
	}
	return p.o.Store.People(ctx, w.Scope())
}

// save keeps a changed person and ends their sessions: what they may do is
// asked anew.
func (p *People) save(ctx context.Context, w Who, who fleet.Person, action, detail string) error {
	if err := p.o.Store.SavePerson(ctx, w.Scope(), who); err != nil {
		return fmt.Errorf("people: keep the person: %w", err)
	}
	if err := p.o.Store.EndSessions(ctx, who.ID); err != nil {
		return fmt.Errorf("people: end the sessions: %w", err)
	}
	return p.did(ctx, w, who.Structure, action, who.ID+" "+detail)
}

// Confirm lets somebody in who came by a provider, with a role.
func (p *People) Confirm(ctx context.Context, w Who, person string, role fleet.Role) error {
	who, err := p.other(ctx, w, person)
	if err != nil {
		return err
	}
	if err := p.mayGive(w, who.Structure, role); err != nil {
		return err
	}
	who.Confirmed, who.Role = true, role
	return p.save(ctx, w, who, "confirm", string(role))
}

// SetRole changes what somebody may do. Their sessions end.
func (p *People) SetRole(ctx context.Context, w Who, person string, role fleet.Role) error {
	who, err := p.other(ctx, w, person)
	if err != nil {
		return err
	}
	if err := p.mayGive(w, who.Structure, role); err != nil {
		return err
	}
	was := who.Role
	who.Role = role
	return p.save(ctx, w, who, "role", string(was)+" "+string(role))
}

// Disable keeps somebody out. Their sessions end.
func (p *People) Disable(ctx context.Context, w Who, person string) error {
	who, err := p.other(ctx, w, person)
	if err != nil {
		return err
	}
	who.Disabled = p.o.Now().UTC()
	return p.save(ctx, w, who, "disable", "")
}

// Enable lets somebody log in again.
func (p *People) Enable(ctx context.Context, w Who, person string) error {
	who, err := p.other(ctx, w, person)
	if err != nil {
		return err
	}
	who.Disabled = time.Time{}
	return p.save(ctx, w, who, "enable", "")
}

// Rename changes somebody's own name and language.
func (p *People) Rename(ctx context.Context, w Who, name, lang string) error {
	clean, err := cleanName(name)
	if err != nil {
		return err
	}
	if len(lang) > 20 {
		return fmt.Errorf("%w: the language", ErrInput)
	}
	// As they are now: an administrator may have changed the role meanwhile.
	who, err := p.o.Store.Person(ctx, w.Person.ID)
	if err != nil {
		return fmt.Errorf("people: read the person: %w", err)
	}
	who.Name, who.Lang = clean, lang
	if err := p.o.Store.SavePerson(ctx, who.Scope(), who); err != nil {
		return fmt.Errorf("people: keep the person: %w", err)
	}
	return p.did(ctx, w, who.Structure, "rename", "")
}
