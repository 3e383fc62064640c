package discover

import (
	"pointnum/kiosk"
	"pointnum/kiosk/discover/dnssd"
)

// Announced gives the Spec that an announcement would be asked by.
func Announced(s dnssd.Service) (kiosk.Spec, bool) {
	c, ok := Finder{}.announced(s)
	return c.Spec, ok
}

// Receipt says whether a printer that says this of itself is one for receipts.
func Receipt(id, vendor, product string) (receipt, sure bool) {
	return isReceipt(ieee1284(id), vendor, product)
}
