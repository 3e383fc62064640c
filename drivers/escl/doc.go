// Package escl drives scanners that speak eSCL, also called AirScan or AirPrint
// scanning: nearly every network scanner of the last ten years, and most USB
// ones through ipp-usb. It follows the Mopria Alliance's eSCL Technical
// Specification 2.97; where devices differ from it, from each other, or from
// themselves, the rule is beside the code that follows it.
//
// A device is not trusted: answers, XML and pages have limits of size and time,
// and a page is returned only after its JPEG was found whole.
package escl
