// Command bench measures the whole program against what else reads a trace: gzip, igzip
// and pigz where they are installed, a plain encoding/json decoder and Python's json. It
// builds its inputs with the project's own builder, runs the commands in turn several
// times, and prints medians, so that ratios hold on a machine whose speed drifts.
//
//	go run ./bench                  # a 100 MB trace
//	go run ./bench -bytes 1e9 -n 5  # the 1 GB trace of the goals
package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/sgrules/sgrules/engine/tracebuild"
)

func main() {
	size := flag.Float64("bytes", 100e6, "bytes of JSON of the trace")
	runs := flag.Int("n", 5, "counted runs of each command, in turn")
	dir := flag.String("data", "bench/data", "folder for inputs and the built program")
	slow := flag.Bool("slow", false, "also run the encoding/json and Python decoders, which hold the whole trace in memory")
	decode := flag.String("decode", "", "internal: decode this file with encoding/json and exit")
	flag.Parse()
	err := func() error {
		if *decode != "" {
			return plainDecode(*decode)
		}
		return bench(*dir, int64(*size), *runs, *slow)
	}()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(2)
	}
}

// subject is one command to measure.
type subject struct {
	name string
	args []string
	seen []sample
}

type sample struct {
	wall, cpu time.Duration
	rss       int64 // bytes
}

func bench(dir string, size int64, runs int, slow bool) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	plain := filepath.Join(dir, fmt.Sprintf("synthetic-%dMB.json", size/1_000_000))
	zipped := plain + ".gz"
	for _, p := range []string{plain, zipped} {
		if err := build(p, size); err != nil {
			return err
		}
	}
	prog := filepath.Join(dir, "sgrules")
	if out, err := exec.Command("go", "build", "-o", prog, "./cmd/sgrules").CombinedOutput(); err != nil {
		return fmt.Errorf("building the program: %w\n%s", err, out)
	}
	prog, err := filepath.Abs(prog)
	if err != nil {
		return err
	}
	list := []*subject{{name: "gzip -dc", args: []string{"gzip", "-dc", zipped}}}
	for _, tool := range [][]string{{"igzip", "-dc"}, {"pigz", "-dc"}} {
		if _, err := exec.LookPath(tool[0]); err == nil {
			list = append(list, &subject{name: strings.Join(tool, " "), args: append(slices.Clone(tool), zipped)})
		}
	}
	list = append(list,
		&subject{name: "sgrules analyze x.json.gz", args: []string{prog, "analyze", "-q", zipped}},
		&subject{name: "sgrules analyze x.json", args: []string{prog, "analyze", "-q", plain}})
	if slow {
		self, err := os.Executable()
		if err != nil {
			return err
		}
		list = append(list, &subject{name: "encoding/json, a struct an event", args: []string{self, "-decode", zipped}})
		if _, err := exec.LookPath("python3"); err == nil {
			list = append(list, &subject{name: "Python json.load", args: []string{"python3", "-c", "import gzip,json,sys; json.load(gzip.open(sys.argv[1]))", zipped}})
		}
	}
	for i := range runs + 1 { // the first is not counted: it fills the page cache
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
	return table(os.Stdout, list, plain, zipped)
}

func build(path string, size int64) error {
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	fmt.Fprintln(os.Stderr, "building", path)
	o := tracebuild.Options{Style: tracebuild.Compact}
	spec, err := tracebuild.Synthetic(tracebuild.Size{Bytes: size}, o)
	if err != nil {
		return err
	}
	return tracebuild.WriteFile(path, spec, o)
}

func measure(args []string) (sample, error) {
	c := exec.Command(args[0], args[1:]...)
	c.Stdout = io.Discard
	var errs bytes.Buffer
	c.Stderr = &errs
	start := time.Now()
	if err := c.Run(); err != nil {
		return sample{}, fmt.Errorf("%w: %s", err, errs.String())
	}
	s := sample{wall: time.Since(start), cpu: c.ProcessState.UserTime() + c.ProcessState.SystemTime()}
	if u, ok := c.ProcessState.SysUsage().(*syscall.Rusage); ok {
		s.rss = u.Maxrss
		if runtime.GOOS == "linux" {
			s.rss *= 1024
		}
	}
	return s, nil
}

func (s *subject) median(of func(sample) float64) float64 {
	var v []float64
	for _, x := range s.seen {
		v = append(v, of(x))
	}
	slices.Sort(v)
	return v[len(v)/2]
}

func table(w io.Writer, list []*subject, plain, zipped string) error {
	p, err1 := os.Stat(plain)
	z, err2 := os.Stat(zipped)
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	fmt.Fprintf(w, "%s/%s, %d cores; %.0f MB of JSON, %.0f MB gzipped; medians of %d runs in turn\n\n", runtime.GOOS, runtime.GOARCH, runtime.NumCPU(),
		float64(p.Size())/1e6, float64(z.Size())/1e6, len(list[0].seen))
	base := list[0].median(func(s sample) float64 { return s.wall.Seconds() })
	fmt.Fprintf(w, "| command | s | of gzip -dc | MB/s of JSON | CPU s | peak MB |\n| --- | ---: | ---: | ---: | ---: | ---: |\n")
	for _, s := range list {
		wall := s.median(func(s sample) float64 { return s.wall.Seconds() })
		if _, err := fmt.Fprintf(w, "| %s | %.2f | %.2f | %.0f | %.2f | %.0f |\n", s.name, wall, wall/base, float64(p.Size())/1e6/wall,
			s.median(func(s sample) float64 { return s.cpu.Seconds() }), s.median(func(s sample) float64 { return float64(s.rss) / 1e6 })); err != nil {
			return err
		}
	}
	return nil
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
