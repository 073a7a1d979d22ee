package report

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/mattn/go-runewidth"

	"github.com/sgrules/sgrules/engine/diag"
)

// cells measures text as terminals of the widest use show it: East Asian ambiguous
// characters take one cell, whatever the locale of the machine.
var cells = &runewidth.Condition{EastAsianWidth: false, StrictEmojiNeutral: true}

// Duration prints ns with the unit that keeps three or four digits: 12.3 µs, 0.874 ms,
// 492.812 ms, 1.234 s.
func Duration(ns int64) string {
	neg := ""
	if ns < 0 {
		neg, ns = "-", -ns
	}
	switch {
	case ns < 100_000:
		return neg + fixed(ns, 1_000, 1) + " µs"
	case ns < 1_000_000_000:
		return neg + fixed(ns, 1_000_000, 3) + " ms"
	}
	return neg + fixed(ns, 1_000_000_000, 3) + " s"
}

// fixed prints n/unit with decimals digits, rounded half up, without a float.
func fixed(n, unit int64, decimals int) string {
	scale := int64(1)
	for range decimals {
		scale *= 10
	}
	q := n / unit
	r := (n%unit*scale + unit/2) / unit
	if r == scale {
		q, r = q+1, 0
	}
	return fmt.Sprintf("%d.%0*d", q, decimals, r)
}

// Percent prints part of whole in percent with one decimal; "–" where whole is 0.
func Percent(part, whole int64) string {
	if whole <= 0 {
		return "–"
	}
	// Split so that the product cannot overflow: part*1000 fits for 100 days of ns.
	return fixed(part*100, whole, 1) + " %"
}

// below tells a share under the bar (percent).
func below(part, whole int64, bar float64) bool {
	return whole <= 0 || float64(part)*100 < bar*float64(whole)
}

// clean makes text from a trace inert on a terminal.
func clean(s string) string { return diag.Escape(s) }

func width(s string) int { return cells.StringWidth(s) }

// pad fills s with spaces to n cells; a longer s is cut in the middle.
func pad(s string, n int) string {
	s = middle(s, n)
	return s + strings.Repeat(" ", max(0, n-width(s)))
}

// left is pad with the text at the right.
func left(s string, n int) string {
	s = middle(s, n)
	return strings.Repeat(" ", max(0, n-width(s))) + s
}

// middle cuts s to n cells, dropping from its middle, so that both ends stay: the end
// is what tells most kernel names and paths apart.
func middle(s string, n int) string {
	if width(s) <= n {
		return s
	}
	if n <= 1 {
		return strings.Repeat("…", max(0, n))
	}
	tail := (n - 1) * 3 / 5
	head := n - 1 - tail
	return cells.Truncate(s, head, "") + "…" + lastCells(s, tail)
}

func lastCells(s string, n int) string {
	runes := []rune(s)
	w, i := 0, len(runes)
	for i > 0 && w+cells.RuneWidth(runes[i-1]) <= n {
		i--
		w += cells.RuneWidth(runes[i])
	}
	return string(runes[i:])
}

// wrap breaks text at spaces into lines of n cells at the most. A word longer than a
// line is broken.
func wrap(text string, n int) []string {
	n = max(n, 8)
	var lines []string
	line := ""
	for _, w := range words(text) {
		for width(w) > n {
			if line != "" {
				lines, line = append(lines, line), ""
			}
			head := cells.Truncate(w, n, "")
			lines, w = append(lines, head), w[len(head):]
		}
		switch {
		case line == "":
			line = w
		case width(line)+1+width(w) <= n:
			line += " " + w
		default:
			lines, line = append(lines, line), w
		}
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}

// words splits text at spaces, but keeps a number and its unit together.
func words(text string) []string {
	var out []string
	for _, w := range strings.Fields(text) {
		n := len(out)
		switch unit := strings.TrimRight(w, ".,;:)"); unit {
		case "%", "ms", "µs", "s", "ns":
			if n > 0 {
				if last := strings.TrimLeft(out[n-1], "("); last != "" && last[0] >= '0' && last[0] <= '9' {
					out[n-1] += " " + w
					continue
				}
			}
		}
		out = append(out, w)
	}
	return out
}

// plural prints n and the word, with an s unless n is 1.
func plural(n int, word string) string {
	switch {
	case n == 1:
		return "1 " + word
	case strings.HasSuffix(word, "ch"):
		word += "es"
	case strings.HasSuffix(word, "py"):
		word = strings.TrimSuffix(word, "y") + "ies"
	default:
		word += "s"
	}
	return group(n) + " " + word
}

// group prints n with thin thousands: 13 398.
func group(n int) string {
	s := strconv.Itoa(n)
	if n < 10_000 {
		return s
	}
	var parts []string
	for len(s) > 3 {
		parts = append(parts, s[len(s)-3:])
		s = s[:len(s)-3]
	}
	parts = append(parts, s)
	slices.Reverse(parts)
	return strings.Join(parts, ",")
}

// streamList prints stream ids: "stream 7", "streams 7, 20".
func streamList(ids []int64) string {
	if len(ids) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("stream")
	if len(ids) > 1 {
		b.WriteByte('s')
	}
	for i, id := range ids {
		if i == 6 {
			fmt.Fprintf(&b, " … %d in all", len(ids))
			break
		}
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, " %d", id)
	}
	return b.String()
}

// where prints the first site and what share of time it stands for.
func where(sites []Site, total int64, full bool) string {
	if len(sites) == 0 {
		return "unresolved"
	}
	s := sites[0]
	text := siteText(s, full)
	if s.Time < total {
		text += " (" + Percent(s.Time, total) + ")"
	}
	if len(sites) > 1 {
		text += fmt.Sprintf(" +%d", len(sites)-1)
	}
	return text
}

// siteOf is where work was launched with the op that launched it: the op alone where no
// source line is known.
func siteOf(sites []Site, ops []Op, total int64, full bool) string {
	op := ""
	if len(ops) > 0 {
		op = clean(ops[0].Name)
	}
	resolved := len(sites) > 0 && (sites[0].Path != "" || sites[0].Func != "")
	switch {
	case !resolved && op != "":
		return "op " + op
	case op != "" && sites[0].Method != "replay":
		return where(sites, total, full) + "  " + op
	}
	return where(sites, total, full)
}

func siteText(s Site, full bool) string {
	if s.Path == "" && s.Func == "" {
		return "unresolved"
	}
	p := s.Path
	if !full {
		p = shortPath(p)
	}
	if s.Method == "replay" && !full {
		p = p[strings.LastIndexByte(p, '/')+1:]
	}
	text := p
	if s.Func != "" {
		text += " " + s.Func
	}
	if s.Module != "" {
		text += " · " + s.Module
	}
	switch s.Method {
	case "replay":
		text = "replay: " + text
	case "neighbour": // another kernel stood at this place of the mapping trace
		text = "≈ " + text
	}
	return clean(text)
}

// shortPath drops the part every file of a framework shares.
func shortPath(p string) string {
	for _, prefix := range [...]string{"python/sglang/srt/", "python/sglang/", "vllm/model_executor/", "tensorrt_llm/_torch/"} {
		if rest, ok := strings.CutPrefix(p, prefix); ok {
			return rest
		}
	}
	return p
}
