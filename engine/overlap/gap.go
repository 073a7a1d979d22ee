package overlap

// Gap is a stretch of time, ns, in which no stream of a device ran anything. All gaps of a
// device together last Window without WindowBusy.
type Gap struct {
	Start, End int64
	// From and To are the kernels whose end and whose start bound it, by index; -1 where a
	// kernel without duration bounds the window.
	From, To int32
}

// Dur is how long the gap lasts, ns.
func (g Gap) Dur() int64 { return g.End - g.Start }

// gap adds the part of [start, end) that is in the window [lo, hi).
func (d *Device) gap(start, end int64, from, to int32, lo, hi int64) {
	if start, end = max(start, lo), min(end, hi); start < end {
		d.Gaps = append(d.Gaps, Gap{start, end, from, to})
	}
}
