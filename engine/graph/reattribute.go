package graph

// Site is where a kernel was launched, found elsewhere than in its own trace.
type Site struct {
	Method Method
	Ops    StackID // of this graph's Ops
	Py     StackID // of this graph's Py
}

// Reattribute gives kernels (by index) another site and groups all kernels into classes
// anew. Kernels that are not in sites keep theirs.
func (g *Graph) Reattribute(sites map[int32]Site) {
	g.regroup(func(i int32) Site {
		if s, ok := sites[i]; ok {
			return s
		}
		c := &g.Classes[g.Kernels[i].Class]
		return Site{c.Method, c.Ops, c.Py}
	})
}

// regroup gives every kernel the class of its symbol, kind and site.
func (g *Graph) regroup(site func(i int32) Site) {
	seen := map[[2]uint64]ClassID{} // by symbol, kind and site, packed: there is one look-up a kernel
	var classes []Class
	var byMethod [Methods]int64
	for i := range g.Kernels {
		k := &g.Kernels[i]
		s := site(int32(i))
		key := [2]uint64{uint64(uint32(k.Sym))<<32 | uint64(k.Kind)<<8 | uint64(s.Method), uint64(uint32(s.Ops))<<32 | uint64(uint32(s.Py))}
		c, ok := seen[key]
		if !ok {
			c = ClassID(len(classes))
			seen[key] = c
			classes = append(classes, Class{Sym: k.Sym, Kind: k.Kind, Method: s.Method, Ops: s.Ops, Py: s.Py})
		}
		k.Class, k.Method = c, s.Method
		classes[c].Count++
		classes[c].Time += k.Dur
		byMethod[s.Method] += k.Dur
	}
	g.Classes, g.ByMethod = classes, byMethod
}

// Import brings a stack of another graph into this one: the same ops or frames under this
// graph's ids. ops and py are stacks of from; the results are cached by the caller.
func (g *Graph) Import(from *Graph, ops, py StackID) (StackID, StackID) {
	o, p := StackID(0), StackID(0)
	list := from.Ops.Entries(ops)
	for i := len(list) - 1; i >= 0; i-- {
		o = g.Ops.push(o, uint32(g.Trace.Names.InternString(from.Trace.Names.Text(nameID(list[i])))))
	}
	list = from.Py.Entries(py)
	for i := len(list) - 1; i >= 0; i-- {
		p = g.Py.push(p, g.Frames.adopt(from.Frames.At(list[i])))
	}
	return o, p
}
