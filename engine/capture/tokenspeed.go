package capture

import (
	"context"
	"fmt"
	"regexp"
	"strings"
)

// tokenspeed speaks with TokenSpeed: its gateway, or the control server beside it. Its
// scheduler has SGLang's profiler, with neither merged traces nor a prefix, and says no to
// every start while a profile is running.
type tokenspeed struct{ sglang }

func (e *tokenspeed) identify(ctx context.Context) (*Server, error) {
	s := &Server{Framework: "tokenspeed", Replicas: 1}
	info, err := e.control.serverInfo(ctx)
	if err != nil {
		return nil, err
	}
	if info == nil {
		return s, nil // the gateway alone has no such route
	}
	if err := s.readInfo(info); err != nil {
		return nil, err
	}
	s.Version = s.text("tokenspeed_version")
	if s.Version == "" {
		s.Version = s.text("version")
	}
	for _, name := range []string{"model", "model_path"} {
		if s.Model == "" {
			s.Model = s.text(name)
		}
	}
	return s, nil
}

func (e *tokenspeed) lacks(_ context.Context, s *Server) error {
	if e.o.Merge || e.o.Prefix != "" {
		return fmt.Errorf("%s is TokenSpeed, whose profiler neither merges traces nor takes a prefix; leave out --merge-profiles and --profile-prefix", e.control.base)
	}
	if e.o.Mapping {
		for _, name := range []string{"disable_cuda_graph", "enforce_eager"} {
			if s.has(name) && !s.flag(name) {
				return fmt.Errorf("%s replays graphs (%s is false), which hide the source lines that a mapping trace is for; start a second server for it with the same arguments and --%s", e.control.base, name, strings.ReplaceAll(name, "_", "-"))
			}
		}
	}
	return e.lacksStage(s)
}

// id-[DP0-][CP0-]TP0[-STAGE].trace.json.gz
var tokenspeedName = regexp.MustCompile(`^.*?-((?:DP\d{1,6}-)?(?:CP\d{1,6}-)?)TP(\d{1,6})(?:-(EXTEND|MIXED|DECODE))?\.trace\.json\.gz$`)

func (e *tokenspeed) trace(name string) (Trace, bool) {
	m := tokenspeedName.FindStringSubmatch(name)
	if m == nil {
		return Trace{}, false
	}
	return Trace{Rank: rankNumber(m[2]), Place: strings.TrimSuffix(m[1], "-"), Stage: stageOf(m[3])}, true
}

// files is not known without the number of ranks, but for one a stage.
func (e *tokenspeed) files(s *Server) int {
	if e.o.ByStage {
		return 2 * max(1, s.Ranks)
	}
	return s.Ranks
}
