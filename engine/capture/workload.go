package capture

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	mathrand "math/rand/v2"
	"regexp"
	"strconv"
	"strings"
)

// Workload is one kind of probe request. Its traces go into a folder of its name.
type Workload struct {
	Name    string
	In, Out int // tokens
}

// maxTokens bounds what a probe may ask for, tokens in or out.
const maxTokens = 1 << 20

// DefaultWorkloads are a prefill that fills one usual batch of chunked prefill, and a decode
// long enough for a window to lie inside it.
func DefaultWorkloads() []Workload {
	return []Workload{{Name: "prefill", In: 4090, Out: 1}, {Name: "decode", In: 1, Out: 2048}}
}

var workloadName = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,39}$`)

// ParseWorkload reads prefill, decode, or NAME=IN:OUT with token counts.
func ParseWorkload(s string) (Workload, error) {
	for _, w := range DefaultWorkloads() {
		if s == w.Name {
			return w, nil
		}
	}
	name, counts, ok := strings.Cut(s, "=")
	in, out, ok2 := strings.Cut(counts, ":")
	if !ok || !ok2 || !workloadName.MatchString(name) {
		return Workload{}, fmt.Errorf("%q: expected prefill, decode, or NAME=IN:OUT such as chat=1024:256; a name is of a-z, 0-9, - and _", s)
	}
	if name == "mapping" || name == "formal" {
		return Workload{}, fmt.Errorf("%q: the folders mapping and formal hold the two traces of a pair; take another name", s)
	}
	w := Workload{Name: name}
	for _, n := range []struct {
		text string
		to   *int
	}{{in, &w.In}, {out, &w.Out}} {
		v, err := strconv.Atoi(n.text)
		if err != nil || v < 1 || v > maxTokens {
			return Workload{}, fmt.Errorf("%q: %q: expected a number of tokens, 1 to %d", s, n.text, maxTokens)
		}
		*n.to = v
	}
	return w, nil
}

// prefill tells that the workload is made of prefill batches alone: the first token comes
// out of the prefill.
func (w Workload) prefill() bool { return w.Out == 1 }

// decode tells that nothing but decoding is meant: there is next to nothing to prefill.
func (w Workload) decode() bool { return w.In == 1 && w.Out > 1 }

// wants tells whether a trace of this stage shows what the workload is for.
func (w Workload) wants(stage string) bool {
	switch {
	case w.prefill():
		return stage == "" || stage == stagePrefill
	case w.decode():
		return stage == "" || stage == stageDecode
	}
	return true
}

// prompts makes prompts of token ids that differ from the first token on, so that no prefix
// cache answers for the second one. Ids between firstToken and lastToken exist in the
// vocabulary of every model served and are neither bytes nor control tokens in the usual ones.
type prompts struct {
	seed uint64
	n    uint64
}

const (
	firstToken = 1000
	lastToken  = 29_000
)

// newPrompts starts a sequence of prompts; seed 0 takes one that no earlier run had, for a
// server's prefix cache outlives a run.
func newPrompts(seed uint64) (*prompts, error) {
	for seed == 0 {
		var b [8]byte
		if _, err := rand.Read(b[:]); err != nil {
			return nil, fmt.Errorf("a seed for the prompts: %w", err)
		}
		seed = binary.LittleEndian.Uint64(b[:])
	}
	return &prompts{seed: seed}, nil
}

// next is a prompt of so many tokens.
func (p *prompts) next(tokens int) []int {
	p.n++
	r := mathrand.New(mathrand.NewPCG(p.seed, p.n))
	const span = lastToken - firstToken
	out := make([]int, tokens)
	// The steps of the first token are as long as a cycle through all of them needs.
	out[0] = firstToken + int((p.seed%span+p.n*9973)%span)
	for i := 1; i < tokens; i++ {
		out[i] = firstToken + r.IntN(span)
	}
	return out
}
