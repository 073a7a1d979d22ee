package tracebuild

import (
	"fmt"
	"strings"

	"github.com/sgrules/sgrules/engine/diag"
	"gopkg.in/yaml.v3"
)

// allowed lists the keys beside the leading one, by kind. The order is that of error messages.
var allowed = [numKinds][]string{
	Kernel:  {"us", "stream", "at", "op", "module", "gap_us", "bytes", "thread", "call", "args"},
	Memcpy:  {"us", "stream", "at", "op", "module", "gap_us", "bytes", "thread", "call", "args"},
	Memset:  {"us", "stream", "at", "op", "module", "gap_us", "bytes", "thread", "call", "args"},
	Step:    {"of", "mirror", "thread"},
	Repeat:  {"of"},
	Scope:   {"module", "op", "of", "thread"},
	Graph:   {"of", "stream", "at", "op", "module", "thread", "gap_us"},
	Capture: {"of", "at", "op", "module", "thread"},
	Record:  {"stream", "at", "op", "module", "thread"},
	Wait:    {"stream", "at", "op", "module", "thread"},
	Sync:    {"stream", "event", "us", "at", "op", "module", "thread"},
	Idle:    {"stream"},
}

var syncNames = []string{"Stream Sync", "Context Sync", "Event Sync", hostBusy}

// hostBusy is the Sync that makes no call: the host launches nothing until US[0] ns after all
// work is done.
const hostBusy = "Host Busy"

// items reads a list, with nested lists spliced in. around is the stack of kinds outside.
func (d *decoder) items(n *yaml.Node, depth int, around []Kind) []Item {
	if depth > MaxDepth {
		d.fail(n, "too-deep", "items are nested deeper than %d; expected a flatter description", MaxDepth)
		return nil
	}
	var items []Item
	for _, e := range d.sequence(n, "items", MaxItems) {
		if e = d.resolve(e); e == nil {
			continue
		}
		if d.spent(e) {
			return nil
		}
		if d.n++; d.n > MaxItems {
			if d.n == MaxItems+1 {
				d.fail(e, "too-large", "more than %d items, aliases counted as often as used; expected repeat", MaxItems)
			}
			return nil
		}
		if e.Kind == yaml.SequenceNode {
			items = append(items, d.items(e, depth+1, around)...)
		} else if it, ok := d.item(e, depth, around); ok {
			items = append(items, it)
		}
	}
	return items
}

func (d *decoder) item(n *yaml.Node, depth int, around []Kind) (Item, bool) {
	kind, ok := d.kind(n)
	if !ok {
		return Item{}, false
	}
	keys := append([]string{kind.String()}, allowed[kind]...)
	m := d.mapping(n, article(kind.String())+" item", keys...)
	if m == nil {
		return Item{}, false
	}
	lead := m[kind.String()]
	it := Item{
		Kind: kind, Pos: d.pos(n),
		Stream: d.integer(m["stream"], DefaultStream, 0, 1<<31-1), Gap: d.micros(m["gap_us"], DefaultGap, -1e9, maxUS),
		At: d.names(m["at"], "at"), Module: d.names(m["module"], "module"), Op: d.names(m["op"], "op"),
		Bytes: d.integer(m["bytes"], 0, 0, 1<<50), Thread: d.text(m["thread"], false), Call: d.text(m["call"], false),
		Mirror: d.boolean(m["mirror"], false), Args: d.args(m["args"]),
	}
	switch kind {
	case Scope:
		it.At = d.names(lead, "frames")
	case Repeat:
		it.N = d.integer(lead, 1, 1, MaxEvents)
	case Idle:
		it.US = []int64{d.micros(lead, 0, 0, maxUS)}
		if m["stream"] == nil {
			it.Stream = -1
		}
	case Sync:
		if it.Name = d.choice(lead, syncNames...); it.Name != "Stream Sync" && m["stream"] != nil {
			d.fail(m["stream"], "unknown-key", "%s has no stream", it.Name)
		}
		it.Event = d.text(m["event"], false)
		if (it.Name == "Event Sync") != (m["event"] != nil) {
			d.fail(n, "missing-key", "the key event belongs to an Event Sync, and an Event Sync needs it")
		}
		if (it.Name == hostBusy) != (m["us"] != nil) {
			d.fail(n, "missing-key", "the key us belongs to Host Busy, and Host Busy needs it")
		} else if m["us"] != nil {
			it.US = []int64{d.micros(m["us"], 0, 0, maxUS)}
		}
	default:
		it.Name = d.text(lead, false)
	}
	for _, f := range it.At {
		if _, err := frameName(f, ""); err != nil {
			d.fail(n, "bad-frame", "%s", err)
		}
	}
	if kind <= Memset {
		it.US = d.durations(m["us"])
	}
	d.place(n, kind, around)
	before := len(d.errs)
	if of := m["of"]; of != nil {
		it.Of = d.items(of, depth+1, append(around[:len(around):len(around)], kind))
	}
	if len(it.Of) == 0 && len(d.errs) == before && (kind == Step || kind == Repeat || kind == Graph || kind == Capture) {
		d.fail(n, "missing-key", "the %s has nothing in it; expected items under of", kind)
	}
	return it, true
}

// place refuses what cannot stand where it does.
func (d *decoder) place(n *yaml.Node, kind Kind, around []Kind) {
	for _, a := range around {
		if a != Graph && a != Capture {
			continue
		}
		if kind == Step || kind == Graph || kind == Capture || kind == Sync || (kind == Idle && a == Capture) {
			d.fail(n, "misplaced", "%s inside %s; expected it outside", article(kind.String()), article(a.String()))
			return
		}
	}
}

// kind finds the leading key of an item.
func (d *decoder) kind(n *yaml.Node) (Kind, bool) {
	if n.Kind != yaml.MappingNode {
		d.fail(n, "bad-type", "found %s; expected an item such as {kernel: NAME}", describe(n))
		return 0, false
	}
	var found []string
	var kind Kind
	scope := false
	for i := 0; i+1 < len(n.Content); i += 2 {
		switch key := n.Content[i].Value; key {
		case "frames", "module", "op":
			scope = true
		default:
			for k, lead := range kindKeys {
				if lead == key && Kind(k) != Scope {
					found, kind = append(found, lead), Kind(k)
				}
			}
		}
	}
	switch {
	case len(found) > 1:
		d.fail(n, "unknown-key", "one item is %s; expected one of them", strings.Join(found, " and "))
		return 0, false
	case len(found) == 0 && !scope:
		d.fail(n, "missing-key", "no leading key in this item; expected one of %s", strings.Join(kindKeys[:], ", "))
		return 0, false
	case len(found) == 0:
		return Scope, true
	}
	return kind, true
}

func article(s string) string {
	if strings.ContainsRune("aeiou", rune(s[0])) {
		return "an " + s
	}
	return "a " + s
}

// checkSize refuses descriptions that expand beyond MaxEvents.
func checkSize(items []Item, pos diag.Pos) *diag.Diagnostic {
	n := Events(items)
	if n <= MaxEvents {
		return nil
	}
	// The outermost repeat that is too large on its own is the better place to point at.
	for list := items; ; {
		var next []Item
		for i := range list {
			if it := &list[i]; it.Pos.Line > 0 && Events(list[i:i+1]) > MaxEvents {
				next = it.Of
				if it.Kind == Repeat {
					pos = it.Pos
				}
				break
			}
		}
		if next == nil {
			return &diag.Diagnostic{Pos: pos, Code: "too-large", Msg: fmt.Sprintf("the description expands to more than %d events", int64(MaxEvents)), Hint: "repeat less"}
		}
		list = next
	}
}
