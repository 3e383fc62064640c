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
	AsIs    bool

	// Convert.
	Target kiosk.Target
	Pages  []PageSource
	// Origins are the sizes of the inputs that pages came from.
	Origins []int64
	// Whole is true when the pages are all those of the one origin, in order.
	Whole bool
}

// PageSource is a page to be put in a file.
type PageSource struct {
	Size   int64
	Packed int64 // size of the packed page; 0 when there is none
	Words  int64 // size of the list of its words; 0 when there is none
	// Width and Height are those of the picture that was read for words.
	Width, Height int
	DPI           int
	Turn          int
	Kind          kiosk.PageKind
	Changed       bool // not as it came, apart from turns
	Turned        int  // on its way in
	Origin        int  // of Origins; -1 when it is not kept
	Index         int  // in its origin
}

// OpenedMessage says that an input can be read.
type OpenedMessage struct {
	Total  int
	Format string // what the input is; constants of package decode
}

// PageMessage is a page made ready, without its pictures.
type PageMessage struct {
	Index, Total  int
	Width, Height int
	DPI           int
	Gray          bool
	Kind          kiosk.PageKind
	Findings      []kiosk.Finding
	Changes       []kiosk.Change
	Turned        int
	SourceDPI     int  // as it came
	Searchable    bool // text can be selected in it as it came
}

// Part says which bytes of a page are asked for.
type Part string

// The parts.
const (
	Master Part = "master" // of page N
	Packed Part = "packed" // of page N
	Words  Part = "words"  // of page N, []pdf.Word in JSON
	Origin Part = "origin" // the N-th of JobMessage.Origins
)

// NeedMessage asks for some of what the job speaks of.
type NeedMessage struct {
	Part Part
	N    int
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
	Office string // the kind of office file that was not read for being one
	Passed bool
	DPI    int
	Gray   bool
	Level  int      // how far down the quality had to go; 0 is the finest
	Forms  []string // what became of each page; constants of package fit
}
