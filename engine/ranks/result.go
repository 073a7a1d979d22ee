package ranks

// Result is what several ranks tell of each other.
type Result struct {
	Ranks []Tally // in the order of the ranks
	// Lead gives, for every part of the first rank, its matched calls by kernel.
	Lead        []map[int32]Split
	Collectives []Collective
	Arrivals    []Arrivals
	Left        []Left
	Spread      []Spread
	Checks      []Check
}

// Split is the time of one matched call on one rank, ns; the two add up to its duration.
type Split struct {
	Transfer int64 // the shortest duration of any rank
	Waiting  int64
	Last     int // the rank that came last, of Result.Ranks; -1 where none stands out
}

// Tally sums one rank. Times are ns.
type Tally struct {
	Total, Own int64 // GPU time, and that without communication
	Calls      int   // matched calls; Transfer and Waiting are their time
	Transfer   int64
	Waiting    int64
	Last       int   // calls to which it came last
	Caused     int64 // what the others waited in these
	LeftCalls  int   // calls that were not matched, and their time
	LeftTime   int64
}

// Collective sums the matched calls of one communication kernel in one stage.
type Collective struct {
	Part     int    // of the first rank of the group
	Stage    string // its name in that part
	Name     string // the kernel's, as the trace has it
	Members  []int  // ranks that took part, ascending
	Calls    int
	Ties     int     // calls to which no rank came clearly last
	Transfer int64   // of one rank: it is the same for all
	Waiting  []int64 // by member
	Last     []int   // calls to which the member came last
	// Unanchored counts the calls outside every step, matched by their number alone.
	Unanchored int
}

// Arrivals tells who kept whom waiting in one stage.
type Arrivals struct {
	Part    int
	Stage   string
	Members []int
	Calls   int
	Ties    int
	Time    int64   // of the calls on all members
	Waiting int64   // the part of it that is waiting
	Last    []int   // calls to which the member came last
	Caused  []int64 // what the others waited in these
}

// Left are calls that were not matched. The counts are those of the rank named.
type Left struct {
	Part   int
	Stage  string
	Name   string
	Rank   int
	Reason string
	Calls  int
	Time   int64
}

// Check compares the recorded intervals between the collectives that end the steps: of
// Of intervals, Agree were as long on both ranks, each on its own clock.
type Check struct {
	Stage     string // of the file; "" for all
	Rank, To  int
	Shift     int // step i of To is step i+Shift of Rank
	Agree, Of int
}

// Doubtful tells that the intervals do not support the pairing.
func (c *Check) Doubtful() bool { return c.Agree*4 < c.Of*3 }
