package engine

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/sgrules/sgrules/engine/diag"
)

// maxArgs bounds the size of a server_args.json, bytes.
const maxArgs = 8 << 20

// serverArgs are the arguments a server reported of itself.
type serverArgs struct {
	file string
	flat map[string]string
}

// readServerArgs looks for server_args.json beside a trace and in the directory above
// (a profile directory with one folder a stage). A missing file is no error.
func readServerArgs(trace string) (*serverArgs, error) {
	dir := filepath.Dir(trace)
	for _, p := range []string{filepath.Join(dir, "server_args.json"), filepath.Join(filepath.Dir(dir), "server_args.json")} {
		a, err := parseServerArgs(p)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		return a, err
	}
	return nil, nil
}

// parseServerArgs reads one file in either of its shapes: the arguments themselves, or
// the answer of /server_info, which holds them beside other keys or below "server_args".
func parseServerArgs(path string) (*serverArgs, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, diag.Expecting(err, "a JSON file of the server's arguments (--server-args)")
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxArgs+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if len(b) > maxArgs {
		return nil, fmt.Errorf("%s: larger than %d bytes, which no server's arguments are; move it away or name the right file with --server-args", path, maxArgs)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var top map[string]any
	if err := d.Decode(&top); err != nil {
		return nil, fmt.Errorf("%s: byte %d: expected one JSON object of server arguments: %w", path, d.InputOffset(), err)
	}
	a := &serverArgs{file: path, flat: map[string]string{}}
	if inner, ok := top["server_args"].(map[string]any); ok {
		for k, v := range top {
			if _, nested := v.(map[string]any); !nested {
				a.flat[k] = scalar(v)
			}
		}
		top = inner
	}
	for k, v := range top {
		a.flat[k] = scalar(v)
	}
	return a, nil
}

// scalar prints a JSON value as a rule compares it: words and numbers as they are,
// null as nothing, anything nested as compact JSON.
func scalar(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case bool:
		if v {
			return "true"
		}
		return "false"
	case json.Number:
		return v.String()
	}
	b, err := json.Marshal(v) // keys sorted
	if err != nil {
		return ""
	}
	return string(b)
}
