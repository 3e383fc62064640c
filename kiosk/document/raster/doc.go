// Package raster holds what is done to the pixels of a page: turning,
// straightening, cutting it out of the scanner's bed, whitening its paper,
// and scaling. Package verdict judges whether it can be read.
//
// An Overview is made once of a page that several of these are done to, or
// that several things are to be known of: they look at the same small copy.
// The functions of the same names are for one of them alone.
//
// Pages are *image.Gray or opaque *image.RGBA whose bounds start at (0, 0);
// every function takes any image.Image (transparent pixels lie over white
// paper) and returns such pages. A function that has nothing to change may
// return its argument, so neither may be written to afterwards. Nothing here
// does I/O or keeps state, and every function may be called from any
// goroutine.
//
// Angles are degrees, clockwise. Where a function is in doubt it changes
// nothing: a page left crooked or grey is a nuisance, a lost line is a loss.
package raster
