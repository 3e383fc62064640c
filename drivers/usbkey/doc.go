// Package usbkey saves files on a visitor's USB key and reads what is on it.
//
// Mounting is the system's work (udev and udisks or a mount unit); the driver
// looks below one folder for what is mounted there. URI is dir:/path: the
// folder below which a key gets mounted, or the mount point itself. Option:
//
//	mount  "required" (the default): a key is in when the folder directly
//	       contains a mount point, or is one; the folder must not be a mount
//	       of the system. "any": the plain folder is a key, for development.
//
// A file is saved under a passing name, flushed, renamed without ever
// replacing another, flushed again, and read back from the key itself. No
// error holds a file's name. A key that blocks inside the kernel is not
// interrupted before the kernel gives up; ctx is looked at between chunks.
package usbkey
