package desk

import (
	"context"
	"errors"
	"slices"
	"strings"

	"pointnum/provisioning/fleet"
	"pointnum/provisioning/fleet/people"
	"pointnum/ui/console"
)

// asked turns what the People answers into the console's words.
func (d *Desk) asked(ctx context.Context, pw people.Who, err error) error {
	return d.refused(ctx, pw, string(fleet.MayPeople), err)
}

// People are those of a structure, "" for the fleet's administrators.
func (d *Desk) People(ctx context.Context, w console.Who, structure string) (console.Team, error) {
	pw, err := d.may(ctx, w, fleet.MayPeople)
	if err != nil && !errors.Is(err, console.ErrStale) { // to look wants no proof
		return console.Team{}, err
	}
	t := console.Team{Mail: d.o.Mail}
	if structure != "" {
		s, err := d.place(ctx, pw, fleet.MayPeople, structure)
		if err != nil {
			return t, err
		}
		t.Name = s.Name
	}
	all, err := d.o.People.People(ctx, pw)
	if err != nil {
		return t, said(err)
	}
	for _, p := range all {
		if p.Structure == structure {
			t.People = append(t.People, console.Person{
				ID: p.ID, Name: p.Name, Email: p.Email, Role: console.Role(p.Role), Disabled: !p.Disabled.IsZero(),
				Confirmed: p.Confirmed, Self: p.ID == pw.Person.ID,
			})
		}
	}
	slices.SortFunc(t.People, func(a, b console.Person) int {
		return strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name))
	})
	open, err := d.o.People.Invitations(ctx, pw)
	if err != nil {
		return t, said(err)
	}
	for _, i := range open {
		if i.Structure == structure {
			t.Invited = append(t.Invited, console.Invitation{ID: i.Hash, Name: i.Name, Email: i.Email, Role: console.Role(i.Role), Expires: i.Expires})
		}
	}
	for _, r := range d.o.People.Roles(pw, structure) {
		t.Roles = append(t.Roles, console.Role(r))
	}
	return t, nil
}

// Invite lets somebody in.
func (d *Desk) Invite(ctx context.Context, w console.Who, structure string, i console.Invite) (console.Invited, error) {
	pw, err := d.may(ctx, w, fleet.MayPeople)
	if err != nil {
		return console.Invited{}, err
	}
	link, err := d.o.People.Invite(ctx, pw, people.Guest{
		Structure: structure, Email: i.Email, Name: i.Name, Role: fleet.Role(i.Role), Password: i.Password,
	})
	return console.Invited{Email: i.Email, Link: link}, d.asked(ctx, pw, err)
}

// Reinvite makes a link for somebody who has lost what they log in with.
func (d *Desk) Reinvite(ctx context.Context, w console.Who, person string) (console.Invited, error) {
	pw, err := d.may(ctx, w, fleet.MayPeople)
	if err != nil {
		return console.Invited{}, err
	}
	p, err := d.o.Store.Person(ctx, person)
	if err != nil {
		return console.Invited{}, d.asked(ctx, pw, err)
	}
	has, err := d.o.People.HasPassword(ctx, people.Who{Person: p})
	if err != nil {
		return console.Invited{}, d.asked(ctx, pw, err)
	}
	link, err := d.o.People.Reinvite(ctx, pw, person, has) // checks that the person may be seen
	if err != nil {
		return console.Invited{}, d.asked(ctx, pw, err)
	}
	return console.Invited{Email: p.Email, Link: link}, nil
}

// Withdraw takes an invitation back.
func (d *Desk) Withdraw(ctx context.Context, w console.Who, invitation string) error {
	pw, err := d.may(ctx, w, fleet.MayPeople)
	if err != nil {
		return err
	}
	return d.asked(ctx, pw, d.o.People.Withdraw(ctx, pw, invitation))
}

// SetRole changes what somebody may do.
func (d *Desk) SetRole(ctx context.Context, w console.Who, person string, r console.Role) error {
	pw, err := d.may(ctx, w, fleet.MayPeople)
	if err != nil {
		return err
	}
	return d.asked(ctx, pw, d.o.People.SetRole(ctx, pw, person, fleet.Role(r)))
}

// Disable keeps somebody out, or lets them in again.
func (d *Desk) Disable(ctx context.Context, w console.Who, person string, disabled bool) error {
	pw, err := d.may(ctx, w, fleet.MayPeople)
	if err != nil {
		return err
	}
	if disabled {
		return d.asked(ctx, pw, d.o.People.Disable(ctx, pw, person))
	}
	return d.asked(ctx, pw, d.o.People.Enable(ctx, pw, person))
}

// Confirm lets in somebody who came by themselves, with the role that they
// have.
func (d *Desk) Confirm(ctx context.Context, w console.Who, person string) error {
	pw, err := d.may(ctx, w, fleet.MayPeople)
	if err != nil {
		return err
	}
	p, err := d.o.Store.Person(ctx, person)
	if err != nil {
		return d.asked(ctx, pw, err)
	}
	return d.asked(ctx, pw, d.o.People.Confirm(ctx, pw, person, p.Role))
}
