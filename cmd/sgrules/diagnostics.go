package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/sgrules/sgrules/engine"
	"github.com/sgrules/sgrules/engine/diag"
)

var diagFormats = []string{"text", "json", "github", "sarif"}

func asRuleError(err error, to **engine.RuleError) bool { return errors.As(err, to) }

// printDiagnostics writes a list for a person, a program, GitHub's log or a SARIF viewer.
func printDiagnostics(w io.Writer, format string, list diag.List, source map[string][]byte) error {
	switch format {
	case "json":
		return encode(w, jsonDiagnostics(list))
	case "github":
		return github(w, list)
	case "sarif":
		return encode(w, sarif(list, source))
	}
	if err := list.Print(w, source, 200); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "%d errors, %d warnings\n", list.Errors(), len(list)-list.Errors())
	return err
}

func encode(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false) // conditions are full of < and &
	e.SetIndent("", "  ")
	return e.Encode(v)
}

type jsonDiagnostic struct {
	File     string `json:"file"`
	Line     int    `json:"line,omitempty"`
	Col      int    `json:"column,omitempty"`
	Severity string `json:"severity"`
	Code     string `json:"code,omitempty"`
	Message  string `json:"message"`
	Hint     string `json:"hint,omitempty"`
}

func jsonDiagnostics(list diag.List) []jsonDiagnostic {
	out := []jsonDiagnostic{}
	for _, d := range list {
		out = append(out, jsonDiagnostic{d.File, d.Line, d.Col, d.Severity.String(), d.Code, d.Msg, d.Hint})
	}
	return out
}

// github writes workflow commands, which show at the lines of a pull request.
func github(w io.Writer, list diag.List) error {
	data := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	property := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
	for _, d := range list {
		msg := d.Msg
		if d.Hint != "" {
			msg += "; " + d.Hint
		}
		if _, err := fmt.Fprintf(w, "::%s file=%s,line=%d,col=%d,title=%s::%s\n", d.Severity, property.Replace(clean(d.File)), max(d.Line, 1), max(d.Col, 1),
			property.Replace(d.Code), data.Replace(clean(msg))); err != nil {
			return err
		}
	}
	return nil
}

// fileURI is a path as a relative URI reference: percent-encoded, with slashes.
func fileURI(file string) string {
	return (&url.URL{Path: filepath.ToSlash(file)}).String()
}

// column is the column of a diagnostic in characters: its own counts bytes.
func column(d diag.Diagnostic, source map[string][]byte) int {
	lines := strings.SplitN(string(source[d.File]), "\n", d.Line+1)
	if d.Line < 1 || d.Line > len(lines) || d.Col < 1 || d.Col > len(lines[d.Line-1]) {
		return max(d.Col, 1)
	}
	return utf8.RuneCountInString(lines[d.Line-1][:d.Col-1]) + 1
}

// sarif builds a log of the OASIS Static Analysis Results Interchange Format 2.1.0.
func sarif(list diag.List, source map[string][]byte) any {
	type object = map[string]any
	rules, seen := []object{}, map[string]bool{}
	doc := map[string]string{}
	for _, c := range lintChecks() {
		doc[c.Code] = c.Doc
	}
	results := []object{}
	for _, d := range list {
		if d.Code != "" && !seen[d.Code] {
			seen[d.Code] = true
			about := object{"id": d.Code}
			if s := doc[d.Code]; s != "" {
				about["shortDescription"] = object{"text": s}
			}
			rules = append(rules, about)
		}
		msg := d.Msg
		if d.Hint != "" {
			msg += "; " + d.Hint
		}
		results = append(results, object{
			"ruleId": d.Code, "level": d.Severity.String(), "message": object{"text": msg},
			"locations": []object{{"physicalLocation": object{
				"artifactLocation": object{"uri": fileURI(d.File)},
				"region":           object{"startLine": max(d.Line, 1), "startColumn": column(d, source)},
			}}},
		})
	}
	return object{
		"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0",
		"runs": []object{{"columnKind": "unicodeCodePoints", "tool": object{"driver": object{"name": "sgrules", "version": buildVersion(), "rules": rules}}, "results": results}},
	}
}
