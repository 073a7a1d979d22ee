//go:build race

// Package race tells tests whether they run with the race detector, which makes everything
// several times slower: what a test measures or how much it unpacks is scaled by it.
package race

// Enabled tells that the race detector is on.
const Enabled = true
