package tracebuild

import (
	"fmt"

	"github.com/sgrules/sgrules/engine/diag"
)

// nodeKind tells what a node of the plan does.
type nodeKind uint8

const (
	nFrame   nodeKind = iota // a Python frame
	nModule                  // an nn.Module scope, which is a frame with an instance number
	nOp                      // a cpu_op
	nNote                    // a user_annotation
	nRepeat                  // kids, n times
	nWork                    // one launch and its GPU activity
	nGraph                   // one launch; kids are activities without launches
	nCapture                 // kids are launches without activities
	nRecord
	nWait
	nSync
	nIdle
)

// node is one thing to do. Neighbours that share frames have been put under one node,
// so that walking the tree opens and closes each event once and nothing looks ahead.
type node struct {
	kind   nodeKind
	it     *Item
	name   string // JSON text of the name; of a module without its instance number
	kids   []*node
	n      int64 // repeats; an instance number, -1 unknown; a graph's number
	thread int
	call   call
	slot   int   // index of the use count (work) or of the instance count (module)
	open   int64 // host ns before the kids
	close  int64 // and after them
	cost   int64 // host ns of the whole node; meaningless when sync is inside
	sync   bool  // a sync is inside, so that the cost is known only by walking
	gpu    bool  // GPU work, waits or idle time are inside
	sealed bool  // the innermost op of a launch: the next launch is another call of it
	key    string
}

// tail is the host time between an event's end and its successor's start.
const tail = 40

// planner turns items into nodes.
type planner struct {
	root    string
	calls   *calls
	threads []string
	byName  map[string]int
	classes map[string]int
	graphs  map[string]int64
	slots   int
	err     error
}

// scope is where a list stands.
type scope struct {
	thread int
	replay bool // inside a graph launch: no host side
}

func (p *planner) thread(name string, around int) int {
	if name == "" {
		return around
	}
	if t, ok := p.byName[name]; ok {
		return t
	}
	p.byName[name] = len(p.threads)
	p.threads = append(p.threads, name)
	return len(p.threads) - 1
}

// list plans the items of one list. path holds the open frames that neighbours may share.
func (p *planner) list(items []Item, sc scope) []*node {
	root := &node{}
	var path []*node
	for i := range items {
		it := &items[i]
		thread := p.thread(it.Thread, sc.thread)
		switch {
		case it.Kind == Repeat:
			path = nil
			root.kids = append(root.kids, finish(&node{kind: nRepeat, it: it, n: it.N, kids: p.list(it.Of, sc)}))
		case it.Kind == Scope && sc.replay:
			root.kids = append(root.kids, p.list(it.Of, sc)...)
		case it.Kind == Scope, it.Kind == Step, it.Kind == Capture:
			path = nil
			p.container(root, it, thread)
		case sc.replay:
			root.kids = append(root.kids, p.leaf(it, thread, true))
		default:
			path = p.attach(root, path, it, thread)
		}
	}
	// Only now are the kids of shared frames complete.
	for _, k := range root.kids {
		settle(k)
	}
	return root.kids
}

// attach puts a leaf under its frames, sharing those of the neighbour before it.
func (p *planner) attach(root *node, path []*node, it *Item, thread int) []*node {
	want := p.stack(it, thread)
	k := 0
	if want == nil && it.Kind >= Record { // a call without a stack of its own is made where the neighbour's frames are
		for k < len(path) && path[k].kind != nOp && path[k].thread == thread {
			k++
		}
	} else {
		most := len(want)
		if most > 0 && want[most-1].kind == nOp {
			most--
		}
		for k < len(path) && k < most && !path[k].sealed && path[k].key == want[k].key && path[k].thread == thread {
			k++
		}
		want = want[k:]
	}
	path = path[:k:k]
	for _, n := range want {
		top(root, path).kids = append(top(root, path).kids, n)
		path = append(path, n)
	}
	top(root, path).kids = append(top(root, path).kids, p.leaf(it, thread, false))
	return path
}

func top(root *node, path []*node) *node {
	if len(path) == 0 {
		return root
	}
	return path[len(path)-1]
}

