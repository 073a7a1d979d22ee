package capture

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
)

// completions are probes over the route of OpenAI's protocol, which takes a prompt as token
// ids.
type completions struct {
	c     *client
	model string
}

// completed is an answer of /v1/completions, or one event of it.
type completed struct {
	Error   json.RawMessage   `json:"error"`
	Choices []json.RawMessage `json:"choices"`
	Usage   *struct {
		Details *struct {
			Cached int `json:"cached_tokens"`
		} `json:"prompt_tokens_details"`
	} `json:"usage"`
}

func (p *completions) generate(ctx context.Context, prompt []int, out int, token func()) (usage, error) {
	k := call{method: http.MethodPost, path: "/v1/completions", timeout: p.c.opts.RequestTimeout, limit: maxInfo, again: workAgain, body: map[string]any{
		"model": p.model, "prompt": prompt, "max_tokens": out, "temperature": 0, "ignore_eos": true, "stream": token != nil,
	}}
	var u usage
	read := func(data []byte) (parts int, err error) {
		var g completed
		if err := json.Unmarshal(data, &g); err != nil {
			return 0, errAnswer("the answer is not the JSON that was expected")
		}
		if len(g.Error) > 0 && string(g.Error) != "null" {
			return 0, errAnswer(fmt.Sprintf("the server says %s", snippet(string(g.Error))))
		}
		if g.Usage != nil && g.Usage.Details != nil {
			u.cached = g.Usage.Details.Cached
		}
		return len(g.Choices), nil
	}
	if token != nil {
		return u, p.c.events(ctx, k, func(data []byte) error {
			n, err := read(data)
			if n > 0 && err == nil {
				token()
			}
			return err
		})
	}
	var raw json.RawMessage
	if err := p.c.json(ctx, k, &raw); err != nil {
		return u, err
	}
	n, err := read(raw)
	if err == nil && n == 0 {
		err = errAnswer("the answer has no choices, which that of /v1/completions has")
	}
	if err != nil {
		return u, p.c.fail(ctx, k, http.StatusOK, raw, err)
	}
	return u, nil
}

// know asks which model to name in a probe.
func (p *completions) know(ctx context.Context, s *Server) error {
	m, err := p.c.models(ctx)
	if err != nil {
		return err
	}
	if len(m.Data) == 0 || m.Data[0].ID == "" {
		return fmt.Errorf("%s: it lists no model, so there is nothing to send probes to", p.c.url("/v1/models"))
	}
	p.model = m.Data[0].ID
	if s.Model == "" {
		s.Model = p.model
	}
	return nil
}

// version asks /version, which vLLM and TensorRT-LLM have; it is only for the reader.
func version(ctx context.Context, c *client) string {
	var v struct {
		Version string `json:"version"`
	}
	if err := c.json(ctx, c.read("/version"), &v); err != nil {
		return ""
	}
	return snippet(v.Version)
}
