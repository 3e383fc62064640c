// Package sane drives the scanners that SANE knows, through SANE's own program
// scanimage. The backends are third-party code in C that parses what a device
// sends, and some hang or spin when a cable is pulled; a process can be ended
// when the library that hangs can't.
//
// Pages never touch a disk: scanimage writes them to a private directory that
// must lie on memory-backed storage, or the scanner does not open, and each is
// unlinked before it is read. A page is returned only after its PNG was found
// whole, to its last row: scanimage says success for a page of no rows.
package sane
