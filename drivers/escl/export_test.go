package escl

import "pointnum/kiosk"

// CheckJPEG lets tests try the check of a page on its own.
var CheckJPEG = checkJPEG

// ChooseSettings parses capabilities and writes the settings for a job, as a
// scan does.
func ChooseSettings(capsXML []byte, o kiosk.ScanOptions, feeder bool) ([]byte, error) {
	var c capabilities
	if err := parseXML(capsXML, &c); err != nil {
		return nil, err
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	s, err := c.settings(o, feeder)
	if err != nil {
		return nil, err
	}
	return s.xml(), nil
}

// ParseStatus parses a status and puts it in the kiosk's words.
func ParseStatus(statusXML []byte) (kiosk.Status, error) {
	var st scannerStatus
	if err := parseXML(statusXML, &st); err != nil {
		return kiosk.Status{}, err
	}
	_ = st.jobState("http://scanner/eSCL/ScanJobs/1")
	return st.status(false, true), nil
}
