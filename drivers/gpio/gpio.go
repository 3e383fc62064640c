package gpio

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"

	"periph.io/x/conn/v3/gpio"

	"pointnum/kiosk"
)

// Chip is where lines come from. Driver uses the kernel's; a test brings its
// own.
type Chip interface {
	// Line finds a line by its name or number.
	Line(name string) (gpio.PinIO, error)
	// Alive fails when the chip is gone.
	Alive() error
	// Close gives the lines back.
	Close() error
}

// Driver returns the driver "gpio".
func Driver() kiosk.Driver {
	return kiosk.Driver{
		Name: "gpio",
		Kind: kiosk.KindSensors,
		Open: func(ctx context.Context, s kiosk.Spec, log *slog.Logger) (kiosk.Device, error) {
			wiring, err := parse(s)
			if err != nil {
				return nil, fault(s.ID, "open", kiosk.CodeInternal, err)
			}
			chip, err := kernelChip(s.URI, wiring.names())
			if err != nil {
				return nil, fault(s.ID, "open", kiosk.CodeUnplugged, err)
			}
			return Open(ctx, s, chip, log)
		},
	}
}

// wire is how one line is used.
type wire struct {
	line string
	low  bool // active when low
	pull gpio.Pull
}

// wiring is a Spec's options.
type wiring struct {
	inputs map[kiosk.Signal]wire
	lamp   *wire
}

func (w wiring) names() []string {
	var names []string
	for _, in := range w.inputs {
		names = append(names, in.line)
	}
	if w.lamp != nil {
		names = append(names, w.lamp.line)
	}
	return names
}

// parse reads a Spec's options.
func parse(s kiosk.Spec) (wiring, error) {
	w := wiring{inputs: make(map[kiosk.Signal]wire)}
	if !strings.HasPrefix(s.URI, scheme) {
		return w, errors.New("URI is not gpio:NAME")
	}
	usual := map[kiosk.Signal]wire{
		kiosk.SignalPresence: {pull: gpio.PullDown},
		kiosk.SignalHelp:     {low: true, pull: gpio.PullUp},
		kiosk.SignalTamper:   {pull: gpio.PullUp},
	}
	for key, value := range s.Options {
		in, isInput := usual[kiosk.Signal(key)]
		if !isInput && key != string(kiosk.OutputLamp) {
			return w, fmt.Errorf("no option is called %q", key)
		}
		if err := in.read(value, isInput); err != nil {
			return w, fmt.Errorf("%s: %w", key, err)
		}
		if isInput {
			w.inputs[kiosk.Signal(key)] = in
		} else {
			w.lamp = &in
		}
	}
	return w, nil
}

// read reads "LINE[,low|high][,up|down|float]" over what is usual.
func (w *wire) read(value string, input bool) error {
	words := strings.Split(value, ",")
	w.line = strings.TrimSpace(words[0])
	if w.line == "" {
		return errors.New("no line")
	}
	for _, word := range words[1:] {
		word = strings.TrimSpace(word)
		switch {
		case word == "low" || word == "high":
			w.low = word == "low"
		case word == "up" && input:
			w.pull = gpio.PullUp
		case word == "down" && input:
			w.pull = gpio.PullDown
		case word == "float" && input:
			w.pull = gpio.PullNoChange
		default:
			return fmt.Errorf("%q is not known", word)
		}
	}
	return nil
}

// Sensors are the lines of one kiosk.
type Sensors struct {
	info   kiosk.Info
	chip   Chip
	log    *slog.Logger
	inputs []input
	lamp   *output // nil when there is none

	watching sync.Mutex // held by Watch
	life     context.Context
	end      context.CancelFunc
	close    sync.Once
}

var _ kiosk.Sensors = (*Sensors)(nil)

// input is one line that is felt.
type input struct {
	signal kiosk.Signal
	pin    gpio.PinIO
	low    bool
}

func (i input) active() bool { return bool(i.pin.Read()) != i.low }

// output is one line that is switched.
type output struct {
	mu  sync.Mutex
	pin gpio.PinIO
	low bool
}

func (o *output) set(active bool) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.pin.Out(gpio.Level(active != o.low))
}

// Open sets up the lines of s.Options on a chip, which it closes also when it
// fails. The lamp starts dark. Errors: CodeInternal for options that can't be
// right, CodeUnplugged for lines that are not there or taken.
func Open(_ context.Context, s kiosk.Spec, chip Chip, log *slog.Logger) (_ *Sensors, err error) {
	defer func() {
		if err != nil {
			_ = chip.Close()
		}
	}()
	w, err := parse(s)
	if err != nil {
		return nil, fault(s.ID, "open", kiosk.CodeInternal, err)
	}
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	d := &Sensors{
		chip: chip, log: log,
		info: kiosk.Info{ID: s.ID, Kind: kiosk.KindSensors, Driver: "gpio", URI: s.URI},
	}
	d.life, d.end = context.WithCancel(context.Background())
	for signal, use := range w.inputs {
		pin, err := chip.Line(use.line)
		if err == nil {
			err = pin.In(use.pull, gpio.BothEdges)
		}
		if err != nil {
			return nil, fault(s.ID, "open", kiosk.CodeUnplugged, fmt.Errorf("%s line: %w", signal, err))
		}
		d.inputs = append(d.inputs, input{signal: signal, pin: pin, low: use.low})
	}
	if w.lamp != nil {
		pin, err := chip.Line(w.lamp.line)
		if err == nil {
			d.lamp = &output{pin: pin, low: w.lamp.low}
			err = d.lamp.set(false)
		}
		if err != nil {
			return nil, fault(s.ID, "open", kiosk.CodeUnplugged, fmt.Errorf("lamp line: %w", err))
		}
	}
	return d, nil
}

// Info implements kiosk.Device.
func (d *Sensors) Info() kiosk.Info { return d.info }

// Status implements kiosk.Device.
func (d *Sensors) Status(ctx context.Context) (kiosk.Status, error) {
	if ctx.Err() != nil {
		return kiosk.Status{}, fault(d.info.ID, "status", kiosk.CodeOf(context.Cause(ctx)), context.Cause(ctx))
	}
	if err := d.alive(); err != nil {
		return kiosk.Status{}, fault(d.info.ID, "status", kiosk.CodeUnplugged, err)
	}
	return kiosk.Status{Ready: true}, nil
}

// alive fails when the lines can't be used any more.
func (d *Sensors) alive() error {
	if d.life.Err() != nil {
		return errClosed
	}
	return d.chip.Alive()
}

var errClosed = errors.New("sensors closed")

// Set implements kiosk.Sensors.
func (d *Sensors) Set(_ context.Context, out kiosk.Output, active bool) error {
	if out != kiosk.OutputLamp || d.lamp == nil {
		return nil
	}
	err := d.alive()
	if err == nil {
		err = d.lamp.set(active)
	}
	if err != nil {
		return fault(d.info.ID, "set", kiosk.CodeUnplugged, err)
	}
	return nil
}

// Close implements kiosk.Device. The lamp goes dark; a Watch ends first.
func (d *Sensors) Close() error {
	var err error
	d.close.Do(func() {
		d.end()
		d.watching.Lock() // Watch notices within edgeWait
		defer d.watching.Unlock()
		if d.lamp != nil {
			_ = d.lamp.set(false) // a chip that is gone has no light either
		}
		err = d.chip.Close()
	})
	return err
}

func fault(id kiosk.DeviceID, op string, code kiosk.Code, err error) error {
	return &kiosk.Error{Code: code, Op: "gpio: " + op, Device: id, Err: err}
}
