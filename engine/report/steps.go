package report

import "fmt"

// OutlierStep is a step whose duration or GPU time differs from that of steps that did the same.
type OutlierStep struct {
	Name string `json:"step"`  // as annotated
	At   int    `json:"index"` // place among the steps of its stage that ran, from 1
	Of   int    `json:"steps"` // how many ran
	// Peers counts the steps it was compared with, itself included: those of as many tokens.
	Peers int `json:"peers"`
	// Span is from the first start to the last end of its kernels, Time the sum of their
	// durations; the medians are those of its peers, ns.
	Span       int64 `json:"span_ns"`
	SpanMedian int64 `json:"span_median_ns"`
	Time       int64 `json:"gpu_time_ns"`
	TimeMedian int64 `json:"gpu_time_median_ns"`
	// By is "span" or "gpu time": which of the two makes it an outlier.
	By string `json:"by"`
	// What differs most: "idle", or a kernel by its label; empty where nothing differs in that
	// direction. WhatTime is its time in the step, WhatMedian in its peers, ns.
	What       string `json:"most"`
	Symbol     string `json:"most_symbol,omitempty"`
	WhatTime   int64  `json:"most_ns"`
	WhatMedian int64  `json:"most_median_ns"`
	// Collective tells that What is a collective, whose time is partly waiting.
	Collective bool `json:"collective,omitempty"`
}

func (o *OutlierStep) text() string {
	took, usual := o.Span, o.SpanMedian
	what := "lasted"
	if o.By != "span" {
		took, usual, what = o.Time, o.TimeMedian, "has GPU time of"
	}
	s := fmt.Sprintf("%s, step %d of %d, %s %s, the median of %d alike is %s", o.Name, o.At, o.Of, what, Duration(took), o.Peers, Duration(usual))
	word := "more"
	d := o.WhatTime - o.WhatMedian
	if took < usual {
		word, d = "less", -d
	}
	switch {
	case o.What == "":
	case o.What == "idle":
		s += fmt.Sprintf("; %s %s idle between its kernels (%s)", Duration(d), word, Duration(o.WhatTime))
	default:
		s += fmt.Sprintf("; %s %s in %s (%s, the median is %s)", Duration(d), word, o.What, Duration(o.WhatTime), Duration(o.WhatMedian))
		if o.Collective {
			s += ", a collective, whose time is partly waiting for other ranks"
		}
	}
	return s
}

// shownOutliers is how many steps of a stage are named.
const shownOutliers = 5

// outliers are the sentences on a stage's steps that stand out: the first few, the rest counted.
func (s *Stage) outliers() []string {
	var out []string
	for i := range s.Outliers {
		if i == shownOutliers {
			out = append(out, fmt.Sprintf("%s more", plural(len(s.Outliers)-i, "outlier step")))
			break
		}
		out = append(out, s.Outliers[i].text())
	}
	return out
}

func (t *text) outliers(s *Stage) {
	for _, o := range s.outliers() {
		t.para(" outlier: ", "   ", clean(o))
	}
}

func (m *markdown) outliers(s *Stage) {
	for _, o := range s.outliers() {
		m.printf("- outlier: %s\n", md(o))
	}
	if len(s.Outliers) > 0 {
		m.printf("\n")
	}
}
