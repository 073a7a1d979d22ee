package report

// LayerCounts counts the layers of a stage's steps by their place in the step.
type LayerCounts struct {
	First int `json:"first"` // one a step with layers
	Inner int `json:"inner"`
	Last  int `json:"last"`
}

// KernelLayers is the time of one kernel by place in the layers of its steps. The parts add up
// to the kernel's row.
type KernelLayers struct {
	First LayerPart `json:"first"`
	Inner LayerPart `json:"inner"`
	Last  LayerPart `json:"last"`
	// Outside is what is in no layer: before, between and behind them, on other streams than
	// the busiest, and outside steps.
	Outside LayerPart `json:"outside"`
}

// LayerPart is one part of a kernel's time.
type LayerPart struct {
	Time     int64 `json:"time_ns"`
	Launches int   `json:"launches"`
}
