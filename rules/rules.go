// Package rules embeds the catalog the program ships with: rules, kernel families,
// aliases and the choice of source lines. All of it is data; a new pattern is a new file
// here and no line of Go.
package rules

import "embed"

// FS holds fuse/, overlap/, family/ and the YAML files beside them.
//
//go:embed all:fuse all:overlap family *.yaml
var FS embed.FS
