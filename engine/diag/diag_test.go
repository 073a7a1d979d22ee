package diag

import (
	"errors"
	"strings"
	"testing"
)

func TestPos(t *testing.T) {
	for _, c := range []struct {
		p    Pos
		want string
	}{
		{Pos{File: "a.yaml", Line: 3, Col: 7}, "a.yaml:3:7"},
		{Pos{File: "a.yaml", Line: 3}, "a.yaml:3"},
		{Pos{File: "t.json", Offset: 912}, "t.json: byte 912"},
		{Pos{File: "t.json"}, "t.json"},
		{Pos{}, "<input>"},
	} {
		if got := c.p.String(); got != c.want {
			t.Errorf("%+v: got %q, want %q", c.p, got, c.want)
		}
	}
}

func TestPrint(t *testing.T) {
	var l List
	l.Add(Diagnostic{Pos: Pos{File: "b.yaml", Line: 2, Col: 5}, EndCol: 9, Code: "unknown-key", Msg: `unknown key "nmae"`, Hint: "did you mean name?"})
	l.Addf(Pos{File: "a.yaml", Line: 9, Col: 1}, "gone", "line %d is not there", 9)
	l.Add(Diagnostic{Pos: Pos{File: "b.yaml", Line: 1, Col: 40}, Severity: Warning, Msg: "behind the end"})
	l.Add(Diagnostic{Pos: Pos{File: "z.json", Offset: 5}, Msg: "esc \x1b[31m and \u202e"})
	var b strings.Builder
	if err := l.Print(&b, map[string][]byte{"b.yaml": []byte("id: x\r\n\tx: nmae: y\n"), "a.yaml": []byte("one line")}, 0); err != nil {
		t.Fatal(err)
	}
	want := `a.yaml:9:1: error: line 9 is not there [gone]
b.yaml:1:40: warning: behind the end
  | id: x
  |      ^
b.yaml:2:5: error: unknown key "nmae" [unknown-key]
  |  x: nmae: y
  |     ^^^^
  = did you mean name?
z.json: byte 5: error: esc ␛[31m and ` + "\ufffd\n"
	if got := b.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestPrintCaps(t *testing.T) {
	var l List
	for i := range 5 {
		l.Addf(Pos{File: "a", Line: i + 1}, "x", "m")
	}
	var b strings.Builder
	if err := l.Print(&b, nil, 2); err != nil {
		t.Fatal(err)
	}
	if got := b.String(); !strings.HasSuffix(got, "… and 3 more\n") || strings.Count(got, "\n") != 3 {
		t.Errorf("got %q", got)
	}
}

func TestLongLineKeepsTheCaretUnderItsPlace(t *testing.T) {
	line := strings.Repeat("ä", 300) + "HERE" + strings.Repeat("ö", 300)
	l := List{{Pos: Pos{File: "f", Line: 1, Col: 601}, EndCol: 605, Msg: "m"}}
	var b strings.Builder
	if err := l.Print(&b, map[string][]byte{"f": []byte(line)}, 0); err != nil {
		t.Fatal(err)
	}
	rows := strings.Split(b.String(), "\n")
	at := strings.Index(rows[2], "^")
	if got := []rune(rows[1])[at : at+4]; string(got) != "HERE" || !strings.HasSuffix(rows[2], "^^^^") {
		t.Errorf("the caret stands under %q:\n%s", string(got), b.String())
	}
	if n := len([]rune(rows[1])); n > 170 {
		t.Errorf("a snippet of %d columns", n)
	}
}

func TestErr(t *testing.T) {
	var l List
	if l.Err() != nil {
		t.Error("an empty list is an error")
	}
	l.Add(Diagnostic{Severity: Warning, Msg: "w"})
	if l.Err() != nil || l.Errors() != 0 {
		t.Error("a warning is an error")
	}
	l.Addf(Pos{File: "b"}, "c", "second")
	l.Addf(Pos{File: "a"}, "c", "first")
	err := l.Err()
	var list List
	if !errors.As(err, &list) || len(list) != 3 || !strings.Contains(err.Error(), "a: first [c]\nb: second [c]") {
		t.Errorf("got %v", err)
	}
}

func TestEscape(t *testing.T) {
	for in, want := range map[string]string{
		"plain": "plain", "tab\there": "tab here", "\x00\x1f\x7f": "␀␟␡", "a\u0085b": "a\ufffdb", "\xff": "\ufffd", "über": "über", "\u2028": "\ufffd",
	} {
		if got := Escape(in); got != want {
			t.Errorf("Escape(%q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzPrint(f *testing.F) {
	f.Add("a: b\n\x1b[0m", 1, 3, 9)
	f.Add("", 0, 0, 0)
	f.Add("ä\xffö", 1, 2, 2)
	f.Add("0"+strings.Repeat("\x85", 300), 1, 210, 44)
	f.Fuzz(func(t *testing.T, src string, line, col, end int) {
		l := List{{Pos: Pos{File: "f", Line: line % 50, Col: col % 5000}, EndCol: end % 5000, Msg: src, Hint: src}}
		var b strings.Builder
		if err := l.Print(&b, map[string][]byte{"f": []byte(src)}, 0); err != nil {
			t.Fatal(err)
		}
		if strings.ContainsAny(b.String(), "\x1b\x00\x07\r") {
			t.Errorf("a control character came through: %q", b.String())
		}
	})
}
