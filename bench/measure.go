package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"syscall"
	"time"
)

// subject is one command to measure.
type subject struct {
	name  string
	args  []string
	apart bool // reads another input: not to be compared with the others
	seen  []sample
}

// sample is one run.
type sample struct {
	Wall, CPU time.Duration
	RSS       int64 // bytes
}

// inTurn runs all commands one after the other, runs times and once before, which is not
// counted: it fills the page cache.
func inTurn(list []*subject, runs int) error {
	for i := range runs + 1 {
		for _, s := range list {
			m, err := measure(s.args)
			if err != nil {
				return fmt.Errorf("%s: %w", s.name, err)
			}
			if i > 0 {
				s.seen = append(s.seen, m)
			}
		}
	}
	return nil
}

// measure runs a command below a copy of this program that did nothing else: a process's peak
// memory begins, on Linux, with what its parent had when it was started, and this one has built
// inputs.
func measure(args []string) (sample, error) {
	self, err := os.Executable()
	if err != nil {
		return sample{}, err
	}
	c := exec.Command(self, append([]string{"-run", "--"}, args...)...)
	var out, errs bytes.Buffer
	c.Stdout, c.Stderr = &out, &errs
	if err := c.Run(); err != nil {
		return sample{}, fmt.Errorf("%w: %s", err, errs.String())
	}
	var s sample
	if err := json.Unmarshal(out.Bytes(), &s); err != nil {
		return sample{}, fmt.Errorf("%w: %s", err, out.String())
	}
	return s, nil
}

// runOne is measure in the copy: it runs the command and prints what it took.
func runOne(args []string) error {
	c := exec.Command(args[0], args[1:]...)
	c.Stdout = nil // the null device: a pipe would cost the writer more than its work
	c.Stderr = os.Stderr
	start := time.Now()
	if err := c.Run(); err != nil {
		return err
	}
	s := sample{Wall: time.Since(start), CPU: c.ProcessState.UserTime() + c.ProcessState.SystemTime()}
	if u, ok := c.ProcessState.SysUsage().(*syscall.Rusage); ok {
		s.RSS = u.Maxrss
		if runtime.GOOS == "linux" {
			s.RSS *= 1024
		}
	}
	return json.NewEncoder(os.Stdout).Encode(s)
}

func (s *subject) median(of func(sample) float64) float64 {
	var v []float64
	for _, x := range s.seen {
		v = append(v, of(x))
	}
	slices.Sort(v)
	return v[len(v)/2]
}

func (s *subject) wall() float64 { return s.median(func(s sample) float64 { return s.Wall.Seconds() }) }
func (s *subject) cpu() float64  { return s.median(func(s sample) float64 { return s.CPU.Seconds() }) }
func (s *subject) rss() float64  { return s.median(func(s sample) float64 { return mega(s.RSS) }) }

func mega(n int64) float64 { return float64(n) / 1e6 }

// table prints the comparison, ready for the README.
func table(w io.Writer, list []*subject, in *input) error {
	base := list[0].wall()
	var b bytes.Buffer
	fmt.Fprintf(&b, "| command | time | of `gzip -dc` | MB/s of JSON | CPU time | peak memory |\n| --- | ---: | ---: | ---: | ---: | ---: |\n")
	for _, s := range list {
		if s.apart {
			fmt.Fprintf(&b, "| %s | %.0f ms | | | %.0f ms | %.0f MB |\n", s.name, 1000*s.wall(), 1000*s.cpu(), s.rss())
			continue
		}
		fmt.Fprintf(&b, "| %s | %.2f s | %.2f× | %.0f | %.2f s | %.0f MB |\n", s.name, s.wall(), s.wall()/base, mega(in.plainSize)/s.wall(), s.cpu(), s.rss())
	}
	_, err := w.Write(b.Bytes())
	return err
}

// plainDecode is what a program without a scanner of its own does.
func plainDecode(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return err
	}
	var t struct {
		TraceEvents []struct {
			Ph, Cat, Name string
			Pid, Tid      any
			Ts, Dur       float64
			Args          map[string]any
		}
	}
	if err := json.NewDecoder(z).Decode(&t); err != nil {
		return err
	}
	fmt.Println(len(t.TraceEvents), "events")
	return nil
}
