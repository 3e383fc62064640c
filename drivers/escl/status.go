package escl

import (
	"encoding/xml"
	"path"
	"strings"

	"pointnum/kiosk"
)

// scannerStatus is ScannerStatus (8.1.5).
type scannerStatus struct {
	XMLName  xml.Name  `xml:"ScannerStatus"`
	State    string    `xml:"State"`
	AdfState string    `xml:"AdfState"`
	Jobs     []jobInfo `xml:"Jobs>JobInfo"`
}

type jobInfo struct {
	JobURI  string   `xml:"JobUri"`
	State   string   `xml:"JobState"`
	Reasons []string `xml:"JobStateReasons>JobStateReason"`
}

// adfFault says what stops the feeder; "" when nothing does. Only these states
// do: when idle, Kyoceras say Processing and AirSane says Loaded whatever lies
// in the feeder.
func (st *scannerStatus) adfFault() kiosk.Code {
	switch strings.TrimPrefix(st.AdfState, "ScannerAdf") {
	case "Jam", "Mispick", "InputTrayFailed", "InputTrayOverloaded", "DuplexPageTooShort", "DuplexPageTooLong":
		return kiosk.CodePaperJam
	case "MultipickDetected":
		return kiosk.CodeDoubleFeed
	case "DoorOpen", "HatchOpen":
		return kiosk.CodeCoverOpen
	}
	return ""
}

func (st *scannerStatus) adfEmpty() bool  { return st.AdfState == "ScannerAdfEmpty" }
func (st *scannerStatus) adfLoaded() bool { return st.AdfState == "ScannerAdfLoaded" }

// status puts it in the kiosk's words. ours tells that the running job is our
// own.
func (st *scannerStatus) status(ours, glass bool) kiosk.Status {
	s := kiosk.Status{Ready: true, Detail: strings.TrimSpace(st.State + " " + st.AdfState)}
	add := func(c kiosk.Code, blocks bool) {
		s.Conditions = append(s.Conditions, c)
		s.Ready = s.Ready && !blocks
	}
	if c := st.adfFault(); c != "" {
		add(c, true)
	}
	switch st.State {
	case "Stopped", "Down":
		add(kiosk.CodeDevicePaused, true)
	case "Processing", "Testing":
		s.Ready = false
		if !ours {
			add(kiosk.CodeDeviceBusy, true)
		}
	}
	if st.adfEmpty() && !ours {
		add(kiosk.CodeFeederEmpty, !glass)
	}
	return s
}

// The states of a job.
const (
	jobPending    = "Pending"
	jobProcessing = "Processing"
	jobCompleted  = "Completed"
	jobCanceled   = "Canceled"
	jobAborted    = "Aborted"
)

// jobState finds a job by the last part of its address: devices give it with
// and without their host and root. "" when the device does not list it.
func (st *scannerStatus) jobState(location string) string {
	for _, j := range st.Jobs {
		if path.Base(j.JobURI) == path.Base(location) {
			return j.State
		}
	}
	return ""
}
