package kineto

import (
	"encoding/json"
	"math/rand"
	"testing"
	"unicode/utf8"
)

func TestUnescape(t *testing.T) {
	for _, c := range [][2]string{
		{``, ""},
		{`plain`, "plain"},
		{`a\"b\\c\/d`, `a"b\c/d`},
		{`\b\f\n\r\t`, "\b\f\n\r\t"},
		{`\u0041\u00e9\u20AC`, "Aé€"},
		{`\ud83d\ude00`, "😀"},
		{`\ud83d`, "\ufffd"},
		{`\ude00\ud83d`, "\ufffd\ufffd"},
		{`\ud83dx`, "\ufffdx"},
		{`\ud83d\u0041`, "\ufffdA"},
		{`\ud83d\ud83d\ude00`, "\ufffd😀"},
		{"a\xffb", "a\ufffdb"},
		{"\xe2\x82", "\ufffd\ufffd"},
		{"\xff\\n\xff", "\ufffd\n\ufffd"},
		// What no JSON writer may write.
		{`C:\Users\qwen`, `C:\Users\qwen`},
		{`\u12`, `\u12`},
		{`\u12g4`, `\u12g4`},
		{`cut\`, "cut"},
		{`\'`, `\'`},
		{"tab\tin", "tab\tin"},
	} {
		if got := string(unescape(nil, []byte(c[0]))); got != c[1] {
			t.Errorf("unescape(%q) = %q, want %q", c[0], got, c[1])
		}
	}
}

// TestUnescapeLikeJSON compares with encoding/json on random strings that it accepts.
func TestUnescapeLikeJSON(t *testing.T) {
	g := rand.New(rand.NewSource(2))
	parts := []string{`\n`, `\\`, `\"`, `\ud83d`, `\ude00`, `\u0041`, `\uDBFF\uDFFF`, "é", "\xff", "\xe2\x82", "a", " ", "\U0001f600", "\xed\xa0\x80"}
	for range 5000 {
		raw := ""
		for range g.Intn(8) {
			raw += parts[g.Intn(len(parts))]
		}
		var want string
		if err := json.Unmarshal([]byte(`"`+raw+`"`), &want); err != nil {
			t.Fatal(err)
		}
		got := string(unescape(nil, []byte(raw)))
		if got != want || !utf8.ValidString(got) {
			t.Fatalf("unescape(%q) = %q, want %q", raw, got, want)
		}
	}
}

func TestNames(t *testing.T) {
	n := NewNames()
	if n.Len() != 1 || n.Text(0) != "" {
		t.Fatal("a new table does not hold the empty string alone")
	}
	if id := n.InternString(""); id != 0 {
		t.Errorf("the empty string is %d", id)
	}
	seen := map[string]NameID{}
	g := rand.New(rand.NewSource(3))
	for range 20000 {
		s := string(rune('a'+g.Intn(26))) + string(rune(g.Intn(5000)))
		id := n.Intern([]byte(s))
		if old, ok := seen[s]; ok && old != id || !ok && int(id) != len(seen)+1 {
			t.Fatalf("%q has id %d", s, id)
		}
		seen[s] = id
		if got, ok := n.Lookup(s); !ok || got != id || n.Text(id) != s || n.InternString(s) != id {
			t.Fatalf("%q is not found again", s)
		}
	}
	if _, ok := n.Lookup("never interned"); ok || n.Len() != len(seen)+1 {
		t.Error("a look-up added a name")
	}
}

func TestSpans(t *testing.T) {
	var c Spans
	const n = 2*slabSize + 100
	at := func(i int) Span {
		s := Span{Ts: int64(i) * 1e12, Dur: int64(i), Name: NameID(i), Thread: ThreadID(i % 7)}
		if i%1000 == 0 {
			s.Dur = int64(i)*1e9 + longDur // more than 32 bits
		}
		return s
	}
	for i := range n {
		c.Append(at(i))
	}
	if c.Len() != n {
		t.Fatal(c.Len())
	}
	for i := range n {
		if c.At(i) != at(i) {
			t.Fatalf("span %d is %v, want %v", i, c.At(i), at(i))
		}
	}
}
