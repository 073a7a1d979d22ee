package capture

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// round sends so many probes of a workload at a time and waits for all of them.
func (s *Session) round(ctx context.Context, in, out int) (usage, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var mu sync.Mutex
	var most usage
	var wg sync.WaitGroup
	for range s.width() {
		prompt := s.prompts.next(in)
		wg.Go(func() {
			u, err := s.contract.generate(ctx, prompt, out, nil)
			if err != nil {
				cancel(err)
				return
			}
			mu.Lock()
			most.cached = max(most.cached, u.cached)
			mu.Unlock()
		})
	}
	wg.Wait()
	return most, context.Cause(ctx)
}

// width is how many probes there are at a time: replicas take turns, so each gets as many
// as were asked for.
func (s *Session) width() int { return s.o.Concurrency * max(1, s.Server.Replicas) }

// streams are long probes that run while a profile begins and ends.
type streams struct {
	cancel context.CancelFunc
	wg     sync.WaitGroup

	mu    sync.Mutex
	got   []int // parts received, by probe
	ended int
	err   error
	news  chan struct{} // holds one entry when something changed
}

var errEnough = errors.New("enough")

// launch starts the probes.
func (s *Session) launch(ctx context.Context, in, out int) *streams {
	ctx, cancel := context.WithCancelCause(ctx)
	p := &streams{cancel: func() { cancel(errEnough) }, got: make([]int, s.width()), news: make(chan struct{}, 1)}
	for i := range p.got {
		prompt := s.prompts.next(in)
		p.wg.Go(func() {
			_, err := s.contract.generate(ctx, prompt, out, func() {
				p.note(func() { p.got[i]++ })
			})
			if err != nil && context.Cause(ctx) == errEnough {
				err = nil
			}
			p.note(func() {
				p.ended++
				if p.err == nil && err != nil {
					p.err = err
				}
			})
		})
	}
	return p
}

func (p *streams) note(f func()) {
	p.mu.Lock()
	f()
	p.mu.Unlock()
	select {
	case p.news <- struct{}{}:
	default:
	}
}

// await waits until every probe received n parts more than in from, or all have ended. It
// gives the parts received.
func (p *streams) await(ctx context.Context, from []int, n int) ([]int, error) {
	for {
		p.mu.Lock()
		got, ended, err := append([]int(nil), p.got...), p.ended, p.err
		p.mu.Unlock()
		if err != nil {
			return got, err
		}
		all := true
		for i, g := range got {
			if from != nil {
				g -= from[i]
			}
			all = all && g >= n
		}
		if all || ended == len(got) {
			if from == nil && !all {
				return got, fmt.Errorf("a probe ended without a token, so the server did not decode")
			}
			return got, nil
		}
		select {
		case <-ctx.Done():
			return got, ctx.Err()
		case <-p.news:
		}
	}
}

// failed is the first error of a probe so far.
func (p *streams) failed() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.err
}

// over tells that all have ended by themselves.
func (p *streams) over() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ended == len(p.got)
}

// end breaks the probes off and waits for them.
func (p *streams) end() {
	p.cancel()
	p.wg.Wait()
}
