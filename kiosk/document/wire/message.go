package wire

import "pointnum/kiosk"

// ReadyMessage says how well the child is locked in.
type ReadyMessage struct {
	Sandbox []string
}

// Op is what a child is to do.
type Op string

// The jobs.
const (
	Import  Op = "import"
	Convert Op = "convert"
)

// JobMessage is a child's one job.
type JobMessage struct {
	Op        Op
	MaxPages  int
	MaxPixels int
	MaxInput  int64
	MaxMemory int64 // bytes; decoders stay well under it

	// Import; the input follows in chunks.
	Size    int64
	Scanned bool
	DPI     int

	// Convert.
	Target kiosk.Target
	Pages  []PageSource
	// Origin is the size of the input whose pages these all are, in order
	// and unturned; 0 when there is none that may be passed on.
	Origin int64
}

// PageSource is a page to be put in a file.
type PageSource struct {
	Size int64
	DPI  int
	Turn int
}

// OpenedMessage says that an input can be read.
type OpenedMessage struct {
	Total int
}

// PageMessage is a page made ready, without its pictures.
type PageMessage struct {
	Index, Total  int
	Width, Height int
	DPI           int
	Gray          bool
	Verdicts      []kiosk.Verdict
}

// NeedMessage asks for the master of a page, or for the origin.
type NeedMessage struct {
	Page   int
	Origin bool
}

// ProgressMessage says how far a conversion is.
type ProgressMessage struct {
	Done, Total int
}

// FileMessage is a file made, without its bytes.
type FileMessage struct {
	Pages int
}

// DoneMessage ends a job. Code is empty when all went well.
type DoneMessage struct {
	Code   kiosk.Code
	Op     string // a constant of the child's code
	Passed bool
	DPI    int
	Gray   bool
}
