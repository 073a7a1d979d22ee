package rule

import (
	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/checker"
)

const (
	// maxCost is the most that an expression may cost on the worst kernel, in CEL's units:
	// about a comparison each. An exists over every template argument with two regular
	// expressions inside is estimated at 1.6 million; a real kernel costs a thousandth of it.
	maxCost = 4_000_000
	// maxName is the longest text of a kernel that the estimate reckons with.
	maxName = 4096
)

// sizes tells CEL's estimate how large a kernel's fields get. Lists are cut to maxList where
// they are read, so that the estimate is a bound.
type sizes struct{}

// EstimateSize implements checker.CostEstimator.
func (sizes) EstimateSize(n checker.AstNode) *checker.SizeEstimate {
	if n.Type().Kind() == cel.ListKind {
		return &checker.SizeEstimate{Max: maxList}
	}
	return &checker.SizeEstimate{Max: maxName}
}

// EstimateCallCost implements checker.CostEstimator: the functions that look through frames
// and ops cost about as many comparisons as a deep stack has frames.
func (sizes) EstimateCallCost(function, _ string, _ *checker.AstNode, _ []checker.AstNode) *checker.CallEstimate {
	switch function {
	case "at", "in_op", "in_module":
		return &checker.CallEstimate{CostEstimate: checker.CostEstimate{Min: 1, Max: 200}}
	}
	return nil
}

// cheap refuses an expression that could cost too much on the worst kernel.
func (c *compiler) cheap(e *Expr, env *cel.Env, checked *cel.Ast) bool {
	cost, err := env.EstimateCost(checked, sizes{})
	if err != nil {
		c.list.Addf(e.Pos, "cel-cost", "the cost cannot be estimated: %v", err)
		return false
	}
	if cost.Max > maxCost {
		c.list.Addf(e.Pos, "cel-cost", "the expression may cost %d comparisons on one kernel, at most %d are allowed", cost.Max, uint64(maxCost))
		return false
	}
	return true
}
