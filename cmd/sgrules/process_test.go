//go:build unix

package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

const oneKernel = `{"traceEvents": [{"ph": "X", "cat": "kernel", "name": "a", "pid": 0, "tid": 7, "ts": 1, "dur": 5, "args": {"device": 0, "stream": 7, "correlation": 1}}`

// fifo makes a named pipe and writes text to it from a process-wide goroutine; done closes it.
func fifo(t *testing.T, dir, text string) (path string, done func()) {
	t.Helper()
	path = filepath.Join(dir, "trace.json")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Skip("SKIPPED: no named pipes here: ", err)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0) // opens without waiting for a reader
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(text); err != nil {
		t.Fatal(err)
	}
	return path, func() { f.Close() }
}

// TestInterrupt sends SIGINT to the program while it waits for more of its input: it ends
// within a second, with 2, and leaves no file.
func TestInterrupt(t *testing.T) {
	prog, err := exec.LookPath("sgrules")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	path, done := fifo(t, dir, oneKernel)
	defer done()
	out := t.TempDir()
	c := exec.Command(prog, "analyze", "-o", filepath.Join(out, "report.txt"), path)
	var errs bytes.Buffer
	c.Stderr = &errs
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(300 * time.Millisecond)
	start := time.Now()
	if err := c.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	err = c.Wait()
	var exit *exec.ExitError
	if took := time.Since(start); took > time.Second || !errors.As(err, &exit) || exit.ExitCode() != exitFailed || !strings.Contains(errs.String(), "stopped") {
		t.Errorf("after %v: %v, %q", took, err, errs.String())
	}
	if left, _ := os.ReadDir(out); len(left) != 0 {
		t.Errorf("files were left: %v", left)
	}
}

// TestFIFO reads a trace from a named pipe.
func TestFIFO(t *testing.T) {
	path, done := fifo(t, t.TempDir(), oneKernel+"]}")
	time.AfterFunc(100*time.Millisecond, done)
	var out, errs bytes.Buffer
	if code := run(context.Background(), []string{"analyze", path}, streams{in: strings.NewReader(""), out: &out, err: &errs}); code != exitDone || !strings.Contains(out.String(), "5.0 µs GPU time") {
		t.Errorf("exit code %d, %s%s", code, out.String(), errs.String())
	}
}

// TestFullDisk writes the report to a device that is always full.
func TestFullDisk(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip("SKIPPED: no /dev/full here: ", err)
	}
	defer full.Close()
	for _, format := range formats {
		var errs bytes.Buffer
		code := run(context.Background(), []string{"analyze", "-f", format, "-"}, streams{in: strings.NewReader(oneKernel + "]}"), out: full, err: &errs})
		if code != exitFailed || !strings.Contains(errs.String(), "no space left") {
			t.Errorf("%s: exit code %d, %q", format, code, errs.String())
		}
	}
}

// TestProfileSelf reads back the profile that a run writes of itself.
func TestProfileSelf(t *testing.T) {
	file := filepath.Join(t.TempDir(), "self.pprof")
	var out, errs bytes.Buffer
	if code := run(context.Background(), []string{"analyze", "--profile-self", file, "-"}, streams{in: strings.NewReader(oneKernel + "]}"), out: &out, err: &errs}); code != exitDone {
		t.Fatalf("exit code %d: %s", code, errs.String())
	}
	head, err := os.ReadFile(file)
	if err != nil || !bytes.HasPrefix(head, []byte{0x1f, 0x8b}) {
		t.Errorf("the profile begins with % x: %v", head[:min(len(head), 4)], err)
	}
	errs.Reset()
	if code := run(context.Background(), []string{"analyze", "--profile-self", filepath.Join(file, "x"), "-"}, streams{in: strings.NewReader(oneKernel + "]}"), out: &out, err: &errs}); code != exitFailed || !strings.Contains(errs.String(), "--profile-self") {
		t.Errorf("a profile that cannot be written: exit code %d, %q", code, errs.String())
	}
}

func TestMemorySize(t *testing.T) {
	for s, want := range map[string]int64{"": 0, "800MB": 800e6, "1.5GiB": 1.5 * (1 << 30), "2g": 2e9, " 64 MiB ": 64 << 20, "123": 123} {
		if got, err := memorySize(s); err != nil || got != want {
			t.Errorf("%q is %d (%v), want %d", s, got, err, want)
		}
	}
	for _, s := range []string{"MB", "-1GB", "0", "1e30GB", "NaN", "1TBB", "much"} {
		if got, err := memorySize(s); err == nil {
			t.Errorf("%q is %d, want an error", s, got)
		}
	}
}
