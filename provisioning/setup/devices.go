package setup

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"pointnum/kiosk"
)

// find looks for devices. Those that were named before keep their names and
// their order, there or not.
func (f *Flow) find(ctx context.Context) {
	f.work(ctx, TaskFind, func(c context.Context) func() {
		found, err := f.o.Machine.Find(c)
		if err == nil {
			err = context.Cause(c)
		}
		return func() {
			if err != nil {
				f.fail(TaskFind, err)
				return
			}
			f.found(found)
			if err := f.save(); err != nil {
				f.fail(TaskFind, err)
				return
			}
			// A kiosk with nothing to scan with is not what anybody wants: whoever
			// does says so by hand.
			if f.st.Auto && !f.has(kiosk.KindScanner) {
				f.st.Fault = &Fault{Task: TaskFind, Code: kiosk.CodeNoDevice}
				f.later()
				return
			}
			f.onward(ctx)
		}
	})
}

func (f *Flow) has(k kiosk.Kind) bool {
	return slices.ContainsFunc(f.st.Devices, func(d Device) bool { return d.Kind == k && d.Keep })
}

// found adds what is new. A device that is gone and was never used is dropped.
func (f *Flow) found(list []Found) {
	same := func(a, b kiosk.Spec) bool { return a.Driver == b.Driver && a.URI == b.URI }
	f.st.Devices = slices.DeleteFunc(f.st.Devices, func(d Device) bool {
		return !d.Keep && !slices.ContainsFunc(list, func(n Found) bool { return same(n.Spec, d.Spec) })
	})
	for _, n := range list {
		if at := slices.IndexFunc(f.st.Devices, func(d Device) bool { return same(n.Spec, d.Spec) }); at >= 0 {
			f.st.Devices[at].Model, f.st.Devices[at].Where, f.st.Devices[at].Kind = n.Model, n.Where, n.Kind
			continue
		}
		n.Spec.ID = f.free(plainNames[n.Kind])
		f.st.Devices = append(f.st.Devices, Device{Found: n, Keep: true})
	}
}

// plainNames are what devices are called when nobody says otherwise.
var plainNames = map[kiosk.Kind]string{
	kiosk.KindScanner: "scanner", kiosk.KindPrinter: "imprimante", kiosk.KindReceipt: "tickets", kiosk.KindKey: "cle", kiosk.KindSensors: "boutons",
}

// free is a name that no device has yet.
func (f *Flow) free(name string) kiosk.DeviceID {
	if name == "" {
		name = "appareil"
	}
	id := name
	for n := 2; f.device(kiosk.DeviceID(id)) >= 0; n++ {
		id = name + "-" + strconv.Itoa(n)
	}
	return kiosk.DeviceID(id)
}

// device is where a device is in the list; -1 for none.
func (f *Flow) device(id kiosk.DeviceID) int {
	return slices.IndexFunc(f.st.Devices, func(d Device) bool { return d.Spec.ID == id })
}

func (f *Flow) handleDevices(a Action) error {
	switch a := a.(type) {
	case KeepDevice:
		at := f.device(a.ID)
		if at < 0 {
			return refused("no device %q", a.ID)
		}
		f.st.Devices[at].Keep = a.Keep
	case RenameDevice:
		at, id := f.device(a.ID), kiosk.DeviceID(DeviceName(a.Name))
		if at < 0 || id == "" {
			return refused("no device %q, or no name", a.ID)
		}
		if other := f.device(id); other >= 0 && other != at {
			return refused("another device is called %q", id)
		}
		f.st.Devices[at].Spec.ID = id
	case FirstDevice:
		at := f.device(a.ID)
		if at < 0 {
			return refused("no device %q", a.ID)
		}
		d := f.st.Devices[at]
		d.Keep = true
		f.st.Devices = slices.Insert(slices.Delete(f.st.Devices, at, at+1), 0, d)
	default:
		return refused("%T in step %s", a, f.st.Step)
	}
	return f.save()
}

// DeviceName makes of what somebody typed a name as the configuration takes
// it: "Scanner du hall" is "scanner-du-hall". It is "" when nothing is left.
func DeviceName(typed string) string {
	var b strings.Builder
	for _, r := range norm.NFD.String(strings.ToLower(typed)) {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9' && b.Len() > 0:
			b.WriteRune(r)
		case unicode.Is(unicode.Mn, r): // the accent of the letter before
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
		if b.Len() >= 32 {
			break
		}
	}
	return strings.Trim(b.String(), "-")
}
