package engine

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestServerArgs(t *testing.T) {
	for _, c := range []struct{ name, json, want string }{
		{"flat", `{"tp_size": 4, "enable_x": true, "model_path": "/m/Qwen3-8B", "none": null, "list": [1, "a"]}`, "enable_x=true list=[1,\"a\"] model_path=/m/Qwen3-8B none= tp_size=4"},
		{"nested", `{"server_args": {"tp_size": 2}, "version": "0.5", "internal_states": {"a": 1}}`, "tp_size=2 version=0.5"},
		{"not an object", `[1]`, "expected one JSON object"},
		{"cut", `{"a": 1`, "expected one JSON object"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := filepath.Join(t.TempDir(), "server_args.json")
			if err := os.WriteFile(p, []byte(c.json), 0o644); err != nil {
				t.Fatal(err)
			}
			a, err := parseServerArgs(p)
			if err != nil {
				if !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "server_args.json") {
					t.Errorf("error %q, want %q and the file's name", err, c.want)
				}
				return
			}
			var got []string
			for k, v := range a.flat {
				got = append(got, k+"="+v)
			}
			slices.Sort(got)
			if s := strings.Join(got, " "); s != c.want {
				t.Errorf("got %q, want %q", s, c.want)
			}
		})
	}
}
