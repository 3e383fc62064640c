package verdict

const (
	darkPaper  = 95 // paper darker than this was lit too little
	leastDepth = 22 // ink must be this much darker than its paper
)

// dark says whether the paper itself is dark or nearly all of the ink as pale
// as the paper.
func (p *page) dark(s []stroke) bool {
	bright, v := 0, 255
	for ; v > 0 && bright < p.w*p.h/4; v-- {
		bright += p.count[v]
	}
	if v < darkPaper {
		return true
	}
	return len(s) > fewStrokes && quantile(s, func(e stroke) float64 { return e.depth }, 0.9) < leastDepth
}
