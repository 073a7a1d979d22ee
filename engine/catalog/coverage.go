package catalog

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"sort"
	"strings"

	"github.com/sgrules/sgrules/engine/diag"
)

// The names of the table of catalogued patterns and of what it is generated to.
const (
	coverageSource = "coverage.tsv"
	coverageTable  = "coverage.md"
)

// Cover says that a rule answers a catalogued pattern.
type Cover struct {
	Key  string
	Rule string // the rule's id
	Pos  diag.Pos
}

// coverageColumns head coverage.tsv.
var coverageColumns = []string{"key", "kind", "origin", "domain", "title", "state", "why"}

// coverageStates are why a pattern has no rule: it will get one, or there is nothing to match.
var coverageStates = words{{"not yet a rule", "not yet a rule"}, {"not visible in a trace", "not visible in a trace"}}

type coverageRow struct {
	line  int
	cells []string // as coverageColumns
}

func (r *coverageRow) key() string   { return r.cells[0] }
func (r *coverageRow) state() string { return r.cells[5] }

// Coverage generates the table of all catalogued patterns with the rules that cover each, or the
// reason why there is none. Data is coverage.tsv: a line that names the columns key, kind, origin,
// domain, title, state and why, and then a pattern a line, its cells parted by tabs. State and why
// are filled for the patterns that no rule covers, and for them only. From is the name of the
// table's source in its first line.
func Coverage(file, from string, data []byte, covers []Cover) ([]byte, diag.List) {
	in := newInput(file, data)
	rows, list := readCoverage(in)
	rules := map[string][]string{}
	known := map[string]bool{}
	for _, r := range rows {
		known[r.key()] = true
	}
	for _, c := range covers {
		if known[c.Key] {
			rules[c.Key] = append(rules[c.Key], c.Rule)
			continue
		}
		d := diag.Diagnostic{Pos: c.Pos, Code: "unknown-cover", Msg: fmt.Sprintf("covers %q, which is no key of %s", diag.Shorten(c.Key), file)}
		if c.Pos.Col > 0 {
			d.EndCol = c.Pos.Col + len(c.Key)
		}
		if near := nearest(c.Key, rows); near != "" {
			d.Hint = "did you mean " + near + "?"
		}
		list.Add(d)
	}
	for _, r := range rows {
		at := diag.Pos{File: file, Line: r.line, Col: 1}
		ids := rules[r.key()]
		sort.Strings(ids)
		switch {
		case len(ids) > 0 && r.state() != "":
			list.Add(diag.Diagnostic{Pos: at, EndCol: 1 + len(r.key()), Code: "covered-row", Msg: fmt.Sprintf("%s is covered by the rule %s and has a reason why it is not", r.key(), ids[0]),
				Hint: "empty its state and why"})
		case len(ids) == 0 && r.state() == "":
			list.Add(diag.Diagnostic{Pos: at, EndCol: 1 + len(r.key()), Code: "uncovered-row", Msg: fmt.Sprintf("no rule covers %s, and no reason is given", r.key()),
				Hint: "add the key to the covers of a rule, or fill state and why"})
		}
	}
	list.Sort()
	if list.Errors() > 0 {
		return nil, list
	}
	return coverageText(from, rows, rules), list
}

// readCoverage reads coverage.tsv. Rows that are wrong are reported; the rest is given.
func readCoverage(in *input) (rows []*coverageRow, list diag.List) {
	list = in.plain()
	if len(list) > 0 {
		return nil, list
	}
	want := strings.Join(coverageColumns, "\t")
	if got := in.line(1); got != want {
		list.Addf(diag.Pos{File: in.file, Line: 1, Col: 1}, "columns", "the columns are %q, expected %q", diag.Shorten(got), want)
		return nil, list
	}
	first := map[string]int{}
	for n := 2; n <= len(in.lines); n++ {
		l := in.line(n)
		if l == "" {
			if n < len(in.lines) {
				list.Addf(diag.Pos{File: in.file, Line: n, Col: 1}, "columns", "the line is empty")
			}
			continue
		}
		cells := strings.Split(l, "\t")
		at := diag.Pos{File: in.file, Line: n, Col: 1}
		if len(cells) != len(coverageColumns) {
			list.Addf(at, "columns", "the line has %d cells, expected %d parted by tabs", len(cells), len(coverageColumns))
			continue
		}
		r := &coverageRow{n, cells}
		if before, twice := first[r.key()]; twice {
			list.Addf(at, "duplicate-key", "the key %s is there already, in line %d", diag.Shorten(r.key()), before)
			continue
		}
		first[r.key()] = n
		list = append(list, r.check(in.file)...)
		rows = append(rows, r)
	}
	return rows, list
}

