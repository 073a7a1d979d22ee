package rule

// WithoutRules is the set with its families and aliases and none of its rules.
func (s *Set) WithoutRules() *Set {
	out, err := newSet(nil, s.familyList(), s.retired, s.aliases, s.sources)
	if err != nil { // the same environment was made once before
		return s
	}
	return out
}

func (s *Set) familyList() []*Family { return s.Families() }
