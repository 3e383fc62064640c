package gpio

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"periph.io/x/conn/v3/driver/driverreg"
	"periph.io/x/conn/v3/gpio"
	"periph.io/x/host/v3/gpioioctl"
)

// scheme begins a URI.
const scheme = "gpio:"

// chip is a Chip of the kernel, through its character device.
type chip struct {
	*gpioioctl.GPIOChip
	used []*gpioioctl.GPIOLine
}

// kernelChip finds the chip a URI means, which has all the lines. The library
// looks for chips once in the life of the process: one that is plugged in
// later is found after a restart.
func kernelChip(uri string, lines []string) (Chip, error) {
	if _, err := driverreg.Init(); err != nil {
		return nil, fmt.Errorf("look for chips: %w", err)
	}
	want := strings.TrimPrefix(uri, scheme)
	err := errors.New("no GPIO chip")
	for _, found := range gpioioctl.Chips {
		if want != "" && want != found.Name() && want != found.Label() {
			continue
		}
		c := &chip{GPIOChip: found}
		if err = c.has(lines); err == nil {
			return c, nil
		}
	}
	return nil, err
}

func (c *chip) has(lines []string) error {
	for _, name := range lines {
		if c.find(name) == nil {
			return fmt.Errorf("chip %s has no line %q", c.Name(), name)
		}
	}
	return nil
}

func (c *chip) find(name string) *gpioioctl.GPIOLine {
	if line := c.ByName(name); line != nil {
		return line
	}
	if n, err := strconv.Atoi(name); err == nil && n >= 0 && n < c.LineCount() {
		return c.ByNumber(n)
	}
	return nil
}

// Line implements Chip.
func (c *chip) Line(name string) (gpio.PinIO, error) {
	line := c.find(name)
	if line == nil {
		return nil, fmt.Errorf("no line %q", name)
	}
	c.used = append(c.used, line)
	return line, nil
}

// Alive implements Chip: the device's node goes with the chip.
func (c *chip) Alive() error {
	_, err := os.Stat(c.Path())
	return err
}

// Close implements Chip. The chip itself stays open: the library shares it.
func (c *chip) Close() error {
	for _, line := range c.used {
		line.Close()
	}
	c.used = nil
	return nil
}
