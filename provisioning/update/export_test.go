package update

// Disks is for tests.
var Disks = disks
