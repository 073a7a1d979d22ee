package kineto

import (
	"bytes"
	"fmt"
	"testing"
)

// FuzzRead holds the reader against itself (with and without learned shapes, in whole
// and in small chunks) on any input, and against encoding/json where that accepts it.
func FuzzRead(f *testing.F) {
	for seed := range int64(40) {
		f.Add(newGen(seed).trace(4), uint16(seed*7))
	}
	for _, s := range []string{
		`[` + op(`say "b"`) + `,` + op("c") + `]`,
		`{"traceEvents":[` + op("a") + `],"x":"a"b","traceEvents":[` + op("c") + `]}`,
		`{"x":{"a":[}],"traceEvents" : [` + op("a") + `}`,
		`[{"ph":"B","cat":"cpu_op","name":"a","ts":1},{"ph":"E","ts":2},{"ph":"E","ts":3}]`,
		"\x1f\x8b\x08", "\xef\xbb\xbf[]", `{"traceEvents":[` + op("a") + `,` + op("b")[:40],
	} {
		f.Add([]byte(s), uint16(3))
	}
	f.Fuzz(func(t *testing.T, doc []byte, chunk uint16) {
		if len(doc) > 1<<16 {
			return
		}
		const limit = 1 << 22 // for what unpacks to more
		want := outcome(doc, Options{MaxBytes: limit})
		for _, o := range []Options{{general: true, MaxBytes: limit}, {ChunkSize: 1 + int(chunk), MaxBytes: limit, helpers: -1}, {ChunkSize: 1 + int(chunk), MaxBytes: limit, helpers: 2}} {
			same(t, fmt.Sprintf("chunk %d general %v", o.ChunkSize, o.general), outcome(doc, o), want)
		}
		ref, err := refRead(doc)
		if err != nil || bytes.HasPrefix(doc, magicGzip) || bytes.HasPrefix(doc, magicZstd) {
			return
		}
		same(t, "reference", lines(read(t, doc, Options{})), ref)
	})
}
