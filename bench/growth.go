package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
)

// point is one measurement of a series.
type point struct {
	what string
	in   *input
	args []string // of analyze, before the trace
	last bool     // its input is so large that it goes at once
}

// growth measures what must not grow: the time an event takes, in four directions. A trace of ten
// megabytes takes hardly longer than the start of the program, beside which it is read; so with the
// bytes it is the further events that count, from one size to the next.
func (o *options) growth(prog string) error {
	fmt.Printf("%s; medians of %d runs\n\n", machine(), o.runs)
	fmt.Printf("| what grows | MB of JSON | million events | time | ns an event | ns a further event | of the first | peak memory |\n| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n")
	for _, series := range []func() ([]*point, error){o.bySize, o.byStreams, o.byRules, o.byDepth} {
		points, err := series()
		if err != nil {
			return err
		}
		if err := o.series(prog, points); err != nil {
			return err
		}
	}
	return nil
}

func (o *options) series(prog string, points []*point) error {
	var list []*subject
	for _, p := range points {
		args := append([]string{prog, "analyze", "-q"}, p.args...)
		list = append(list, &subject{name: p.what, args: append(args, p.in.zipped)})
	}
	if err := inTurn(list, o.runs); err != nil {
		return err
	}
	grows := points[0].in.events*2 < points[len(points)-1].in.events
	first := 0.0
	var b bytes.Buffer
	for i, p := range points {
		s := list[i]
		each := 1e9 * s.wall() / float64(p.in.events)
		further, ratio := "", ""
		measure := each
		if grows && i > 0 {
			measure = 1e9 * (s.wall() - list[i-1].wall()) / float64(p.in.events-points[i-1].in.events)
			further = fmt.Sprintf("%.0f", measure)
		}
		if !grows || i > 0 {
			if first == 0 {
				first = measure
			}
			ratio = fmt.Sprintf("%.2f×", measure/first)
		}
		fmt.Fprintf(&b, "| %s | %.0f | %.2f | %.2f s | %.0f | %s | %s | %.0f MB |\n", p.what, mega(p.in.plainSize), float64(p.in.events)/1e6, s.wall(), each, further, ratio, s.rss())
		if p.last {
			if err := p.in.remove(); err != nil {
				return err
			}
		}
	}
	_, err := os.Stdout.Write(b.Bytes())
	return err
}

func (o *options) bySize() (out []*point, err error) {
	for _, n := range []int64{10e6, 100e6, 1000e6, 4000e6} {
		in, err := o.synthetic(n)
		if err != nil {
			return nil, err
		}
		out = append(out, &point{what: fmt.Sprintf("%d MB", n/1e6), in: in, last: n > 1000e6})
	}
	return out, nil
}

func (o *options) byStreams() (out []*point, err error) {
	for _, n := range []int{1, 8, 64} {
		in, err := o.streams(n)
		if err != nil {
			return nil, err
		}
		out = append(out, &point{what: fmt.Sprintf("%d streams", n), in: in})
	}
	return out, nil
}

func (o *options) byRules() (out []*point, err error) {
	in, err := o.synthetic(1000e6)
	if err != nil {
		return nil, err
	}
	for _, n := range []int{10, 100, 1000} {
		dir, err := o.rules(n)
		if err != nil {
			return nil, err
		}
		out = append(out, &point{what: fmt.Sprintf("%d rules", n), in: in, args: []string{"--rules", dir, "--only-rules"}})
	}
	return out, nil
}

func (o *options) byDepth() (out []*point, err error) {
	for _, depth := range []int{10, 1000, 5_000_000} {
		in, e := o.nested(5_000_000, depth)
		if err = errors.Join(err, e); err != nil {
			return nil, err
		}
		out = append(out, &point{what: fmt.Sprintf("5 million frames, %d deep", depth), in: in, last: true})
	}
	return out, nil
}