// check looks at the cells of a row.
func (r *coverageRow) check(file string) (out diag.List) {
	col := 1
	for i, c := range r.cells {
		at := diag.Pos{File: file, Line: r.line, Col: col}
		wrong := func(msg string) {
			out.Add(diag.Diagnostic{Pos: at, EndCol: col + len(c), Code: "bad-value", Msg: fmt.Sprintf("%s is %q, %s", coverageColumns[i], diag.Shorten(c), msg)})
		}
		has := func(w words) bool { return w.shown(c) != c || w.find(c) == c }
		switch name := coverageColumns[i]; {
		case strings.TrimSpace(c) != c:
			wrong("expected it without white space around it")
		case name == "state" || name == "why":
			if (r.cells[5] == "") != (r.cells[6] == "") && c == "" {
				wrong("expected both state and why, or neither")
			} else if name == "state" && c != "" && !has(coverageStates) {
				wrong("expected one of " + coverageStates.String())
			}
		case c == "":
			wrong("expected something")
		case name == "key" && strings.Trim(c, "abcdefghijklmnopqrstuvwxyz0123456789-") != "":
			wrong("expected lower-case words and digits joined by hyphens")
		case name == "kind" && c != "fuse" && c != "overlap":
			wrong("expected fuse or overlap")
		case name == "origin" && !has(originWords):
			wrong("expected an origin of rule files")
		case name == "domain" && !has(domainWords):
			wrong("expected a domain of rule files")
		}
		col += len(c) + 1
	}
	return out
}

// coverageText writes the table, in the order of the source.
func coverageText(from string, rows []*coverageRow, rules map[string][]string) []byte {
	var b strings.Builder
	covered := 0
	for _, r := range rows {
		if len(rules[r.key()]) > 0 {
			covered++
		}
	}
	fmt.Fprintf(&b, "<!-- %s%s%s -->\n\n# Coverage\n\n", strings.TrimPrefix(generated, "# "), from, generatedEnd)
	fmt.Fprintf(&b, "Every catalogued pattern and the rules that answer it, or why there is none: %d of %d have a rule.\n\n", covered, len(rows))
	b.WriteString("| pattern | key | kind | origin | domain | rules, or why there is none |\n| --- | --- | --- | --- | --- | --- |\n")
	for _, r := range rows {
		answer := fmt.Sprintf("%s: %s", escapeCell(r.state()), escapeCell(r.cells[6]))
		if ids := rules[r.key()]; len(ids) > 0 {
			answer = "`" + strings.Join(ids, "`, `") + "`"
		}
		fmt.Fprintf(&b, "| %s | `%s` | %s | %s | %s | %s |\n", escapeCell(r.cells[4]), r.key(), r.cells[1], originWords.shown(r.cells[2]), domainWords.shown(r.cells[3]), answer)
	}
	return []byte(b.String())
}

// nearest is the key that shares the longest beginning and end with s, if they are most of it.
func nearest(s string, rows []*coverageRow) string {
	best, most := "", len(s)*2/3
	for _, r := range rows {
		k := r.key()
		n := 0
		for n < len(s) && n < len(k) && s[n] == k[n] {
			n++
		}
		m := 0
		for m < len(s)-n && m < len(k)-n && s[len(s)-1-m] == k[len(k)-1-m] {
			m++
		}
		if n+m > most && len(k) < 2*len(s) {
			best, most = k, n+m
		}
	}
	return best
}

// coverage generates the coverage table where its source is there.
func (c *compiler) coverage(fsys fs.FS) {
	if _, err := fs.Stat(fsys, coverageSource); errors.Is(err, fs.ErrNotExist) {
		return
	}
	shown := path.Join(c.opts.Prefix, coverageSource)
	data, ok := c.read(fsys, coverageSource, shown)
	if !ok {
		return
	}
	broken := c.list.Errors() > 0
	text, list := Coverage(shown, path.Join(c.opts.Name, coverageSource), data, c.covers)
	for _, d := range list {
		if broken && d.Code == "uncovered-row" {
			continue // by a section that is wrong, perhaps
		}
		c.list.Add(d)
	}
	if list.Errors() == 0 {
		c.out.References = append(c.out.References, Output{Path: coverageTable, Bytes: text})
	}
}
