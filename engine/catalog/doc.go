// Package catalog compiles Markdown catalogs to YAML rules.
//
// # A catalog
//
// A catalog is a file named *-catalog.md that reads on its own as a text on GitHub. What stands
// before its first level-2 heading is for readers, but for the index, a table between the lines
// <!-- index:begin --> and <!-- index:end --> that Index writes. A level-2 heading names a group,
//
//	## SGLang · LLM · mainline
//
// the origin, the domain and the state of every pattern below it: mainline, in flight, withdrawn,
// no fusion or no overlap. Text between it and the first pattern is for readers as well. A level-3 heading is the
// title of a pattern, and its section has, in any order,
//
//   - paragraphs: what the path is
//   - a paragraph that begins with **Conclude.**, and more paragraphs after it
//   - **Unseen.** in the same way, where the rule has no split side
//   - **Sources.** and a list of code spans, repo@commit:path::symbol
//   - **Switches.** and a list of `name` (arg, env or config, default `value`, `source`): effect, in
//     which the default, the source and the effect may be missing and an empty default is written
//     "default empty"
//   - **Pulls.** #1, #2
//   - a fenced block with the info string "yaml rule" and every other key of the rule: id, kind,
//     priority, covers, applies, requires, fused, split, overlapped, serial. kind may be left out in a catalog whose
//     name begins with fuse or overlap.
//
// Nothing of a section is dropped: emphasis, links and images of the prose are taken as their text,
// code spans keep their backticks, comments of the block that stand on lines of their own are kept,
// and everything else that is not in this list is an error.
//
// # What comes out
//
// Compile gives rules/<kind>/<id>.yaml for every section, the catalogs with their indexes and the
// coverage table, as bytes; Write and Check bring them to a folder and compare them with one. A
// generated file begins with a line that says so and names its source; a file without that line
// is never touched.
//
// # Non-goals
//
// The package knows the rule grammar only through package rule, and does not lint, run or test
// rules. It does not change catalogs outside their index, does not check sources against a
// checkout, and does not render Markdown.
package catalog
