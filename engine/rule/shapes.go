package rule

// A shape is the keys that a YAML object may have, in the order in which files write them. The
// JSON schemas in rules/schema say the same, and a test holds the two together.
type shape struct {
	name string // what an error calls the object
	keys []key
}

type key struct {
	name     string
	required bool
}

func (s *shape) names() []string {
	out := make([]string, len(s.keys))
	for i, k := range s.keys {
		out[i] = k.name
	}
	return out
}

func (s *shape) has(name string) bool {
	for i := range s.keys {
		if s.keys[i].name == name {
			return true
		}
	}
	return false
}

func need(name string) key { return key{name, true} }
func may(name string) key  { return key{name, false} }

var (
	ruleShape = shape{"a rule", []key{
		need("id"), need("kind"), need("title"), need("origin"), need("status"), need("domain"), may("priority"), may("pulls"), may("covers"),
		need("sources"), may("switches"), may("applies"), may("requires"), may("fused"), may("split"), may("overlapped"), may("serial"),
		need("path"), need("conclude"), may("unseen"),
	}}
	switchShape = shape{"a switch", []key{
		need("name"), need("kind"), may("default"), may("source"), may("effect"),
	}}
	requireShape = shape{"a requirement", []key{
		may("when"), may("unless"), may("because"), may("verdict"),
	}}
	alternativeShape = shape{"an alternative", []key{
		may("name"), may("only"), may("match"), may("chain"), may("beside"), may("where"), may("residue"), may("by_design"),
	}}
	stepShape = shape{"a step", []key{
		need("as"), need("match"), may("skip"), may("optional"), may("many"),
	}}
	residueShape    = shape{"a residue", []key{need("per_step"), need("because")}}
	familyShape     = shape{"a family", []key{need("family"), need("title"), may("priority"), need("match")}}
	aliasesShape    = shape{"the aliases", []key{may("paths"), may("symbols")}}
	aliasShape      = shape{"an alias", []key{need("now"), need("was")}}
	sitesShape      = shape{"the sites", []key{may("packages"), may("wrappers"), may("foreign")}}
	packageShape    = shape{"a package", []key{need("package"), need("prefix"), may("framework")}}
	wrapperShape    = shape{"a wrapper", []key{need("path"), may("function")}}
	exceptionsShape = shape{"the exceptions", []key{need("exceptions")}}
	exceptionShape  = shape{"an exception", []key{need("check"), may("rule"), may("family"), may("at"), need("because")}}
	retiredFile     = shape{"the retired rules", []key{need("retired")}}
	retiredShape    = shape{"a retired rule", []key{need("id"), need("since"), need("because"), may("replaced_by")}}
)
