package kineto

// Bounds on the process groups of distributedInfo.
const (
	maxGroups     = 4096
	maxGroupRanks = 1 << 20 // of all groups together
)

// Collective is what the profiler wrote beside a kernel of a communication library. Empty
// texts are unknown.
type Collective struct {
	Name  NameID // "Collective name": allreduce, _allgather_base, send, …
	Group NameID // "Process Group Name"
	Ranks NameID // "Process Group Ranks" as written: [0, 1]; the middle of a long list is left out
}

// Group is a process group that the rank is in: the global ranks of its members.
type Group struct {
	Name  string
	Ranks []int64
}

// collective gives the place of the event's collective in Trace.Collectives; 0 none.
func (s *scanner) collective() int32 {
	const mask = 1<<argCollective | 1<<argGroup | 1<<argRanks
	if s.event.set&mask == 0 {
		return 0
	}
	c := Collective{s.name(argCollective), s.name(argGroup), s.name(argRanks)}
	id, ok := s.colls[c]
	if !ok {
		if len(s.t.Collectives) == 0 {
			s.t.Collectives = append(s.t.Collectives, Collective{})
		}
		id = int32(len(s.t.Collectives))
		s.colls[c] = id
		s.t.Collectives = append(s.t.Collectives, c)
	}
	return id
}

const (
	groupName field = iota + distGroups + 1
	groupRanks
)

func groupField(key []byte) field {
	switch string(key) {
	case "pg_name":
		return groupName
	case "ranks":
		return groupRanks
	}
	return fieldNone
}

// group reads one entry of pg_config.
func (s *scanner) group() error {
	if s.buf[s.pos] != '{' || len(s.t.Groups) == maxGroups {
		return s.skipValue()
	}
	var g Group
	s.pos++
	err := s.members(groupField, func(f field) (err error) {
		switch {
		case f == groupName:
			g.Name, err = s.textValue()
			return err
		case f == groupRanks && s.buf[s.pos] == '[':
			g.Ranks = nil
			return s.elements(func() error {
				n, err := s.integerValue(-1)
				if n >= 0 && s.groupRanks < maxGroupRanks {
					s.groupRanks++
					g.Ranks = append(g.Ranks, n)
				}
				return err
			})
		}
		return s.skipValue()
	}, false)
	if err == nil && len(g.Ranks) > 0 {
		s.t.Groups = append(s.t.Groups, g)
	}
	return err
}
