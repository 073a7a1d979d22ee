package kineto

import "hash/maphash"

// Names interns strings: one id a distinct string, ids dense from 0 (the empty
// string) in order of first appearance. It is not safe for concurrent writers.
//
// It is an open hash table of ids: a look-up of bytes copies nothing.
type Names struct {
	text  []string
	slots []entry // a power of two long, at most half full
	seed  maphash.Seed
	bytes int64 // of memory, about
}

// nameSize is what a name takes beside its text: the header and two entries of the table or four.
const nameSize = 48

// entry is one of the table; id+1, so that a zero entry is an empty one.
type entry struct {
	hash uint32
	id1  uint32
}

// NewNames gives a table that holds only the empty string.
func NewNames() *Names {
	n := &Names{slots: make([]entry, 256), seed: maphash.MakeSeed()}
	n.add("", uint32(maphash.String(n.seed, "")))
	return n
}

// Intern gives the id of b, adding it when it is new. b is copied only then.
func (n *Names) Intern(b []byte) NameID {
	h := uint32(maphash.Bytes(n.seed, b))
	for i := h; ; i++ {
		s := n.slots[i&uint32(len(n.slots)-1)]
		if s.id1 == 0 {
			return n.add(string(b), h)
		}
		if s.hash == h && n.text[s.id1-1] == string(b) {
			return NameID(s.id1 - 1)
		}
	}
}

// find is Lookup for bytes.
func (n *Names) find(b []byte) (NameID, bool) {
	h := uint32(maphash.Bytes(n.seed, b))
	for i := h; ; i++ {
		s := n.slots[i&uint32(len(n.slots)-1)]
		if s.id1 == 0 {
			return 0, false
		}
		if s.hash == h && n.text[s.id1-1] == string(b) {
			return NameID(s.id1 - 1), true
		}
	}
}

// InternString is Intern for a string.
func (n *Names) InternString(s string) NameID {
	if id, ok := n.Lookup(s); ok {
		return id
	}
	return n.add(s, uint32(maphash.String(n.seed, s)))
}

// Lookup gives the id of s, if it was interned.
func (n *Names) Lookup(s string) (NameID, bool) {
	h := uint32(maphash.String(n.seed, s))
	for i := h; ; i++ {
		e := n.slots[i&uint32(len(n.slots)-1)]
		if e.id1 == 0 {
			return 0, false
		}
		if e.hash == h && n.text[e.id1-1] == s {
			return NameID(e.id1 - 1), true
		}
	}
}

func (n *Names) add(s string, hash uint32) NameID {
	if 2*len(n.text) >= len(n.slots) {
		old := n.slots
		n.slots = make([]entry, 2*len(old))
		for _, e := range old {
			if e.id1 != 0 {
				n.put(e)
			}
		}
	}
	n.text = append(n.text, s)
	n.bytes += int64(len(s)) + nameSize
	n.put(entry{hash: hash, id1: uint32(len(n.text))})
	return NameID(len(n.text) - 1)
}

func (n *Names) put(e entry) {
	mask := uint32(len(n.slots) - 1)
	for i := e.hash; ; i++ {
		if s := &n.slots[i&mask]; s.id1 == 0 {
			*s = e
			return
		}
	}
}

// Text gives the string of id. It panics on an id of another table.
func (n *Names) Text(id NameID) string { return n.text[id] }

// Len is the number of distinct strings, the empty one included.
func (n *Names) Len() int { return len(n.text) }
