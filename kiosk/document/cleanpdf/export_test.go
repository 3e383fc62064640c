package cleanpdf

// AssembleSmall is Assemble with pages compared at a size where that costs
// next to nothing.
func AssembleSmall(parts []Part, q Quality, maxMemory int) ([]byte, error) {
	return assemble(parts, q, maxMemory, 30)
}
