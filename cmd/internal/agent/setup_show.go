package agent

import (
	"context"
	"slices"
	"strings"

	"pointnum/kiosk"
	"pointnum/provisioning/setup"
	uisetup "pointnum/ui/setup"
)

// shownFlow is a setup as its screens know it: the two packages do not know
// each other.
type shownFlow struct{ flow *setup.Flow }

// State implements uisetup.Flow.
func (f shownFlow) State() (uisetup.State, uint64) {
	st, seq := f.flow.State().Load()
	return shownState(st), seq
}

// Wait implements uisetup.Flow.
func (f shownFlow) Wait(ctx context.Context, after uint64) (uisetup.State, uint64, error) {
	st, seq, err := f.flow.State().Wait(ctx, after)
	return shownState(st), seq, err
}

// Do implements uisetup.Flow.
func (f shownFlow) Do(ctx context.Context, a uisetup.Action) error {
	act := map[uisetup.Name]setup.Action{
		uisetup.ActLanguage: setup.SetLanguage{Lang: a.Text},
		uisetup.ActNext:     setup.Next{},
		uisetup.ActBack:     setup.Back{},
		uisetup.ActCancel:   setup.Cancel{},
		uisetup.ActAgain:    setup.Again{},
		uisetup.ActWiFi:     setup.JoinWiFi{Choice: setup.WiFiChoice{SSID: a.Text, Password: a.Secret, Hidden: a.On}},
		uisetup.ActProxy:    setup.UseProxy{Proxy: strings.TrimSpace(a.Text)},
		uisetup.ActCA:       setup.UseCA{Name: a.Text},
		uisetup.ActCode:     setup.UseCode{Server: strings.TrimSuffix(strings.TrimSpace(a.Text), "/"), Code: a.Secret},
		uisetup.ActAlone:    setup.GoAlone{Name: a.Text},
		uisetup.ActKeep:     setup.KeepDevice{ID: a.ID, Keep: a.On},
		uisetup.ActRename:   setup.RenameDevice{ID: a.ID, Name: a.Text},
		uisetup.ActFirst:    setup.FirstDevice{ID: a.ID},
		uisetup.ActTouched:  setup.Touched{},
		uisetup.ActPrint:    setup.Print{},
		uisetup.ActFinish:   setup.Finish{},
		uisetup.ActLeave:    setup.Leave{},
		uisetup.ActInstall:  setup.Install{Disk: a.Text, Word: strings.ToUpper(strings.TrimSpace(a.Secret))},
		uisetup.ActOff:      setup.PowerOff{},
	}[a.Name]
	if act == nil {
		return &kiosk.Error{Code: kiosk.CodeBadRequest, Op: "setup: no such action"}
	}
	return f.flow.Do(ctx, act)
}

// shownState is a state as the screens show it.
func shownState(st setup.State) uisetup.State {
	out := uisetup.State{
		Step: uisetup.Step(st.Step), Lang: st.Lang, Auto: st.Auto, Before: st.Before, Task: uisetup.Task(st.Task), Percent: st.Percent, Now: st.Now,
		Network: shownNetwork(st.Network), Printed: st.Printed, Ended: st.Ended,
		Code: st.Code.Shown(),
		Host: uisetup.Host{Server: st.Host.Server, Alone: st.Host.Alone, Place: st.Host.Place.Name},
	}
	out.Installed = st.Installed
	for _, d := range st.Disks {
		out.Disks = append(out.Disks, uisetup.Disk(d))
	}
	if st.Wrong != "" {
		out.Wrong = strings.Split(st.Wrong, "\n")
	}
	if st.Fault != nil {
		out.Fault = &uisetup.Fault{Task: uisetup.Task(st.Fault.Task), Code: st.Fault.Code, Detail: st.Fault.Detail}
	}
	if is := st.Host.Is; is != nil {
		out.Host.Enrolled, out.Host.Server, out.Host.Structure, out.Host.Label = true, is.Server, is.Structure, is.Label
	}
	first := map[kiosk.Kind]bool{}
	for i, d := range st.Devices {
		others := slices.ContainsFunc(st.Devices, func(o setup.Device) bool { return o.Kind == d.Kind && o.Spec.ID != d.Spec.ID })
		out.Devices = append(out.Devices, uisetup.Device{
			ID: d.Spec.ID, Kind: d.Kind, Model: d.Model, Where: d.Where, Keep: d.Keep, First: d.Keep && !first[d.Kind], Several: others,
		})
		first[d.Kind] = first[d.Kind] || st.Devices[i].Keep
	}
	for _, l := range st.Lines {
		out.Lines = append(out.Lines, uisetup.Line{About: uisetup.About(l.What), Name: l.Name, State: uisetup.LineState(l.State), Code: l.Code, Detail: l.Detail})
	}
	return out
}

func shownNetwork(n setup.NetworkState) uisetup.Network {
	out := uisetup.Network{
		OK: n.OK(), Looked: n.Looked, SSID: n.SSID, Proxy: n.Proxy, CA: n.CA, CAs: n.CAs,
		DNS: n.Reach.DNS, Server: n.Reach.Server && n.Reach.Code == "", Clock: n.Clock,
	}
	for _, l := range n.Links {
		out.Wired = out.Wired || l.Kind == setup.LinkWired && l.Up
		out.Radio = out.Radio || l.Kind == setup.LinkWiFi
		if l.Up && l.Address != "" && (out.Address == "" || (l.Kind == setup.LinkWiFi) == (n.SSID != "")) {
			out.Address = l.Address
		}
	}
	for _, p := range n.Points {
		out.Points = append(out.Points, uisetup.Point{SSID: p.SSID, Signal: p.Signal, Secured: p.Secured})
	}
	return out
}
