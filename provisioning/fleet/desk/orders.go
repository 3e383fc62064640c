package desk

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"pointnum/kiosk"
	"pointnum/provisioning"
	"pointnum/provisioning/fleet"
	"pointnum/provisioning/fleet/people"
	"pointnum/ui/console"
)

// orders are what the console may tell a kiosk, and the right it wants.
func orders(k console.OrderKind) (provisioning.CommandKind, fleet.Right, bool) {
	switch k {
	case console.OrderFixed:
		return provisioning.CommandRecheck, fleet.MayHelp, true
	case console.OrderMessage:
		return provisioning.CommandMessage, fleet.MayMessage, true
	case console.OrderPause:
		return provisioning.CommandPause, fleet.MayPause, true
	case console.OrderResume:
		return provisioning.CommandResume, fleet.MayPause, true
	case console.OrderRestart:
		return provisioning.CommandRestart, fleet.MayRestart, true
	case console.OrderReboot:
		return provisioning.CommandReboot, fleet.MayRestart, true
	case console.OrderSelfTest:
		return provisioning.CommandSelfTest, fleet.MayTest, true
	}
	return "", "", false
}

// orderOf is the console's word for a command.
func orderOf(k provisioning.CommandKind) console.OrderKind {
	if k == provisioning.CommandRecheck {
		return console.OrderFixed
	}
	return console.OrderKind(k)
}

// Order tells a kiosk something.
func (d *Desk) Order(ctx context.Context, w console.Who, id string, o console.Order) error {
	kind, right, ok := orders(o.Kind)
	if !ok || kiosk.CheckLine(o.Text) != nil {
		return console.ErrInvalid
	}
	pw, err := d.may(ctx, w, right)
	if err != nil {
		return err
	}
	c := provisioning.Command{Kind: kind, Text: o.Text}
	if !o.Until.IsZero() {
		c.Until = o.Until.Unix()
	}
	return d.order(ctx, pw, right, id, c)
}

// order queues a command for a kiosk that the person sees.
func (d *Desk) order(ctx context.Context, pw people.Who, right fleet.Right, id string, c provisioning.Command) error {
	k, err := d.borne(ctx, pw, right, id)
	if err != nil {
		return err
	}
	if !k.Revoked.IsZero() {
		return console.ErrNotFound
	}
	c.Structure, c.Kiosk = k.Structure, k.ID
	_, err = d.o.Engine.Command(ctx, fleet.Scope{Structure: k.Structure}, pw.Person.ID, c)
	return errors.Join(said(err), d.did(ctx, pw, k.Structure, k.ID, "command/"+string(c.Kind), "", err == nil))
}

// takeID names the command by which a call is taken: there can be one of that
// name, so one person takes it.
func takeID(kiosk, call string) string { return "take-" + call + "-" + kiosk[:min(len(kiosk), 16)] }

// call is the kiosk on which somebody waits under that name.
func (d *Desk) call(ctx context.Context, w console.Who, id, call string) (people.Who, fleet.Kiosk, error) {
	pw, err := d.may(ctx, w, fleet.MayHelp)
	if err != nil {
		return pw, fleet.Kiosk{}, err
	}
	k, err := d.borne(ctx, pw, fleet.MayHelp, id)
	if err != nil {
		return pw, k, err
	}
	if _, err := strconv.ParseInt(call, 10, 64); err != nil {
		return pw, k, console.ErrNotFound
	}
	return pw, k, nil
}

// TakeCall says on the kiosk that the person comes.
func (d *Desk) TakeCall(ctx context.Context, w console.Who, id, call string) error {
	pw, k, err := d.call(ctx, w, id, call)
	if err != nil {
		return err
	}
	if strconv.FormatInt(k.State.Help, 10) != call {
		return console.ErrConflict
	}
	err = d.order(ctx, pw, fleet.MayHelp, id, provisioning.Command{ID: takeID(k.ID, call), Kind: provisioning.CommandHelpTaken})
	if err == nil {
		d.o.Engine.Tell(fleet.Change{Structure: k.Structure, Kiosk: k.ID, What: "help"})
	}
	return err
}

