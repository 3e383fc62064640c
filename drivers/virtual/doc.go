// Package virtual holds devices that are programs: each speaks the real
// protocol of its kind over the real kind of connection, so that the same
// drivers, and foreign clients, drive them. Each keeps a stock of what a real
// device has (sheets, toner, a roll of paper) and obeys switches for the
// faults real devices show.
//
// They serve the demonstration and the tests; the agent of a real kiosk never
// contains this package. A virtual device holds no documents of its own: what
// it "scans" is handed to it.
package virtual
