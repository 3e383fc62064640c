package main

import (
	"slices"
	"testing"
)

// What is shut down is a machine's disk: only image-test does that.
func TestWritable(t *testing.T) {
	mounts := `/dev/mapper/root / erofs ro,relatime 0 0
/dev/vda1 /efi vfat rw,noatime,gid=970 0 0
/dev/vda7 /data ext4 ro,nosuid 0 0
/dev/vda7 /var/log/journal ext4 rw,nosuid 0 0
/dev/vdb1 /run/media vfat rw 0 0
tmpfs /run tmpfs rw 0 0
`
	if got := writable(mounts, "/dev/vda"); !slices.Equal(got, []string{"/efi", "/var/log/journal"}) {
		t.Errorf("writable: %q", got)
	}
}
