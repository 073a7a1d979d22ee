package kineto

// Names interns strings: one id a distinct string, ids dense from 0 (the empty
// string) in order of first appearance. It is not safe for concurrent writers.
type Names struct {
	byText map[string]NameID
	text   []string
}

// NewNames gives a table that holds only the empty string.
func NewNames() *Names {
	return &Names{byText: map[string]NameID{"": 0}, text: []string{""}}
}

// Intern gives the id of b, adding it when it is new. b is copied only then.
func (n *Names) Intern(b []byte) NameID {
	if id, ok := n.byText[string(b)]; ok {
		return id
	}
	return n.add(string(b))
}

// InternString is Intern for a string.
func (n *Names) InternString(s string) NameID {
	if id, ok := n.byText[s]; ok {
		return id
	}
	return n.add(s)
}

func (n *Names) add(s string) NameID {
	id := NameID(len(n.text))
	n.text = append(n.text, s)
	n.byText[s] = id
	return id
}

// Lookup gives the id of s, if it was interned.
func (n *Names) Lookup(s string) (NameID, bool) { id, ok := n.byText[s]; return id, ok }

// Text gives the string of id. It panics on an id of another table.
func (n *Names) Text(id NameID) string { return n.text[id] }

// Len is the number of distinct strings, the empty one included.
func (n *Names) Len() int { return len(n.text) }
