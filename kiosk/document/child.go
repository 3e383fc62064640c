package document

import (
	"os"

	"pointnum/kiosk/document/child"
	"pointnum/kiosk/document/sandbox"
	"pointnum/kiosk/document/tool"
)

const (
	// childMark is the environment variable that makes a program a child.
	childMark = "POINTNUM_DOCUMENT_CHILD"
	// childName is what a list of processes shows.
	childName = "pointnum-document"
)

// IsChild says whether this process was started as an engine's child.
func IsChild() bool { return tool.IsChild() || isDecoder() }

func isDecoder() bool {
	return os.Getenv(childMark) != "" && len(os.Args) == 1 && os.Args[0] == childName
}

// RunChild does one job as an engine's child and ends the process.
func RunChild() {
	if tool.IsChild() {
		tool.RunChild()
	}
	os.Exit(child.Main(sandbox.Limits{CPUSeconds: 600, Data: 3 << 30, Files: 16}))
}
