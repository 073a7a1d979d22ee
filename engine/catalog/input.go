package catalog

import (
	"bytes"
	"sort"
	"strings"
	"unicode/utf8"

	"github.com/sgrules/sgrules/engine/diag"
)

// Bounds of what a catalog may hold. The Markdown parser needs quadratic time for some texts
// without blank lines, and no person writes a paragraph of 8 KiB.
const (
	maxCatalog   = 1 << 20 // bytes of one file
	maxLine      = 8 << 10 // bytes of one line
	maxParagraph = 8 << 10 // bytes of lines that no blank line parts, tables apart
	maxBlock     = 64 << 10
	maxSections  = 2000 // patterns of one catalog
	maxCatalogs  = 64
)

// input is the text of one file with its line starts. Its line breaks are single line feeds.
type input struct {
	file  string
	data  []byte
	lines []int // the offset at which each line begins
}

func newInput(file string, data []byte) *input {
	in := &input{file: file, data: bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n")), lines: []int{0}}
	for i, c := range in.data {
		if c == '\n' {
			in.lines = append(in.lines, i+1)
		}
	}
	return in
}

// lineOf is the line, from 1, in which a byte offset lies.
func (in *input) lineOf(off int) int {
	return sort.Search(len(in.lines), func(i int) bool { return in.lines[i] > off })
}

// pos is the position of a byte offset.
func (in *input) pos(off int) diag.Pos {
	off = max(0, min(off, len(in.data)))
	line := in.lineOf(off)
	return diag.Pos{File: in.file, Line: line, Col: off - in.lines[line-1] + 1}
}

// line is the text of a line, from 1, without its break; "" behind the end.
func (in *input) line(n int) string {
	if n < 1 || n > len(in.lines) {
		return ""
	}
	end := len(in.data)
	if n < len(in.lines) {
		end = in.lines[n] - 1
	}
	return string(in.data[in.lines[n-1]:end])
}

// check refuses what cannot be read in bounded time and what an editor does not show.
func (in *input) check() (out diag.List) {
	if out = in.plain(); len(out) == 0 {
		out = in.paragraphs()
	}
	return out
}

// plain looks at size and characters.
func (in *input) plain() (out diag.List) {
	if len(in.data) > maxCatalog {
		out.Addf(diag.Pos{File: in.file}, "too-large", "the file has %d bytes, at most %d are allowed", len(in.data), maxCatalog)
		return out
	}
	for i := 0; i < len(in.data); {
		r, n := utf8.DecodeRune(in.data[i:])
		if isControl(r) || r == utf8.RuneError && n == 1 {
			out.Addf(in.pos(i), "character", "the byte 0x%02x is not allowed here: files are UTF-8 with ordinary line breaks", in.data[i])
			return out
		}
		i += n
	}
	return out
}

// paragraphs bounds what the Markdown parser sees at once.
func (in *input) paragraphs() (out diag.List) {
	run, fence := 0, ""
	for n := 1; n <= len(in.lines); n++ {
		l := in.line(n)
		at := diag.Pos{File: in.file, Line: n, Col: 1}
		if len(l) > maxLine {
			out.Addf(at, "too-large", "the line has %d bytes, at most %d are allowed", len(l), maxLine)
			continue
		}
		mark := fenceOf(l)
		switch {
		case fence == "" && mark != "":
			fence, run = mark, 0
		case fence != "" && strings.HasPrefix(mark, fence) && strings.TrimSpace(l) == mark:
			fence, run = "", 0
		case strings.TrimSpace(l) == "" && fence == "", fence == "" && strings.HasPrefix(l, "|"):
			run = 0
		default:
			most := maxParagraph
			if fence != "" {
				most = maxBlock
			}
			if before := run; run+len(l)+1 > most && before <= most {
				out.Addf(at, "too-large", "the paragraph or block has more than %d bytes here", most)
			}
			run += len(l) + 1
		}
	}
	return out
}

// fenceOf is the run of backticks or tildes with which a line opens or closes a fenced block, or "".
func fenceOf(line string) string {
	s := strings.TrimLeft(line, " ")
	if len(line)-len(s) > 3 || s == "" || s[0] != '`' && s[0] != '~' {
		return ""
	}
	n := len(s) - len(strings.TrimLeft(s, s[:1]))
	if n < 3 || s[0] == '`' && strings.Contains(s[n:], "`") {
		return ""
	}
	return s[:n]
}

// isControl tells the characters that text must not have: controls but the line feed and the tab,
// and the line breaks that only YAML counts as such.
func isControl(r rune) bool {
	return r < 0x20 && r != '\n' && r != '\t' || r >= 0x7f && r < 0xa0 || r == 0x2028 || r == 0x2029 ||
		r == 0xfeff || r == 0xfffe || r == 0xffff
}
