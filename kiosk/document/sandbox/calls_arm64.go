package sandbox

import "golang.org/x/sys/unix"

const auditArch = unix.AUDIT_ARCH_AARCH64

// refusedHere gives calls that only this machine has.
func refusedHere() []uint32 {
	return []uint32{unix.SYS_RENAMEAT}
}
