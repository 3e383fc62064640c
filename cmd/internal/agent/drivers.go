package agent

import (
	"pointnum/drivers/escl"
	"pointnum/drivers/escpos"
	"pointnum/drivers/gpio"
	"pointnum/drivers/ipp"
	"pointnum/drivers/sane"
	"pointnum/drivers/usbkey"
	"pointnum/kiosk"
)

// Drivers returns the drivers of real hardware.
func Drivers() []kiosk.Driver {
	return []kiosk.Driver{
		escl.Driver(), sane.Driver(), ipp.Driver(), escpos.Driver(), gpio.Driver(), usbkey.Driver(),
	}
}
