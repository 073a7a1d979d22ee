package align

// maxEdits bounds the work of diff: two sequences that differ in more places than this
// are not runs of the same model, and only their common head and tail are aligned.
const maxEdits = 4000

// pair says that a[i] and b[j] are the same place.
type pair struct{ a, b int32 }

// diff aligns two sequences: the longest common subsequence as Myers' greedy algorithm
// finds it ("An O(ND) Difference Algorithm and Its Variations", 1986), which is
// deterministic: of equal scripts it takes the one that advances in a first. Time and
// memory are the length times the number of differences.
func diff(a, b []uint32) []pair {
	var head, tail []pair
	lo := 0
	for lo < len(a) && lo < len(b) && a[lo] == b[lo] {
		head = append(head, pair{int32(lo), int32(lo)})
		lo++
	}
	ha, hb := len(a), len(b)
	for ha > lo && hb > lo && a[ha-1] == b[hb-1] {
		ha, hb = ha-1, hb-1
		tail = append(tail, pair{int32(ha), int32(hb)})
	}
	out := head
	for _, p := range myers(a[lo:ha], b[lo:hb]) {
		out = append(out, pair{p.a + int32(lo), p.b + int32(lo)})
	}
	for i := len(tail) - 1; i >= 0; i-- {
		out = append(out, tail[i])
	}
	return out
}

// myers is the middle of diff; nil where the sequences differ in more than maxEdits
// places.
func myers(a, b []uint32) []pair {
	n, m := len(a), len(b)
	if n == 0 || m == 0 {
		return nil
	}
	most := min(n+m, maxEdits)
	v := make([]int32, 2*most+2)
	at := func(k int) int { return k + most }
	var trace [][]int32 // v of every round, cut to what the round could reach
	for d := 0; d <= most; d++ {
		lo, hi := max(-d, -m), min(d, n)
		trace = append(trace, append([]int32(nil), v[at(-d):at(d)+1]...))
		for k := lo; k <= hi; k++ {
			if (k+d)%2 != 0 {
				continue
			}
			var x int32
			if k == -d || k != d && v[at(k-1)] < v[at(k+1)] {
				x = v[at(k+1)]
			} else {
				x = v[at(k-1)] + 1
			}
			y := x - int32(k)
			for int(x) < n && int(y) < m && a[x] == b[y] {
				x++
				y++
			}
			v[at(k)] = x
			if int(x) >= n && int(y) >= m {
				return walk(trace, n, m)
			}
		}
	}
	return nil
}

// walk goes back through the rounds and collects the matches.
func walk(trace [][]int32, n, m int) []pair {
	var rev []pair
	x, y := int32(n), int32(m)
	for d := len(trace) - 1; d >= 0 && (x > 0 || y > 0); d-- {
		v := trace[d]
		get := func(k int) int32 { return v[k+d] } // round d holds k from -d to d
		k := int(x - y)
		prev := k - 1
		if d == 0 {
			prev = 0
		} else if k == -d || k != d && edge(get, k-1, d) < edge(get, k+1, d) {
			prev = k + 1
		}
		px := int32(0)
		if d > 0 {
			px = edge(get, prev, d)
		}
		py := px - int32(prev)
		for x > px && y > py && x > 0 && y > 0 {
			x--
			y--
			rev = append(rev, pair{x, y})
		}
		x, y = px, py
	}
	for i, j := 0, len(rev)-1; i < j; i, j = i+1, j-1 {
		rev[i], rev[j] = rev[j], rev[i]
	}
	return rev
}

// edge reads what the round before reached on diagonal k, which is out of reach for the
// outermost ones.
func edge(get func(int) int32, k, d int) int32 {
	if k < -d || k > d {
		return -1
	}
	return get(k)
}
