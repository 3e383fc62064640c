package kiosk

import (
	"context"
	"errors"
	"io/fs"
	"strings"
)

// Code names one cause that a visitor, a host or a technician can act on. The
// text and the picture of a code are in ui/i18n; codes are stable, they reach
// the fleet and the technician's tool.
type Code string

// Faults of devices that move paper. The device's Kind tells a scanner's jam
// from a printer's.
const (
	CodePaperJam      Code = "paper_jam"      // a sheet is stuck; finished pages are kept
	CodeCoverOpen     Code = "cover_open"     // a lid or door is open
	CodeFeederEmpty   Code = "feeder_empty"   // no sheet in the feeder, none on the glass where it can tell
	CodeDoubleFeed    Code = "double_feed"    // two sheets went in at once
	CodeBadPage       Code = "bad_page"       // the device sent a page cut short or without content
	CodePaperEmpty    Code = "paper_empty"    // a printer's tray or a receipt printer's roll is empty
	CodePaperLow      Code = "paper_low"      // soon empty; still works
	CodeMarkerEmpty   Code = "marker_empty"   // no toner or ink left
	CodeMarkerLow     Code = "marker_low"     // soon empty; still works
	CodeCutterError   Code = "cutter_error"   // the receipt printer's cutter is stuck
	CodeOverheated    Code = "overheated"     // waits to cool down, comes back by itself
	CodeDeviceBusy    Code = "device_busy"    // somebody else uses it; try again
	CodeDevicePaused  Code = "device_paused"  // stopped by its owner or by a fault it does not name
	CodeUnplugged     Code = "unplugged"      // not there: cable, power or network
	CodeNotResponding Code = "not_responding" // there, but no progress in time
	CodePowerCycle    Code = "power_cycle"    // stuck twice in a row: switch it off and on
	CodeNoDevice      Code = "no_device"      // the kiosk has no device of that kind
	CodeJobRejected   Code = "job_rejected"   // the printer does not take this document
	CodeJobAborted    Code = "job_aborted"    // the printer gave the job up; pages may have come out
	CodeJobUnknown    Code = "job_unknown"    // nobody can say whether it was printed; ask a person
)

// Faults of a USB key.
const (
	CodeKeyAbsent   Code = "key_absent"
	CodeKeyFull     Code = "key_full"
	CodeKeyReadOnly Code = "key_read_only"
	CodeKeyRemoved  Code = "key_removed" // pulled while it was being used
	CodeKeyError    Code = "key_error"   // the key answers with errors, or reads back something else
)

// What can be wrong with a file somebody brought.
const (
	CodeFileEmpty       Code = "file_empty"       // 0 bytes
	CodeFileUnknown     Code = "file_unknown"     // not a format the kiosk reads, whatever its name says
	CodeFileBroken      Code = "file_broken"      // damaged, nothing could be saved of it
	CodeFilePassword    Code = "file_password"    // needs a password to open
	CodeFileTooBig      Code = "file_too_big"     // more bytes or pixels than the kiosk takes (or a bomb)
	CodeFileTooLong     Code = "file_too_long"    // more pages than the kiosk takes
	CodeFileTooSlow     Code = "file_too_slow"    // took longer than its limit and was stopped
	CodeFileBlank       Code = "file_blank"       // nothing to see on any page
	CodeFileUnsupported Code = "file_unsupported" // known format the kiosk can't open faithfully (office files)
	CodeCannotFit       Code = "cannot_fit"       // can't be that small and still be read: split it
)

// The portal browser.
const (
	CodeNoNetwork     Code = "no_network"     // no answer from the internet
	CodeBrowserBroken Code = "browser_broken" // the browser does not start or does not answer
)

// The visitor's phone.
const (
	CodePhoneLost Code = "phone_lost" // it went away, or what came was not what it sent; nothing half is kept
)

// Everything else.
const (
	CodeInternal   Code = "internal"      // our own fault; anything without a code
	CodeCanceled   Code = "canceled"      // somebody asked for it
	CodeSpoolFull  Code = "spool_full"    // the visit holds as many pages as the kiosk keeps
	CodeBadRequest Code = "bad_request"   // an action that makes no sense now; the screen was out of date
	CodeQuota      Code = "quota_reached" // the host lets one visit print so much and no more
	CodeOutOfOrder Code = "out_of_order"
)

// Error is a fault with its cause. Only Code may reach a visitor, as a text
// and a picture in their language; Op, Device and Err are for the log and the
// technician and never hold a visitor's data (no file name, no page content).
type Error struct {
	Code   Code
	Op     string   // what we were doing: "escl: next document"
	Device DeviceID // empty when no device is concerned
	Sheet  int      // the sheet to feed again, counted from 1; 0 when unknown
	Err    error    // may be nil
}

// Error gives the technician's text, lower case, on one line.
func (e *Error) Error() string {
	var b strings.Builder
	if e.Op != "" {
		b.WriteString(e.Op)
		b.WriteString(": ")
	}
	b.WriteString(string(e.Code))
	if e.Err != nil {
		b.WriteString(": ")
		b.WriteString(e.Err.Error())
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// CodeOf says which code an error carries: the outermost *Error's, CodeCanceled
// for a cancelled context, CodeNotResponding for one that ran out of time,
// CodeInternal for anything else and "" for nil.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	switch {
	case errors.Is(err, context.Canceled):
		return CodeCanceled
	case errors.Is(err, context.DeadlineExceeded):
		return CodeNotResponding
	case errors.Is(err, fs.ErrPermission):
		return CodeInternal
	}
	return CodeInternal
}
