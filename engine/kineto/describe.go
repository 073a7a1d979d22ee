package kineto

import (
	"bytes"
	"fmt"
	"strconv"
)

// known are the first bytes of what people hand to a trace reader by mistake.
var known = []struct{ magic, what string }{
	{"PK\x03\x04", "a zip archive (unpack it first)"},
	{"BZh", "bzip2 data (unpack it first)"},
	{"\xfd7zXZ", "xz data (unpack it first)"},
	{"\x1f\x8b", "gzip data inside compressed data (unpack it once)"},
	{"\x28\xb5\x2f\xfd", "zstd data inside compressed data (unpack it once)"},
	{"SQLite format 3", "an SQLite database (an nsys or rocpd export?)"},
	{"\x7fELF", "a program"},
	{"\x80", "a Python pickle (a memory snapshot?)"},
	{"\xff\xfe", "UTF-16 text (save it as UTF-8)"},
	{"\xfe\xff", "UTF-16 text (save it as UTF-8)"},
	{"version https://git-lfs", "a Git LFS pointer (fetch the file itself)"},
	{"<", "HTML or XML (a login page?)"},
}

// describeSize is how much of an input describe looks at.
const describeSize = 32

// describe says what the first bytes of an input are.
func describe(b []byte) string {
	for _, k := range known {
		if bytes.HasPrefix(b, []byte(k.magic)) {
			return k.what
		}
	}
	if class[b[0]] == classBare || b[0] == '"' {
		return "text (" + strconv.QuoteToASCII(string(b[:min(len(b), 16)])) + ")"
	}
	return fmt.Sprintf("bytes % x", b[:min(len(b), 8)])
}
