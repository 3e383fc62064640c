// Package gpio feels the kiosk's own wiring through a GPIO chip: presence,
// help button, tamper switch and the help lamp.
//
// URI is gpio:NAME with the name or label of a chip as the kernel gives it
// ("gpio:gpiochip0"), or gpio: for the first chip that has the lines. Options
// name the line of each signal; what has no option is not wired:
//
//	presence  "LINE[,low|high][,up|down|float]"; high,down when not said
//	help      the same; low,up: a button that closes to ground
//	tamper    the same; high,up: a switch to ground that a closed housing
//	          holds closed, so that a cut wire is felt as well
//	lamp      "LINE[,low|high]"; high when not said
//
// LINE is the line's name, or its number on the chip when it has none; low and
// high say which level is the active one; the last word is the bias.
package gpio
