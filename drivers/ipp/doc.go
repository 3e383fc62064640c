// Package ipp drives printers that speak the Internet Printing Protocol:
// IPP Everywhere and AirPrint printers on the network, USB printers behind
// ipp-usb, and CUPS queues.
//
// A job goes straight to the printer, in the steps of RFC 8011 and PWG 5100.14:
// ask the printer what it is and how it feels, refuse at once when it can't
// print, Validate-Job, Create-Job (the job has a number before any byte of the
// document leaves us), Send-Document, then follow the job to its terminal
// state. The job's name holds the caller's random ID, so that after a lost
// answer or a restart the job is looked for and never blindly printed again.
//
// URI is ipp://host[:port]/path, ipps://…, http://… or https://…. Options:
//
//	fingerprint  SHA-256 of the printer's certificate, hex; for ipps and
//	             https with a certificate the printer made itself. Without
//	             it the certificate must be signed by a known authority.
//	patience     how long a printer that is busy, or went away in a job, is
//	             waited for, as Go writes durations; "30s" when not said
package ipp
