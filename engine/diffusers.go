package engine

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sgrules/sgrules/engine/diag"
	"github.com/sgrules/sgrules/engine/graph"
)

// SGLang can serve a diffusion model with its own pipeline or hand it to the diffusers library.
// Kernels of the library say nothing of what SGLang's pipeline would have run, so a trace of them
// is no evidence for or against any pattern.

// diffusersLines are what SGLang logs when the library serves the model.
var diffusersLines = []string{"Falling back to diffusers backend", "Using diffusers backend", "Loaded diffusers pipeline"}

// The wrapper that hands a request to the library, and where the library's own code is. Read at
// sglang@02d5b4b3, python/sglang/multimodal_gen/runtime/pipelines/diffusers_pipeline.py.
const (
	diffusersStage     = "python/sglang/multimodal_gen/runtime/pipelines/diffusers_pipeline.py"
	nativeDiffusion    = "python/sglang/multimodal_gen/"
	diffusersPipelines = "src/diffusers/pipelines/"
	diffusersModels    = "src/diffusers/models/"
)

const (
	maxLogs    = 32        // logs looked at beside a trace
	maxLogSize = 256 << 20 // bytes read of one
	maxLogLine = 64 << 10  // a longer line is read in pieces
	// maxSentence is as long as the longest of diffusersLines, and longer.
	maxSentence = 64
)

// DiffusersError says that a trace is of the diffusers library and not of SGLang's own pipeline.
type DiffusersError struct {
	Trace string
	// File and Line are where a log says so; Line 0 means that the trace itself does, and Text is
	// then the frame.
	File string
	Line int
	Text string
}

// Error names the line that was found and what to do.
func (e *DiffusersError) Error() string {
	where := fmt.Sprintf("%s:%d: %q", e.File, e.Line, diag.ShortenTo(e.Text, 160))
	if e.Line == 0 {
		where = fmt.Sprintf("kernels were launched below %q", diag.ShortenTo(e.Text, 160))
	}
	return fmt.Sprintf("%s: this is a run of the diffusers backend (%s), and only traces of SGLang's own diffusion pipeline are evidence: "+
		"this is a backend selection to fix, start the server with --backend sglang and profile again, or give --allow-diffusers", e.Trace, where)
}

// diffusersGate is nil unless the trace of p is of the diffusers library: by its own frames, or by a
// log that says so where the trace does not show another kind of server.
func diffusersGate(o Options, p *part) error {
	if o.AllowDiffusers {
		return nil
	}
	seen := lookForDiffusion(p.graph)
	if seen.library != "" {
		return &DiffusersError{Trace: p.path, Text: seen.library}
	}
	for _, file := range o.ServerLogs { // also of a trace that is not diffusion: a name that is wrong is told
		if _, err := os.Stat(file); err != nil {
			return diag.Expecting(err, "a log of the server (--server-log)")
		}
	}
	if seen.other {
		return nil
	}
	logs := o.ServerLogs
	if p.path != "-" {
		logs = append(slices.Clone(logs), logsBeside(p.path)...)
	}
	for _, file := range logs {
		line, text, err := findLine(file)
		if err != nil {
			return err
		}
		if line > 0 {
			return &DiffusersError{Trace: p.path, File: file, Line: line, Text: text}
		}
	}
	return nil
}

// diffusionSigns are what a trace tells of the kind of its server.
type diffusionSigns struct {
	library string // the frame in which the diffusers library runs the denoising; "" none
	other   bool   // steps of a language model, or frames of a server and none of a diffusion one
}

func lookForDiffusion(g *graph.Graph) (s diffusionSigns) {
	framework, diffusion := false, false
	for i := range g.Classes {
		model := false
		for _, e := range g.Py.Entries(g.Classes[i].Py) { // innermost first
			f := g.Frames.At(e)
			path, runs := f.Path, false
			switch {
			case path == diffusersStage: // it has no other work than to call the library
				diffusion, runs = true, f.Func == "forward"
			case strings.HasPrefix(path, nativeDiffusion):
				diffusion = true
			case strings.HasPrefix(path, diffusersModels):
				model = true
			case strings.HasPrefix(path, diffusersPipelines):
				diffusion, runs = true, f.Func == "__call__" && model
			case f.Package >= 0 && g.Frames.Packages()[f.Package].Framework != "":
				framework = true
			}
			if runs && s.library == "" {
				s.library = path + " " + f.Func
			}
		}
	}
	s.other = framework && !diffusion
	for i := range g.Steps {
		if stage, _ := graph.ParseStep(g.Trace.Names.Text(g.Steps[i].Name)); stage != "" {
			s.other = true
		}
	}
	return s
}

// logsBeside lists the logs in the folder of a trace, by name.
func logsBeside(trace string) []string {
	entries, err := os.ReadDir(filepath.Dir(trace))
	if err != nil {
		return nil
	}
	var out []string
	for _, e := range entries {
		if e.Type().IsRegular() && filepath.Ext(e.Name()) == ".log" && len(out) < maxLogs {
			out = append(out, filepath.Join(filepath.Dir(trace), e.Name()))
		}
	}
	return out
}

// findLine looks for the first line of a log that says that the library serves.
func findLine(file string) (number int, text string, err error) {
	f, err := os.Open(file)
	if err != nil {
		return 0, "", err
	}
	defer f.Close()
	r := bufio.NewReaderSize(io.LimitReader(f, maxLogSize), maxLogLine)
	number = 1
	var held []byte // the end of the piece before, where a line is read in pieces
	for {
		piece, err := r.ReadSlice('\n')
		line := piece
		if held != nil {
			line = append(held, piece...)
		}
		for _, want := range diffusersLines {
			if bytes.Contains(line, []byte(want)) {
				return number, string(bytes.TrimRight(line, "\r\n")), nil
			}
		}
		held = nil
		switch {
		case err == nil:
			number++
		case errors.Is(err, bufio.ErrBufferFull): // the same line goes on
			held = bytes.Clone(line[max(0, len(line)-maxSentence):])
		case errors.Is(err, io.EOF):
			return 0, "", nil
		default:
			return 0, "", err
		}
	}
}
