package symbol

import "strings"

const (
	// maxName is how much of a name is looked at; real ones are under ten KiB.
	maxName = 1 << 20
	// maxIdent is the longest identifier that a reader of generated names looks at.
	maxIdent = 1 << 14
)

// reader takes one family of generated names apart. It gets the bare function name and
// returns false, having written nothing, where the name is not of its family.
type reader func(s *Symbol, name string) bool

// readers are tried in this order on a name without namespace and template arguments; each
// is anchored at the start of the name, so that at most one of them can match.
var readers = [...]reader{
	readInductor, readNvjet, readTensile, readTRTLLM, readCuteDSL, readNCCL,
	readXMMA, readLegacyGEMM, readMIOpen, readTritonRepr,
}

// Parse takes a kernel name apart. Every string is accepted: of what is no kernel name
// only Raw, Full, Base and Words are set. The result depends on the name alone, its cost
// is bounded by the length, and Raw is always the whole name. Parsing Full again gives
// the same Namespace, Base and Args for a C++ name.
func Parse(name string) Symbol {
	s := Symbol{Raw: name}
	if len(name) > maxName {
		name = name[:maxName]
	}
	name = stripSuffix(strings.TrimSpace(name))
	if readMemory(&s, name) {
		s.Full = name
		s.Words = words(s.Base)
		return s
	}
	if strings.HasPrefix(name, "_Z") {
		if plain, ok := demangled(name); ok {
			name = stripSuffix(plain)
		} else if ns, base, ok := mangledPath(name); ok {
			s.Full, s.Namespace, s.Base = name, ns, base
			s.Generator = generatorOf(&s, nil)
			s.Words = words(s.Base)
			return s
		}
	}
	path, full := splitName(name)
	s.Full = full
	if len(path) == 0 {
		s.Base = full
	} else {
		last := path[len(path)-1]
		s.Base, s.Params = last.name, last.params
		s.Namespace = joinNamespace(path[:len(path)-1])
		for _, a := range splitArgs(last.args) {
			s.Args = append(s.Args, normalizeArg(a))
		}
	}
	if s.Base == "" {
		s.Base = full
	}
	if !readIdentifier(&s) {
		s.Generator = generatorOf(&s, path)
		readTemplate(&s)
	}
	s.Words = words(s.Base)
	return s
}

// readIdentifier reads the name of a function that generates its own name; such functions
// have no namespace and no template arguments, and parameters only with NCCL.
func readIdentifier(s *Symbol) bool {
	if s.Namespace != "" || s.Args != nil || len(s.Base) > maxIdent {
		return false
	}
	for _, r := range readers {
		if r(s, s.Base) {
			return true
		}
	}
	return false
}

// cloneSuffixes are what compilers append to a function's name: the kernel descriptor of
// AMD's code objects, and the clones of GCC and LLVM. What follows the dot is a number.
var cloneSuffixes = []string{".kd", ".cold", ".llvm.", ".isra.", ".constprop.", ".part.", ".lto_priv.", ".__uniq.", ".clone."}

// stripSuffix takes the compiler's suffixes off the end of a name: " [clone .kd]",
// " (.kd)", ".kd", ".llvm.1234" and the like, however many.
func stripSuffix(name string) string {
	for {
		n := strings.TrimRight(name, " ")
		if strings.HasSuffix(n, "]") {
			if i := strings.LastIndex(n, " [clone "); i > 0 {
				name = n[:i]
				continue
			}
		}
		n = strings.TrimSuffix(n, " (.kd)")
		digits := strings.TrimRight(n, "0123456789")
		for _, suf := range cloneSuffixes {
			switch {
			case !strings.HasSuffix(suf, "."):
				n = strings.TrimSuffix(n, suf)
			case len(digits) < len(n) && strings.HasSuffix(digits, suf):
				n = strings.TrimSuffix(digits, suf)
			}
		}
		if n == name || n == "" {
			return name
		}
		name = n
	}
}
