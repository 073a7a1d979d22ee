package rule

import "slices"

// Kinds lists the kinds of rules: the folders they stand in.
func Kinds() []string { return slices.Clone(kinds) }

// Origins lists the projects that a path can come from.
func Origins() []string { return slices.Clone(origins) }

// Statuses lists what can have become of a path upstream.
func Statuses() []string { return slices.Clone(statuses) }

// Domains lists the workloads that a path belongs to.
func Domains() []string { return slices.Clone(domains) }

// IsID tells whether a text can be the id of a rule: lower-case words and digits joined by
// single hyphens, beginning with a letter, at most 80 bytes.
func IsID(s string) bool { return isKebab(s) }
