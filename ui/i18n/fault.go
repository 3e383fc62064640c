package i18n

import "pointnum/kiosk"

// Fault is what a visitor is told of a code: what happened, what to do, and a
// picture of both.
type Fault struct {
	Device string // "Imprimante"
	What   string
	Do     string
	// Picture names the device's picture, Badge the smaller one on it. Both
	// are names of the sprite.
	Picture string
	Badge   string
}

// Fault gives the text and picture of a code. kind tells a scanner's jam from
// a printer's; it is "" when the fault is about a file. A code that nobody
// knows is shown as CodeInternal.
func (l *Language) Fault(code kiosk.Code, kind kiosk.Kind) Fault {
	id := string(code)
	if !l.known(id) {
		id = string(kiosk.CodeInternal)
	}
	if special := id + "." + string(kind); l.known(special) {
		id = special
	}
	picture := Picture(code, kind)
	return Fault{
		Device:  l.T("device", picture),
		What:    l.T("fault", id+".what"),
		Do:      l.T("fault", id+".do"),
		Picture: picture,
		Badge:   Badge(code),
	}
}

func (l *Language) known(id string) bool {
	if l.source != nil {
		l = l.source
	}
	return l.own("fault", id+".what") != ""
}

// Picture names the picture of what a fault is about: a kind of device, the
// visitor's file or phone, the sites, or the kiosk itself ("sensors").
func Picture(code kiosk.Code, kind kiosk.Kind) string {
	switch code {
	case kiosk.CodeFileEmpty, kiosk.CodeFileUnknown, kiosk.CodeFileBroken, kiosk.CodeFilePassword,
		kiosk.CodeFileTooBig, kiosk.CodeFileTooLong, kiosk.CodeFileTooSlow, kiosk.CodeFileBlank,
		kiosk.CodeFileUnsupported, kiosk.CodeCannotFit, kiosk.CodeSpoolFull:
		return "file"
	case kiosk.CodeKeyAbsent, kiosk.CodeKeyFull, kiosk.CodeKeyReadOnly, kiosk.CodeKeyRemoved, kiosk.CodeKeyError:
		return "key"
	case kiosk.CodeFeederEmpty, kiosk.CodeDoubleFeed, kiosk.CodeBadPage:
		return "scanner"
	case kiosk.CodeMarkerEmpty, kiosk.CodeMarkerLow, kiosk.CodeJobRejected, kiosk.CodeJobAborted, kiosk.CodeJobUnknown, kiosk.CodeQuota:
		return "printer"
	case kiosk.CodeCutterError:
		return "receipt"
	case kiosk.CodeNoNetwork, kiosk.CodeBrowserBroken:
		return "globe"
	case kiosk.CodePhoneLost:
		return "device-mobile"
	}
	switch kind {
	case kiosk.KindScanner, kiosk.KindPrinter, kiosk.KindReceipt, kiosk.KindKey:
		return string(kind)
	}
	return "sensors"
}

// Badge names the small picture that says what is wrong.
func Badge(code kiosk.Code) string {
	switch code {
	case kiosk.CodePaperJam, kiosk.CodeBadPage, kiosk.CodeJobAborted:
		return "warning"
	case kiosk.CodeCoverOpen:
		return "arrow-down"
	case kiosk.CodeFeederEmpty, kiosk.CodePaperEmpty, kiosk.CodePaperLow, kiosk.CodeFileEmpty, kiosk.CodeFileBlank:
		return "file-dashed"
	case kiosk.CodeDoubleFeed:
		return "files"
	case kiosk.CodeMarkerEmpty, kiosk.CodeMarkerLow:
		return "drop"
	case kiosk.CodeCutterError:
		return "scissors"
	case kiosk.CodeOverheated:
		return "thermometer-hot"
	case kiosk.CodeDeviceBusy, kiosk.CodeNotResponding, kiosk.CodeFileTooSlow:
		return "hourglass"
	case kiosk.CodeDevicePaused, kiosk.CodeCanceled:
		return "hand-palm"
	case kiosk.CodeUnplugged, kiosk.CodePowerCycle, kiosk.CodeNoNetwork, kiosk.CodePhoneLost:
		return "plug"
	case kiosk.CodeFilePassword, kiosk.CodeKeyReadOnly:
		return "lock-key"
	case kiosk.CodeKeyAbsent, kiosk.CodeJobUnknown, kiosk.CodeFileUnknown:
		return "question"
	case kiosk.CodeFileTooBig, kiosk.CodeFileTooLong, kiosk.CodeCannotFit, kiosk.CodeSpoolFull, kiosk.CodeKeyFull, kiosk.CodeQuota:
		return "stack"
	case kiosk.CodeBadRequest:
		return "arrows-clockwise"
	case kiosk.CodeOutOfOrder:
		return "wrench"
	case kiosk.CodeNoDevice, kiosk.CodeJobRejected, kiosk.CodeFileBroken, kiosk.CodeFileUnsupported,
		kiosk.CodeKeyRemoved, kiosk.CodeKeyError, kiosk.CodeBrowserBroken:
		return "x"
	default:
		return "warning"
	}
}
