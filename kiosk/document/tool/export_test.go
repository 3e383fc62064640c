package tool

// For fuzzing.
var (
	ParseWords   = parseWords
	CheckPackage = checkPackage
)
