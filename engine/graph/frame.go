package graph

import (
	"strconv"
	"strings"

	"github.com/sgrules/sgrules/engine/kineto"
)

// Frame is one Python frame of a trace, or an nn.Module scope, taken apart.
type Frame struct {
	// Path is the source file, relative to its repository where the package is known
	// ("python/sglang/srt/models/utils.py"), as written otherwise; "" for an nn.Module
	// scope or a built-in.
	Path string
	// Func is the function's name, Line the line of its call or definition as recorded.
	Func string
	Line int
	// Module is the class of an nn.Module scope ("Qwen3Attention"), else "".
	Module string
	// Package indexes Packages; -1 for code of no known package.
	Package int
	// Wrapper tells a frame that only forwards a call and is never the site shown.
	Wrapper bool
	// Foreign tells the interpreter, torch, its compilers and other plumbing, which is
	// shown only where a stack has nothing else.
	Foreign bool
}

// Package is a Python package whose files are shown relative to its repository.
type Package struct {
	Name      string // directory that holds the package: "sglang"
	Prefix    string // where it stands in its repository: "python/sglang"
	Framework string // the serving framework it is: "sglang"; "" for a library
}

// Wrapper is a function, or with Func "" a whole file, that only forwards calls.
type Wrapper struct {
	Path string // relative to its repository, as Frame.Path
	Func string
}

// Policy chooses the frame that is shown for a kernel. It is data: rules/sites.yaml.
type Policy struct {
	Packages []Package
	Wrappers []Wrapper
	// Foreign are path prefixes or package directories of plumbing ("torch", "triton").
	Foreign []string
}

// Frames parses and keeps the Python frames of one trace, one entry a distinct name.
type Frames struct {
	policy   Policy
	wrappers map[Wrapper]bool
	pkg      map[string]int
	foreign  map[string]bool
	byName   []uint32         // by kineto.NameID: one more than the frame; 0 not yet parsed
	byFrame  map[Frame]uint32 // frames adopted from another trace
	list     []Frame
}

func newFrames(p Policy) *Frames {
	f := &Frames{
		policy:   p,
		wrappers: map[Wrapper]bool{},
		pkg:      map[string]int{},
		foreign:  map[string]bool{},
		byFrame:  map[Frame]uint32{},
	}
	for _, w := range p.Wrappers {
		f.wrappers[w] = true
	}
	for i, pk := range p.Packages {
		f.pkg[pk.Name] = i
	}
	for _, d := range p.Foreign {
		f.foreign[d] = true
	}
	return f
}

// Packages gives the packages of the policy.
func (f *Frames) Packages() []Package { return f.policy.Packages }

// At gives frame id.
func (f *Frames) At(id uint32) *Frame { return &f.list[id] }

// Len is the number of distinct frames.
func (f *Frames) Len() int { return len(f.list) }

func (f *Frames) intern(names *kineto.Names, name kineto.NameID) uint32 {
	if int(name) >= len(f.byName) {
		f.byName = append(f.byName, make([]uint32, names.Len()-len(f.byName))...)
	}
	if id := f.byName[name]; id != 0 {
		return id - 1
	}
	id := uint32(len(f.list))
	f.byName[name] = id + 1
	f.list = append(f.list, f.parse(names.Text(name)))
	return id
}

// adopt gives the id of a frame of another trace, parsed by the same policy.
func (f *Frames) adopt(other *Frame) uint32 {
	if id, ok := f.byFrame[*other]; ok {
		return id
	}
	id := uint32(len(f.list))
	f.list = append(f.list, *other)
	f.byFrame[*other] = id
	return id
}

// parse reads torch's spelling of a frame: "path/file.py(12): function", or
// "nn.Module: Class_0", or "<built-in method …>".
func (f *Frames) parse(s string) Frame {
	fr := Frame{Package: -1}
	if rest, ok := strings.CutPrefix(s, "nn.Module: "); ok {
		fr.Module = rest
		if i := strings.LastIndexByte(rest, '_'); i > 0 && digits(rest[i+1:]) {
			fr.Module = rest[:i]
		}
		return fr
	}
	path, line, fn, ok := splitFrame(s)
	if !ok {
		fr.Func, fr.Foreign = s, true
		return fr
	}
	fr.Line, fr.Func = line, fn
	fr.Path, fr.Package = f.relative(path)
	fr.Wrapper = f.wrappers[Wrapper{fr.Path, ""}] || f.wrappers[Wrapper{fr.Path, fn}]
	fr.Foreign = fr.Package < 0 && f.isForeign(fr.Path)
	return fr
}

