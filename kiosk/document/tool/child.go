package tool

import "os"

const (
	// childMark is the environment variable that makes a program a child.
	childMark = "POINTNUM_TOOL_CHILD"
	// childName is what a list of processes shows.
	childName = "pointnum-tool"
)

// IsChild says whether this process was started as the first of a room.
func IsChild() bool {
	return os.Getenv(childMark) != "" && len(os.Args) == 1 && os.Args[0] == childName
}

// RunChild makes the room, does one job in it and ends the process.
func RunChild() {
	os.Exit(1)
}
