// Package kiosk is the vocabulary of the project: the devices of a kiosk, the
// pages of a visit, what a portal's field takes, and the codes of everything
// that can go wrong.
//
// It holds types and interfaces only. It uses the standard library only and
// does no I/O, so that every other package can depend on it and it depends on
// none. Packages around it do not know each other; the commands tie them.
//
// Units, everywhere: lengths on paper are millimetres, resolutions are dots
// per inch (dpi), sizes are bytes (1 Mo on a portal's page counts as 1,000,000
// bytes, the strict reading), turns are degrees clockwise.
package kiosk
