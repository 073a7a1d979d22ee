package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/sgrules/sgrules/engine/diag"
)

// sarifLog is what is used of SARIF 2.1.0, with the names of its schema.
type sarifLog struct {
	Schema  string `json:"$schema"`
	Version string `json:"version"`
	Runs    []struct {
		ColumnKind string `json:"columnKind"`
		Tool       struct {
			Driver struct {
				Name    string `json:"name"`
				Version string `json:"version"`
				Rules   []struct {
					ID    string `json:"id"`
					Short *struct {
						Text string `json:"text"`
					} `json:"shortDescription"`
				} `json:"rules"`
			} `json:"driver"`
		} `json:"tool"`
		Results []struct {
			RuleID  string `json:"ruleId"`
			Level   string `json:"level"`
			Message struct {
				Text string `json:"text"`
			} `json:"message"`
			Locations []struct {
				Physical struct {
					Artifact struct {
						URI string `json:"uri"`
					} `json:"artifactLocation"`
					Region struct {
						Line   int `json:"startLine"`
						Column int `json:"startColumn"`
					} `json:"region"`
				} `json:"physicalLocation"`
			} `json:"locations"`
		} `json:"results"`
	} `json:"runs"`
}

// TestSarif holds the log to what SARIF 2.1.0 asks for: its names and no others, levels out of its
// list, lines and columns from 1 and in characters, relative URIs, every rule described once.
func TestSarif(t *testing.T) {
	list := diag.List{
		{Pos: diag.Pos{File: "a b/ü.yaml", Line: 2, Col: 8}, Severity: diag.Error, Code: "name-substring", Msg: "found <x>", Hint: "use =="},
		{Pos: diag.Pos{File: "a b/ü.yaml", Line: 9, Col: 3}, Severity: diag.Warning, Code: "name-substring", Msg: "a place that is not there"},
		{Pos: diag.Pos{File: "c.yaml"}, Severity: diag.Error, Code: "made-up", Msg: "no line"},
	}
	var b bytes.Buffer
	if err := printDiagnostics(&b, "sarif", list, map[string][]byte{"a b/ü.yaml": []byte("x\nt: éé  a\n")}); err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(&b)
	d.DisallowUnknownFields()
	var log sarifLog
	if err := d.Decode(&log); err != nil {
		t.Fatal(err)
	}
	if log.Version != "2.1.0" || log.Schema == "" || len(log.Runs) != 1 {
		t.Fatalf("%+v", log)
	}
	run := log.Runs[0]
	if run.ColumnKind != "unicodeCodePoints" || run.Tool.Driver.Name == "" || run.Tool.Driver.Version == "" {
		t.Errorf("the run is %+v", run)
	}
	var ids []string
	for _, r := range run.Tool.Driver.Rules {
		ids = append(ids, r.ID)
	}
	if want := []string{"name-substring", "made-up"}; !slices.Equal(ids, want) {
		t.Errorf("rules %v, want %v", ids, want)
	}
	if s := run.Tool.Driver.Rules[0].Short; s == nil || s.Text == "" {
		t.Error("a check of lint is not described")
	}
	type place struct{ line, column int }
	want := []place{{2, 6}, {9, 3}, {1, 1}}
	if len(run.Results) != len(list) {
		t.Fatalf("%d results, want %d", len(run.Results), len(list))
	}
	for i, r := range run.Results {
		if !slices.Contains([]string{"none", "note", "warning", "error"}, r.Level) || !slices.Contains(ids, r.RuleID) || r.Message.Text == "" || len(r.Locations) != 1 {
			t.Errorf("result %d: %+v", i, r)
			continue
		}
		at := r.Locations[0].Physical
		if got := (place{at.Region.Line, at.Region.Column}); got != want[i] {
			t.Errorf("result %d stands at %v, want %v", i, got, want[i])
		}
		if u, err := url.Parse(at.Artifact.URI); err != nil || u.IsAbs() || u.Path != list[i].File {
			t.Errorf("result %d is in %q: %v", i, at.Artifact.URI, err)
		}
	}
}

// TestShippedRulesLint: the rules that the program ships with have no warning either; what has to
// stay has an exception with its reason.
func TestShippedRulesLint(t *testing.T) {
	t.Chdir(root)
	var out, errs bytes.Buffer
	code := run(context.Background(), []string{"lint", "--no-tests", "rules"}, streams{in: strings.NewReader(""), out: &out, err: &errs})
	if code != exitDone || out.String() != "0 errors, 0 warnings\n" || errs.Len() > 0 {
		t.Errorf("exit code %d\n%s%s", code, out.String(), errs.String())
	}
}
