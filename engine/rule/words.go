package rule

import (
	"fmt"
	"strconv"
	"strings"
)

// Bounds of what a file may hold. Files come from strangers, and a chain or a condition that
// is larger than this is a mistake.
const (
	maxFile     = 1 << 20 // bytes of one file
	maxDepth    = 16      // nesting of YAML nodes
	maxKeys     = 64      // keys of one mapping
	maxRefused  = 20      // aliases, anchors and tags that are reported one by one
	maxText     = 4 << 10 // bytes of one text
	maxExpr     = 4 << 10 // bytes of one CEL expression
	maxNodes    = 1000    // nodes of one checked CEL expression
	maxPulls    = 64
	maxCovers   = 32
	maxSources  = 64
	maxSwitches = 32
	maxRequires = 32
	maxAlts     = 64   // alternatives of one side
	maxSteps    = 32   // steps of a chain
	maxAliases  = 4096 // entries of aliases.yaml and of retired.yaml
	maxSites    = 1024 // entries of one list of sites.yaml
	maxSpelling = 32   // former spellings of one alias
	maxFamily   = 256  // expressions of one family

	// MaxMany is the most kernels that a step with `many: true` binds.
	MaxMany = 32
	// DefaultPriority is the priority of a rule or family that states none.
	DefaultPriority = 50
)

// vocabulary is a closed list of words.
type vocabulary []string

func (v vocabulary) has(s string) bool {
	for _, w := range v {
		if w == s {
			return true
		}
	}
	return false
}

func (v vocabulary) String() string { return strings.Join(v, ", ") }

// The closed vocabularies of rule files, in the order in which the documentation has them.
var (
	kinds       = vocabulary{"fuse", "overlap"}
	origins     = vocabulary{"sglang", "flashinfer", "vllm", "tensorrt-llm", "tokenspeed", "torch"}
	statuses    = vocabulary{"mainline", "in-flight", "withdrawn", "no-fusion", "no-overlap"}
	domains     = vocabulary{"llm", "vlm", "diffusion", "disaggregation", "hisparse", "speculative"}
	switchKinds = vocabulary{"arg", "env", "config"}
	verdicts    = vocabulary{"unsupported", "disabled", "by-design"}

	frameworks   = vocabulary{"sglang", "vllm", "tensorrt-llm", "tokenspeed", ""}
	vendors      = vocabulary{"nvidia", "amd", ""}
	activities   = vocabulary{"kernel", "memcpy", "memset"}
	attributions = vocabulary{"launch", "replay", "aligned", "none"}
)

// reserved are the words that cannot name a step: CEL's keywords and reserved identifiers,
// and its type names, which are identifiers that mean something already.
var reserved = vocabulary{
	"as", "break", "const", "continue", "else", "false", "for", "function", "if", "import", "in",
	"let", "loop", "namespace", "null", "package", "return", "true", "var", "void", "while",
	"bool", "bytes", "double", "duration", "dyn", "int", "list", "map", "null_type", "optional_type",
	"run", "string", "timestamp", "type", "uint",
}

func errf(format string, args ...any) error { return fmt.Errorf(format, args...) }

func isLower(c byte) bool { return c >= 'a' && c <= 'z' }
func isDigit(c byte) bool { return c >= '0' && c <= '9' }
func isWord(c byte) bool {
	return isLower(c) || isDigit(c) || c == '_' || c >= 'A' && c <= 'Z'
}

// isKebab tells words of lower-case letters and digits joined by single hyphens, that begin
// with a letter: at most 80 bytes.
func isKebab(s string) bool {
	if s == "" || len(s) > 80 || !isLower(s[0]) || s[len(s)-1] == '-' {
		return false
	}
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case isLower(c) || isDigit(c):
		case c == '-' && s[i-1] != '-':
		default:
			return false
		}
	}
	return true
}

// isIdent tells a CEL identifier of at most 40 bytes that is not reserved.
func isIdent(s string) bool {
	if s == "" || len(s) > 40 || isDigit(s[0]) || reserved.has(s) {
		return false
	}
	for i := 0; i < len(s); i++ {
		if !isWord(s[i]) {
			return false
		}
	}
	return true
}

// isRepoPath tells a relative path with slashes that does not leave its root.
func isRepoPath(s string) bool {
	if s == "" || len(s) > 400 || s[0] == '/' {
		return false
	}
	for _, part := range strings.Split(s, "/") {
		if part == "" || part == "." || part == ".." {
			return false
		}
	}
	for i := 0; i < len(s); i++ {
		if c := s[i]; c <= ' ' || c == 0x7f || c == '\\' || c == ':' {
			return false
		}
	}
	return true
}

// isSymbol tells identifiers joined by dots, or by :: for C++.
func isSymbol(s string) bool {
	if len(s) > 200 {
		return false
	}
	for _, part := range strings.Split(strings.ReplaceAll(s, "::", "."), ".") {
		if part == "" || isDigit(part[0]) {
			return false
		}
		for i := 0; i < len(part); i++ {
			if !isWord(part[i]) {
				return false
			}
		}
	}
	return true
}

func quote(s string) string { return strconv.Quote(s) }

// suggest is the candidate that s was most likely meant to be, or "". Ties go to the first.
func suggest(s string, candidates []string) string {
	best, least := "", 1 // case alone
	if len(s) >= 2 {
		least = min(3, (len(s)+2)/4) + 1
	}
	for _, c := range candidates {
		if c == "" || len(c)-len(s) >= least || len(s)-len(c) >= least {
			continue
		}
		if d := distance(strings.ToLower(s), strings.ToLower(c)); d < least {
			best, least = c, d
		}
	}
	return best
}

// distance counts the insertions, deletions, replacements and swaps of neighbours that turn a
// into b. Both are short: callers bound them.
func distance(a, b string) int {
	if len(a) > 100 || len(b) > 100 {
		return 100
	}
	var before, last []int
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		before, last, row = last, row, make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(row[j-1]+1, last[j]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
	}
	return row[len(b)]
}

func didYouMean(s string, candidates []string) string {
	if c := suggest(s, candidates); c != "" {
		return "did you mean " + c + "?"
	}
	return ""
}
