package virtual

import "slices"

// FaultKind is something that can go wrong with a scanner.
type FaultKind string

// The faults of a scanner. Those that stop the feeder (jam, double feed, cover)
// stay until a person acts: ClearFault, ClearFaults, or Load for a Fault with
// Once set.
const (
	FaultJam        FaultKind = "jam"
	FaultDoubleFeed FaultKind = "double_feed"
	FaultCoverOpen  FaultKind = "cover_open"  // the feeder's cover; reported as ScannerAdfDoorOpen
	FaultHatchOpen  FaultKind = "hatch_open"  // the same, reported as ScannerAdfHatchOpen
	FaultBusy       FaultKind = "busy"        // 503 to every new job
	FaultUnplugged  FaultKind = "unplugged"   // every connection is closed without an answer
	FaultHang       FaultKind = "hang"        // a page stops half-way and nothing more comes
	FaultCutPage    FaultKind = "cut_page"    // half a JPEG, sent as if it were whole
	FaultShortPage  FaultKind = "short_page"  // half of the announced bytes, then the connection ends
	FaultEmptyPage  FaultKind = "empty_page"  // an answer 200 with no bytes
	FaultEarlyEnd   FaultKind = "early_end"   // says once that there are no more pages
	FaultPageBusy   FaultKind = "page_busy"   // 503 to the request for a page
	FaultJobAborted FaultKind = "job_aborted" // the device gives the job up without saying why
)

// Fault is a fault and when it strikes.
type Fault struct {
	Kind FaultKind
	// Sheet is the sheet of a job at which it strikes, from 1. At 0 it strikes
	// at once, or at the next sheet when it is one that needs a moving sheet.
	Sheet int
	// Once makes it strike one time; else it strikes until it is cleared.
	Once bool
}

// SetFault sets a fault; one of the same kind is replaced.
func (s *Scanner) SetFault(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dropFault(f.Kind)
	s.faults = append(s.faults, f)
	if f.Sheet == 0 && (f.Kind == FaultCoverOpen || f.Kind == FaultHatchOpen) {
		s.stuck = f.Kind
	}
	s.wake()
}

// ClearFault ends faults of one kind, as a person at the device does.
func (s *Scanner) ClearFault(kind FaultKind) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dropFault(kind)
	if s.stuck == kind {
		s.stuck = ""
	}
	s.wake()
}

// ClearFaults ends all faults.
func (s *Scanner) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
	s.stuck = ""
	s.wake()
}

// unstick frees the feeder after a fault that strikes once.
func (s *Scanner) unstick() {
	lasting := slices.ContainsFunc(s.faults, func(f Fault) bool { return f.Kind == s.stuck && f.Sheet == 0 })
	if !lasting {
		s.stuck = ""
	}
}

func (s *Scanner) dropFault(kind FaultKind) {
	s.faults = slices.DeleteFunc(s.faults, func(f Fault) bool { return f.Kind == kind })
}

// strikes reports whether a fault of this kind strikes at this sheet of a job,
// and uses it up when it strikes once.
func (s *Scanner) strikes(kind FaultKind, sheet int) bool {
	for i, f := range s.faults {
		if f.Kind != kind || f.Sheet != 0 && f.Sheet != sheet {
			continue
		}
		if f.Once {
			s.faults = slices.Delete(s.faults, i, i+1)
		}
		return true
	}
	return false
}

// wake lets requests that hang look again.
func (s *Scanner) wake() {
	close(s.moved)
	s.moved = make(chan struct{})
}

// unplugged reports whether the cable is out: at once for a fault without a
// sheet, else from that sheet on.
func (s *Scanner) unplugged() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.ContainsFunc(s.faults, func(f Fault) bool { return f.Kind == FaultUnplugged && f.Sheet == 0 })
}
