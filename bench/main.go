// Command bench measures the whole program against what else reads a trace: gzip, igzip
// and pigz where they are installed, a plain encoding/json decoder and Python's json. It
// builds its inputs with the project's own builder, runs the commands in turn several
// times, and prints medians, so that ratios hold on a machine whose speed drifts.
//
//	go run ./bench                  # a 1 GB trace, about 115 MB gzipped
//	go run ./bench -bytes 1e8       # a quick look
//	go run ./bench -slow            # with encoding/json and Python, which take minutes and gigabytes
//	go run ./bench -growth          # how time and memory grow: bytes, streams, rules, nested frames
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// options are the flags.
type options struct {
	dir   string
	bytes int64
	level int
	runs  int
	slow  bool
}

func main() {
	o := options{}
	size := flag.Float64("bytes", 1e9, "bytes of JSON of the trace")
	flag.IntVar(&o.level, "level", 1, "gzip level of the trace, 1 to 9")
	flag.IntVar(&o.runs, "n", 5, "counted runs of each command, in turn")
	flag.StringVar(&o.dir, "dir", "", "folder for inputs and the built program (default: sgrules-bench in the user's cache folder)")
	flag.BoolVar(&o.slow, "slow", false, "also run the encoding/json and Python decoders")
	growth := flag.Bool("growth", false, "measure how time and memory grow instead; needs 6 GB of disk for a while")
	decode := flag.String("decode", "", "internal: decode this file with encoding/json and exit")
	one := flag.Bool("run", false, "internal: run the command that follows, print what it took and exit")
	flag.Parse()
	o.bytes = int64(*size)
	err := func() error {
		if *one {
			return runOne(flag.Args())
		}
		if *decode != "" {
			return plainDecode(*decode)
		}
		if o.runs < 1 || o.level < 1 || o.level > 9 || o.bytes < 1e6 {
			return fmt.Errorf("expected -n of 1 or more, -level from 1 to 9 and -bytes of a million or more")
		}
		prog, err := o.prepare()
		if err != nil {
			return err
		}
		if *growth {
			return o.growth(prog)
		}
		return o.compare(prog)
	}()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(2)
	}
}

// prepare makes the folder and builds the program into it.
func (o *options) prepare() (prog string, err error) {
	if o.dir == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			return "", fmt.Errorf("%w: name a folder with -dir", err)
		}
		o.dir = filepath.Join(cache, "sgrules-bench")
	}
	if o.dir, err = filepath.Abs(o.dir); err != nil {
		return "", err
	}
	if err := os.MkdirAll(o.dir, 0o755); err != nil {
		return "", err
	}
	prog = filepath.Join(o.dir, "sgrules")
	if out, err := exec.Command("go", "build", "-o", prog, "github.com/sgrules/sgrules/cmd/sgrules").CombinedOutput(); err != nil {
		return "", fmt.Errorf("building the program: %w\n%s", err, out)
	}
	return prog, nil
}

// compare measures one trace against everything that is there.
func (o *options) compare(prog string) error {
	in, err := o.synthetic(o.bytes)
	if err != nil {
		return err
	}
	small, err := o.small()
	if err != nil {
		return err
	}
	list := []*subject{{name: "`gzip -dc`", args: []string{"gzip", "-dc", in.zipped}}}
	for _, tool := range []string{"igzip", "pigz"} {
		if _, err := exec.LookPath(tool); err == nil {
			list = append(list, &subject{name: "`" + tool + " -dc`", args: []string{tool, "-dc", in.zipped}})
		}
	}
	list = append(list,
		&subject{name: "`sgrules analyze` of the `.json.gz`", args: []string{prog, "analyze", "-q", in.zipped}},
		&subject{name: "`sgrules analyze` of the `.json`", args: []string{prog, "analyze", "-q", in.plain}},
		&subject{name: "`sgrules analyze` of a golden decode trace", args: []string{prog, "analyze", "-q", small}, apart: true})
	if o.slow {
		self, err := os.Executable()
		if err != nil {
			return err
		}
		list = append(list, &subject{name: "`encoding/json`, a struct an event", args: []string{self, "-decode", in.zipped}})
		if _, err := exec.LookPath("python3"); err == nil {
			list = append(list, &subject{name: "Python `json.load`", args: []string{"python3", "-c", "import gzip,json,sys; json.load(gzip.open(sys.argv[1]))", in.zipped}})
		}
	}
	if err := inTurn(list, o.runs); err != nil {
		return err
	}
	fmt.Printf("%s; %.0f MB of JSON, %.0f MB gzipped (level %d), %.1f million events; medians of %d runs in turn\n\n",
		machine(), mega(in.plainSize), mega(in.zippedSize), o.level, float64(in.events)/1e6, o.runs)
	return table(os.Stdout, list, in)
}

// machine describes where the numbers come from.
func machine() string {
	model := ""
	if info, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for l := range strings.Lines(string(info)) {
			if name, ok := strings.CutPrefix(l, "model name"); ok {
				model = ", " + strings.TrimSpace(strings.TrimLeft(name, "\t :"))
				break
			}
		}
	}
	return fmt.Sprintf("%s/%s, %d cores%s, %s", runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), model, runtime.Version())
}
