package report

import (
	"encoding/json"
	"io"
)

// JSON writes the whole report, one object, indented, times in integer ns. Its schema is
// schema/report.schema.json.
func JSON(w io.Writer, r *Report) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(true) // names come from strangers and end up in web pages
	return e.Encode(r)
}
