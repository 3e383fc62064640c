package dispose

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
)

// The FAT16 volume that WriteVolume makes (Microsoft FAT specification, 1.03).
const (
	sector      = 512
	reserved    = 1  // sectors
	rootEntries = 64 // of 32 bytes: 4 sectors
	maxVolume   = 1 << 30
	minVolume   = 4 << 20
)

// WriteVolume makes a new FAT volume of a partition that was erased, with one
// text in it, so that the proof can be read on any PC. name is of the form
// "PREUVE.TXT".
func WriteVolume(path, label, name string, text []byte) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("dispose: volume: %w", err)
	}
	size, err := f.Seek(0, 2)
	if err == nil && size < minVolume {
		err = errors.New("too small")
	}
	if err == nil {
		err = fill(f, min(size, maxVolume), label, name, text)
	}
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("dispose: volume: %w", err)
	}
	return nil
}

func fill(f *os.File, size int64, label, name string, text []byte) error {
	sectors := size / sector
	per := int64(1) // sectors of a cluster
	for sectors/per > 65000 {
		per *= 2
	}
	fatSectors := (sectors/per*2 + sector - 1) / sector
	data := (reserved + 2*fatSectors + rootEntries*32/sector) * sector
	cluster := per * sector
	need := (int64(len(text)) + cluster - 1) / cluster
	if data+need*cluster > size {
		return errors.New("the text is too long")
	}
	le := binary.LittleEndian
	boot := make([]byte, sector)
	copy(boot, "\xeb\x3c\x90POINTNUM")
	le.PutUint16(boot[11:], sector)
	boot[13], boot[16], boot[21] = byte(per), 2, 0xf8
	le.PutUint16(boot[14:], reserved)
	le.PutUint16(boot[17:], rootEntries)
	le.PutUint16(boot[22:], uint16(fatSectors))
	le.PutUint16(boot[24:], 63) // a geometry, for old readers
	le.PutUint16(boot[26:], 255)
	if sectors < 1<<16 {
		le.PutUint16(boot[19:], uint16(sectors))
	} else {
		le.PutUint32(boot[32:], uint32(sectors))
	}
	boot[36], boot[38] = 0x80, 0x29
	copy(boot[39:], "DISP")
	copy(boot[43:], padded(label, 11))
	copy(boot[54:], "FAT16   ")
	boot[510], boot[511] = 0x55, 0xaa

	fat := make([]byte, fatSectors*sector)
	le.PutUint16(fat[0:], 0xfff8)
	le.PutUint16(fat[2:], 0xffff)
	for i := range need {
		next := uint16(i + 3)
		if i == need-1 {
			next = 0xffff
		}
		le.PutUint16(fat[(i+2)*2:], next)
	}
	root := make([]byte, rootEntries*32)
	copy(root, padded(label, 11))
	root[11] = 0x08
	copy(root[32:], shortName(name))
	root[32+11] = 0x20
	le.PutUint16(root[32+26:], 2)
	le.PutUint32(root[32+28:], uint32(len(text)))

	at := int64(0)
	for _, part := range [][]byte{boot, fat, fat, root, text} {
		if _, err := f.WriteAt(part, at); err != nil {
			return err
		}
		at += int64(len(part))
	}
	return nil
}

// padded is a name filled up with spaces.
func padded(s string, n int) string { return fmt.Sprintf("%-*.*s", n, n, s) }

// shortName is "NAME    EXT" for "NAME.EXT".
func shortName(name string) string {
	for i := range name {
		if name[i] == '.' {
			return padded(name[:i], 8) + padded(name[i+1:], 3)
		}
	}
	return padded(name, 11)
}
