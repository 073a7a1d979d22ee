package catalog

import (
	"reflect"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/sgrules/sgrules/engine/diag"
	"github.com/sgrules/sgrules/engine/rule"
)

// A shadow is a section as one rule file whose block stands at the very lines of the catalog, so
// that package rule, which knows only YAML, gives positions in the catalog. What the prose says
// is added behind the block; places has where those lines come from.
type shadow struct {
	text   strings.Builder
	next   int // the line that is written next
	places map[int]diag.Pos
	known  map[string]bool // the keys that the block has
}

func (w *shadow) line(text string, at diag.Pos) {
	w.text.WriteString(text + "\n")
	w.places[w.next] = at
	w.next++
}

// scalar adds a key whose value is a text. An absent text is filled in: that it is absent was
// said in the words of the catalog.
func (w *shadow) scalar(key, value, filler string, at diag.Pos) {
	if value == "" {
		value = filler
	}
	if !w.known[key] {
		w.line(key+": "+quoted(value), at)
	}
}

// quoted is a text as a double-quoted scalar. Texts have no control characters.
func quoted(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\t", `\t`).Replace(s) + `"`
}

// join puts paragraphs together.
func join(l []phrase) string {
	out := make([]string, len(l))
	for i, p := range l {
		out[i] = p.text
	}
	return strings.Join(out, " ")
}

func first(l []phrase, otherwise diag.Pos) diag.Pos {
	if len(l) > 0 {
		return l[0].at
	}
	return otherwise
}

// decode reads a section as a rule. Root is the block's mapping, nil when the block is not fit
// to be added to.
func (p *parser) decode(s *section, kind string, env *rule.Env) (r *rule.Rule, root *yaml.Node) {
	w := &shadow{places: map[int]diag.Pos{}, known: map[string]bool{}, next: s.block.last + 1}
	w.text.WriteString(strings.Repeat("\n", s.block.first-1) + s.block.text(p.in))
	before := len(p.list)
	if root = p.mapping(s.block); root != nil {
		for i := 0; i < len(root.Content); i += 2 {
			w.known[root.Content[i].Value] = true
		}
		w.prose(s, kind)
	}
	if len(p.list) > before {
		return nil, nil
	}
	r, list := rule.Decode(p.in.file, []byte(w.text.String()))
	if r != nil && root != nil {
		_, wrong := rule.Compile(r, env)
		list = append(list, wrong...)
	}
	for _, d := range list {
		if d.Line > s.block.last {
			at := s.title.at
			if place, ok := w.places[d.Line]; ok {
				at = place
			}
			d.Pos, d.EndCol = at, 0
		}
		if root == nil && d.Code == "missing-key" {
			continue // the block is no mapping that the prose could complete
		}
		p.list.Add(d)
	}
	return r, root
}

func (w *shadow) prose(s *section, kind string) {
	if kind != "" {
		w.scalar("kind", kind, "", s.title.at)
	}
	w.scalar("title", s.title.text, "x", s.title.at)
	w.scalar("origin", s.group.origin, "sglang", s.title.at)
	w.scalar("status", s.group.status, "mainline", s.title.at)
	w.scalar("domain", s.group.domain, "llm", s.title.at)
	if len(s.pulls) > 0 {
		w.line("pulls:", s.labels["Pulls"])
		for _, n := range s.pulls {
			w.line("  - "+n.text, n.at)
		}
	}
	w.line("sources:", s.labels["Sources"])
	for _, src := range s.sources {
		w.line("  - "+quoted(src.text), src.at)
	}
	if len(s.sources) == 0 {
		w.line("  - x@0000000:x", s.title.at)
	}
	if len(s.switches) > 0 {
		w.line("switches:", s.labels["Switches"])
		for _, t := range s.switches {
			w.line("  - name: "+quoted(t.name.text), t.name.at)
			w.line("    kind: "+quoted(t.kind.text), t.kind.at)
			if t.hasDefault {
				w.line("    default: "+quoted(t.preset.text), t.preset.at)
			}
			if t.source.text != "" {
				w.line("    source: "+quoted(t.source.text), t.source.at)
			}
			if t.effect.text != "" {
				w.line("    effect: "+quoted(t.effect.text), t.effect.at)
			}
		}
	}
	w.scalar("path", join(s.path), "x", first(s.path, s.title.at))
	w.scalar("conclude", join(s.conclude), "x", first(s.conclude, s.title.at))
	if at, ok := s.labels["Unseen"]; ok {
		w.scalar("unseen", join(s.unseen), "x", first(s.unseen, at))
	}
}

// meaning writes everything that a rule says, without the places where it says it, so that two
// readings of one rule can be compared.
func meaning(r *rule.Rule) string {
	var b strings.Builder
	says(&b, reflect.ValueOf(r).Elem())
	return b.String()
}

func says(b *strings.Builder, v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			b.WriteString("nil")
			return
		}
		says(b, v.Elem())
	case reflect.Slice:
		b.WriteString("[")
		for i := range v.Len() {
			says(b, v.Index(i))
			b.WriteString(",")
		}
		b.WriteString("]")
	case reflect.Struct:
		b.WriteString("{")
		for i := range v.NumField() {
			f := v.Type().Field(i)
			if !f.IsExported() || f.Type == reflect.TypeFor[diag.Pos]() || f.Name == "File" {
				continue
			}
			b.WriteString(f.Name + ":")
			says(b, v.Field(i))
			b.WriteString(";")
		}
		b.WriteString("}")
	case reflect.String:
		b.WriteString(quoted(v.String()))
	case reflect.Int:
		b.WriteString(strconv.FormatInt(v.Int(), 10))
	case reflect.Bool:
		b.WriteString(strconv.FormatBool(v.Bool()))
	default:
		b.WriteString("?" + v.Kind().String()) // a test looks for this
	}
}