// EndCall says that somebody has been there.
func (d *Desk) EndCall(ctx context.Context, w console.Who, id, call string) error {
	pw, k, err := d.call(ctx, w, id, call)
	if err != nil {
		return err
	}
	if strconv.FormatInt(k.State.Help, 10) != call {
		return nil
	}
	return d.order(ctx, pw, fleet.MayHelp, id, provisioning.Command{Kind: provisioning.CommandHelpDone})
}

// Rename says where a kiosk stands.
func (d *Desk) Rename(ctx context.Context, w console.Who, id, label string) error {
	pw, err := d.may(ctx, w, fleet.MaySee)
	if err != nil {
		return err
	}
	if !mayRename(pw.Person.Role) {
		return d.refused(ctx, pw, "rename", fleet.ErrForbidden)
	}
	if label == "" || kiosk.CheckLine(label) != nil {
		return console.ErrInvalid
	}
	k, err := d.borne(ctx, pw, fleet.MaySee, id)
	if err != nil {
		return err
	}
	if err := d.o.Store.Rename(ctx, pw.Scope(), id, label); err != nil {
		return said(err)
	}
	d.o.Engine.Tell(fleet.Change{Structure: k.Structure, Kiosk: k.ID, What: "state"})
	return d.did(ctx, pw, k.Structure, k.ID, "rename", "", true)
}

// mayRename says who may say where a kiosk stands: who sets it up, and who
// answers for it.
func mayRename(r fleet.Role) bool { return r.May(fleet.MaySettings) || r.May(fleet.MayCode) }

// Revoke ends a kiosk's identity.
func (d *Desk) Revoke(ctx context.Context, w console.Who, id string) error {
	pw, err := d.may(ctx, w, fleet.MayRevoke)
	if err != nil {
		return err
	}
	k, err := d.borne(ctx, pw, fleet.MayRevoke, id)
	if err != nil {
		return err
	}
	err = d.o.Engine.Revoke(ctx, pw.Scope(), id)
	return errors.Join(said(err), d.did(ctx, pw, k.Structure, k.ID, "revoke", "", err == nil))
}

// Codes are the newest ones of a structure.
func (d *Desk) Codes(ctx context.Context, w console.Who, structure string) ([]console.Code, error) {
	pw, s, err := d.structure(ctx, w, structure, fleet.MayCode)
	if err != nil {
		return nil, err
	}
	codes, err := d.o.Store.Codes(ctx, fleet.Scope{Structure: s.ID})
	if err != nil {
		return nil, said(err)
	}
	var out []console.Code
	for _, c := range codes {
		out = append(out, d.code(ctx, pw, c))
	}
	return out, nil
}

func (d *Desk) code(ctx context.Context, pw people.Who, c fleet.Code) console.Code {
	v := console.Code{ID: c.ID, Label: c.Label, By: d.nameOf(ctx, c.By), Created: c.Created, Expires: c.Expires, Used: c.Used}
	if c.Replaces != "" {
		if k, err := d.o.Store.Kiosk(ctx, pw.Scope(), c.Replaces); err == nil {
			v.Replaces = k.Label
		}
	}
	return v
}

// NewCode makes a one-time code for a kiosk.
func (d *Desk) NewCode(ctx context.Context, w console.Who, structure, label, replaces string) (console.NewCode, error) {
	pw, s, err := d.structure(ctx, w, structure, fleet.MayCode)
	if err != nil {
		return console.NewCode{}, err
	}
	if label == "" || kiosk.CheckLine(label) != nil {
		return console.NewCode{}, console.ErrInvalid
	}
	if replaces != "" {
		kiosks, err := d.o.Store.Kiosks(ctx, fleet.Scope{Structure: s.ID})
		if err != nil {
			return console.NewCode{}, said(err)
		}
		if !slices.ContainsFunc(kiosks, func(k fleet.Kiosk) bool { return k.ID == replaces && k.Revoked.IsZero() }) {
			return console.NewCode{}, d.refused(ctx, pw, string(fleet.MayCode), fleet.ErrNotFound)
		}
	}
	text, c, err := d.o.Engine.NewCode(ctx, fleet.Code{Structure: s.ID, Label: label, Replaces: replaces, By: pw.Person.ID})
	if err != nil {
		return console.NewCode{}, fmt.Errorf("desk: new code: %w", said(err))
	}
	return console.NewCode{Code: d.code(ctx, pw, c), Text: text}, d.did(ctx, pw, s.ID, replaces, "code", c.ID, true)
}
