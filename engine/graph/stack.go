package graph

import "github.com/sgrules/sgrules/engine/kineto"

// StackID names one stack of a Stacks; 0 is the empty stack.
type StackID int32

// Stacks interns stacks as a tree: a stack is its parent and its innermost entry, so
// that thousands of launches below the same frames share them.
type Stacks struct {
	nodes []node
	byKey map[key]StackID
}

type node struct {
	parent StackID
	entry  uint32
	depth  int32
}

type key struct {
	parent StackID
	entry  uint32
}

func newStacks() *Stacks {
	return &Stacks{nodes: make([]node, 1), byKey: map[key]StackID{}}
}

// push gives the stack that has entry on top of parent.
func (s *Stacks) push(parent StackID, entry uint32) StackID {
	k := key{parent, entry}
	if id, ok := s.byKey[k]; ok {
		return id
	}
	id := StackID(len(s.nodes))
	s.nodes = append(s.nodes, node{parent, entry, s.nodes[parent].depth + 1})
	s.byKey[k] = id
	return id
}

// Len is the number of distinct stacks, the empty one included.
func (s *Stacks) Len() int { return len(s.nodes) }

// Depth is the number of entries of id.
func (s *Stacks) Depth(id StackID) int { return int(s.nodes[id].depth) }

// Top is the innermost entry of id and whether there is one.
func (s *Stacks) Top(id StackID) (uint32, bool) {
	if id == 0 {
		return 0, false
	}
	return s.nodes[id].entry, true
}

// Parent is id without its innermost entry.
func (s *Stacks) Parent(id StackID) StackID { return s.nodes[id].parent }

// Entries gives the entries of id, innermost first.
func (s *Stacks) Entries(id StackID) []uint32 {
	out := make([]uint32, 0, s.nodes[id].depth)
	for ; id != 0; id = s.nodes[id].parent {
		out = append(out, s.nodes[id].entry)
	}
	return out
}

func nameID(entry uint32) kineto.NameID { return kineto.NameID(entry) }
