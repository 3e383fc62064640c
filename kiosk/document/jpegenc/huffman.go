package jpegenc

import "slices"

// huffman makes the code of at most 16 bits for symbols counted so often
// (T.81, annex K.2). count[256] keeps the code of all ones free.
func huffman(count [257]int) (lengths [16]byte, values []byte) {
	count[256] = 1
	var size [257]int
	var other [257]int
	for i := range other {
		other[i] = -1
	}
	for {
		a, b := -1, -1
		for i, n := range count {
			if n == 0 {
				continue
			}
			if a < 0 || n <= count[a] {
				a, b = i, a
			} else if b < 0 || n <= count[b] {
				b = i
			}
		}
		if b < 0 {
			break
		}
		count[a], count[b] = count[a]+count[b], 0
		for ; ; a = other[a] {
			size[a]++
			if other[a] < 0 {
				break
			}
		}
		other[a] = b
		for ; b >= 0; b = other[b] {
			size[b]++
		}
	}
	var n [260]int
	for _, s := range size {
		n[s]++
	}
	shorten(&n)
	for i := range lengths {
		lengths[i] = byte(n[i+1])
	}
	for i := range 256 {
		if size[i] > 0 {
			values = append(values, byte(i))
		}
	}
	slices.SortStableFunc(values, func(a, b byte) int { return size[a] - size[b] })
	return lengths, values
}

// shorten makes codes of at most 16 bits out of longer ones, of which n are
// counted by their length, and takes the code of all ones away (figures K.3
// and K.4).
func shorten(n *[260]int) {
	for i := 259; i > 16; i-- {
		for n[i] > 0 {
			j := i - 2
			for n[j] == 0 {
				j--
			}
			n[i] -= 2
			n[i-1]++
			n[j+1] += 2 // may be the one before i too
			n[j]--
		}
	}
	last := 16
	for last > 0 && n[last] == 0 {
		last--
	}
	if last > 0 {
		n[last]--
	}
}
