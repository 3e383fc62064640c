package devices

// Relevant is the parser of the kernel's events, for its fuzz target.
var Relevant = relevant
