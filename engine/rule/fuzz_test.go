package rule

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sgrules/sgrules/engine/diag"
)

// inside tells whether a position is in the file.
func inside(src []byte, p diag.Pos) bool {
	lines := strings.Split(string(src), "\n")
	return p.Line == 0 || p.Line <= len(lines)+1 && (p.Line > len(lines) || p.Col <= len(lines[p.Line-1])+1)
}

// FuzzDecode: no file makes the decoder or the compiler panic, every error has a place in the
// file and words, and the same file gives the same errors.
func FuzzDecode(f *testing.F) {
	files, _ := filepath.Glob("testdata/rules/*/*.yaml")
	more, _ := filepath.Glob("testdata/*.yaml")
	for _, file := range append(files, more...) {
		src, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(src)
	}
	f.Add([]byte(minimal))
	f.Add([]byte("fused: [\"\\x41\\u00e9 \\\n  k.b\"]"))
	f.Add([]byte("fused:\n- >\n  k.é\n\n\n   ==\n- |1-\n\n k.x"))
	env := testEnv(f, nil)
	f.Fuzz(func(t *testing.T, src []byte) {
		if len(src) > 8<<10 {
			return
		}
		r, list := Decode("f", src)
		_, again := Decode("f", src)
		if list.Error() != again.Error() {
			t.Fatalf("two readings differ:\n%s\n%s", list.Error(), again.Error())
		}
		if r == nil && len(list) == 0 {
			t.Fatal("neither a rule nor an error")
		}
		if r != nil {
			c, wrong := Compile(r, env)
			if (c == nil) != (len(wrong) > 0) {
				t.Fatalf("compiled %v with %v", c != nil, wrong)
			}
			list = append(list, wrong...)
			if c != nil {
				for _, side := range [][]*Alternative{c.Fused, c.Split} {
					for _, a := range side {
						for _, s := range a.Steps {
							if ok, err := s.Match(norm()); ok && err != nil {
								t.Fatal(err)
							}
						}
					}
				}
			}
		}
		fam, wrong := DecodeFamily("f", src)
		list = append(list, wrong...)
		if fam != nil {
			_, wrong = CompileFamily(fam, env)
			list = append(list, wrong...)
		}
		for _, decode := range []func() diag.List{
			func() diag.List { _, l := DecodeAliases("f", src); return l },
			func() diag.List { _, l := DecodeRetired("f", src); return l },
			func() diag.List { _, l := DecodeSites("f", src); return l },
		} {
			list = append(list, decode()...)
		}
		for _, d := range list {
			if d.Msg == "" || d.Code == "" || !inside(src, d.Pos) {
				t.Fatalf("a bad diagnostic: %+v", d)
			}
		}
	})
}

// FuzzSkim: where CEL and skim both understand a condition they give one tree, a prefilter never says
// no to a kernel that the condition binds, and a condition that does without CEL is one that CEL
// takes, and means the same.
func FuzzSkim(f *testing.F) {
	for _, c := range conditions {
		f.Add(c.text)
	}
	env := testEnv(f, nil)
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 400 {
			return
		}
		skimmedAlike(t, env.kernel, text)
		p, wrong := compileText(env, env.kernel, text)
		exact := plainText(env, env.kernel, text)
		if p == nil {
			if exact != nil {
				t.Fatalf("%q does without CEL, which refuses it: %s", text, wrong)
			}
			return
		}
		for _, c := range []*Class{norm(), {}} {
			holds, err := p.class(c, kernelType)
			if exact != nil {
				if got, _ := exact.class(c, kernelType); err != nil || got != holds {
					t.Fatalf("%q: plainly %v, CEL gives %v, %v", text, got, holds, err)
				}
			}
			if holds && err == nil && !newPrefilter(p.form, env.aliases).Test(c.Has) {
				t.Fatalf("%q holds and its prefilter does not", text)
			}
			if always, never := constancy(p.form); err == nil && (holds && never || !holds && always) {
				t.Fatalf("%q is constant and is not", text)
			}
		}
	})
}