// container puts the items of a scope, step or capture under new frames of their own.
func (p *planner) container(root *node, it *Item, thread int) {
	at := root
	for _, n := range p.stack(it, thread) {
		n.sealed = true
		at.kids = append(at.kids, n)
		at = n
	}
	if it.Kind != Scope {
		n := &node{kind: nNote, it: it, name: quote(it.Name), thread: thread, open: 260, close: 190}
		at.kids = append(at.kids, n)
		at = n
	}
	if it.Kind == Capture {
		n := &node{kind: nCapture, it: it, thread: thread, n: p.graph(it.Name), open: p.calls.begin.ns + tail, close: p.calls.end.ns + p.calls.instantiate.ns + 2*tail}
		at.kids = append(at.kids, n)
		at = n
	}
	at.kids = append(at.kids, p.list(it.Of, scope{thread: thread})...)
}

// stack makes the nodes of an item's own modules, frames and ops, outermost first.
func (p *planner) stack(it *Item, thread int) []*node {
	var out []*node
	add := func(n *node, h string) {
		n.thread, n.it, n.key = thread, it, fmt.Sprint(n.kind, h)
		out = append(out, n)
	}
	for _, m := range it.Module {
		class, n := moduleName(m)
		slot, ok := p.classes[class]
		if !ok {
			slot = len(p.classes)
			p.classes[class] = slot
		}
		name := quote("nn.Module: " + class)
		add(&node{kind: nModule, name: name[:len(name)-1], n: n, slot: slot, open: 300, close: 210}, m)
		add(&node{kind: nFrame, name: `"torch/nn/modules/module.py(1779): _call_impl"`, open: 240, close: 160}, "")
	}
	for _, f := range it.At {
		name, err := frameName(f, p.root)
		if err != nil && p.err == nil {
			p.err = diag.Diagnostic{Pos: it.Pos, Code: "bad-frame", Msg: err.Error()}
		}
		h := hash(f)
		add(&node{kind: nFrame, name: quote(name), open: 180 + h%220, close: 90 + h%130}, f)
	}
	for _, o := range it.Op {
		h := hash(o)
		add(&node{kind: nOp, name: quote(o), open: 420 + h%480, close: 230 + h%250}, o)
	}
	if len(it.Op) > 0 {
		out[len(out)-1].sealed = true
	}
	return out
}

// graph numbers the graphs by name, in the order in which they are first captured or launched.
func (p *planner) graph(name string) int64 {
	id, ok := p.graphs[name]
	if !ok {
		id = int64(len(p.graphs) + 1)
		p.graphs[name] = id
	}
	return id
}

func (p *planner) leaf(it *Item, thread int, replay bool) *node {
	n := &node{it: it, name: quote(it.Name), thread: thread}
	switch it.Kind {
	case Kernel, Memcpy, Memset:
		n.kind, n.call, n.gpu = nWork, p.calls.of(it), true
		n.cost = n.call.ns + 3*tail
		n.slot = p.slots
		p.slots++
	case Graph:
		n.kind, n.call, n.gpu, n.n = nGraph, p.calls.of(it), true, p.graph(it.Name)
		n.kids = p.list(it.Of, scope{thread: thread, replay: true})
		n.call.ns += mul(60, size(n.kids))
		n.cost = n.call.ns + 3*tail
	case Record:
		n.kind, n.call, n.gpu, n.cost = nRecord, p.calls.record, true, p.calls.record.ns+tail
	case Wait:
		n.kind, n.call, n.gpu, n.cost = nWait, p.calls.wait, true, p.calls.wait.ns+tail
	case Sync:
		n.kind, n.call, n.gpu, n.sync = nSync, p.calls.sync[it.Name], true, true
	case Idle:
		n.kind, n.gpu, n.cost = nIdle, true, it.US[0]
	}
	return n
}

// size counts the activities of a graph.
func size(kids []*node) int64 {
	var n int64
	for _, k := range kids {
		switch k.kind {
		case nRepeat:
			n = add(n, mul(k.n, size(k.kids)))
		case nWork:
			n = add(n, 1)
		}
	}
	return n
}

// settle sums up a node whose kids are complete.
func settle(n *node) {
	if n.kind <= nNote || n.kind == nCapture {
		for _, k := range n.kids {
			settle(k)
		}
		finish(n)
	}
}

func finish(n *node) *node {
	var sum int64
	n.sync, n.gpu = false, false
	for _, k := range n.kids {
		sum = add(sum, k.cost)
		n.sync, n.gpu = n.sync || k.sync, n.gpu || k.gpu
	}
	switch n.kind {
	case nRepeat:
		n.cost = mul(sum, n.n)
	case nCapture: // nothing of a capture reaches the GPU
		n.cost, n.gpu = add(sum, n.open+n.close), false
	default:
		n.cost = add(sum, n.open+n.close+tail)
	}
	return n
}
