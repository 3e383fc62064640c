package sandbox

import "golang.org/x/sys/unix"

const auditArch = unix.AUDIT_ARCH_AARCH64

// refusedHere gives calls that only this machine has.
func refusedHere() []uint32 {
	return []uint32{unix.SYS_RENAMEAT}
}

// refusedInRoomHere gives calls that not every machine has.
func refusedInRoomHere() []uint32 {
	return []uint32{unix.SYS_KEXEC_FILE_LOAD}
}