func splitFrame(s string) (path string, line int, fn string, ok bool) {
	i := strings.Index(s, "): ")
	if i < 0 {
		return "", 0, "", false
	}
	j := strings.LastIndexByte(s[:i], '(')
	if j <= 0 || !digits(s[j+1:i]) {
		return "", 0, "", false
	}
	line, err := strconv.Atoi(s[j+1 : i])
	if err != nil {
		return "", 0, "", false
	}
	return s[:j], line, s[i+3:], true
}

func digits(s string) bool {
	if s == "" {
		return false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// relative makes a path relative to the repository of its package. The package is the
// last path element of its name that holds the file and is not itself only the
// repository's or project's directory: .../sglang/python/sglang/srt/x.py and
// .../site-packages/sglang/srt/x.py both give python/sglang/srt/x.py.
func (f *Frames) relative(path string) (string, int) {
	clean := strings.ReplaceAll(path, "\\", "/")
	from := 0
	for _, mark := range [...]string{"/site-packages/", "/dist-packages/"} {
		if i := strings.LastIndex(clean, mark); i >= 0 && i+len(mark) > from {
			from = i + len(mark)
		}
	}
	rest := clean[from:]
	parts := strings.Split(rest, "/")
	if from > 0 && len(parts) > 1 { // installed: the first element is the package
		if i, ok := f.pkg[parts[0]]; ok {
			return f.join(i, parts[1:]), i
		}
		return rest, -1
	}
	for i, p := range parts[:len(parts)-1] {
		k, ok := f.pkg[p]
		if !ok {
			continue
		}
		// A checkout repeats the name further down (vllm/vllm, sglang/python/sglang,
		// diffusers/src/diffusers): the inner one is the package. A package never holds a
		// directory of its own name directly below itself or below python/ or src/.
		next := parts[i+1]
		if next == p || next == "python" && i+2 < len(parts)-1 || next == "src" && i+2 < len(parts)-1 && parts[i+2] == p {
			continue
		}
		if inner, at := f.innerCheckout(parts, i); inner >= 0 {
			return f.join(inner, parts[at+1:]), inner
		}
		return f.join(k, parts[i+1:]), k
	}
	return clean, -1
}

// innerCheckout finds, behind element i, a checkout's own layout ("python/sglang",
// "vllm/vllm", "src/transformers"): a directory named like a package above it was only somebody's home.
func (f *Frames) innerCheckout(parts []string, i int) (pkg, at int) {
	for j := i + 1; j < len(parts)-1; j++ {
		k, ok := f.pkg[parts[j]]
		if ok && (parts[j-1] == "python" || parts[j-1] == "src" && j >= 2 && parts[j-2] == parts[j] || parts[j-1] == parts[j]) {
			return k, j
		}
	}
	return -1, 0
}

func (f *Frames) join(pkg int, rest []string) string {
	return f.policy.Packages[pkg].Prefix + "/" + strings.Join(rest, "/")
}

func (f *Frames) isForeign(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	if f.foreign[first] {
		return true
	}
	for p := path; ; {
		i := strings.IndexByte(p, '/')
		if i < 0 {
			return false
		}
		if i > 0 && f.foreign[p[:i]] {
			return true
		}
		p = p[i+1:]
	}
}

// Site is the frame shown for a stack: the innermost frame of a serving framework that
// is no wrapper; else the innermost of a known library; else the innermost that is not
// plumbing. ok is false where the stack has none.
func (g *Graph) Site(stack StackID) (id uint32, ok bool) {
	best, rank := uint32(0), 0
	for s := stack; s != 0; s = g.Py.Parent(s) {
		e, _ := g.Py.Top(s)
		fr := g.Frames.At(e)
		r := 0
		switch {
		case fr.Path == "" || fr.Wrapper || fr.Foreign:
		case fr.Package >= 0 && g.Frames.policy.Packages[fr.Package].Framework != "":
			r = 3
		case fr.Package >= 0:
			r = 2
		default:
			r = 1
		}
		if r > rank {
			best, rank = e, r
		}
		if rank == 3 {
			break
		}
	}
	return best, rank > 0
}

// Module gives the class of the innermost nn.Module scope of a stack; "" where none was
// recorded.
func (g *Graph) Module(stack StackID) string {
	for s := stack; s != 0; s = g.Py.Parent(s) {
		e, _ := g.Py.Top(s)
		if m := g.Frames.At(e).Module; m != "" {
			return m
		}
	}
	return ""
}
