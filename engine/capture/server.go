package capture

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
)

// Server is what a server says of itself.
type Server struct {
	Framework string // sglang, vllm, tensorrt-llm, tokenspeed
	Version   string // "" if it does not tell
	Model     string
	// Ranks is how many processes write a trace on this machine, 0 if it does not tell.
	Ranks int
	// Replicas is how many data-parallel replicas take turns with the requests, at least 1.
	Replicas int

	args map[string]any // its arguments, flat; nil if it does not tell
	info []byte         // its answer with the keys taken out, for server_args.json
}

// String is the server in a few words.
func (s *Server) String() string {
	name := map[string]string{"sglang": "SGLang", "vllm": "vLLM", "tensorrt-llm": "TensorRT-LLM", "tokenspeed": "TokenSpeed"}[s.Framework]
	if s.Version != "" {
		name += " " + s.Version
	}
	if s.Model != "" {
		name += ", " + s.Model
	}
	if s.Ranks > 1 {
		name += fmt.Sprintf(", %d ranks", s.Ranks)
	}
	return name
}

// text gives an argument as text: words and numbers as they are, null and what is missing
// as "".
func (s *Server) text(name string) string {
	switch v := s.args[name].(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		return strconv.FormatBool(v)
	}
	return ""
}

func (s *Server) flag(name string) bool { return s.text(name) == "true" }

func (s *Server) has(name string) bool { _, ok := s.args[name]; return ok }

// number gives an argument as a number, or def. A protobuf message, as TokenSpeed's is,
// holds whole numbers as 2.0.
func (s *Server) number(name string, def int) int {
	v, ok := s.args[name].(json.Number)
	if !ok {
		return def
	}
	f, err := v.Float64()
	if err != nil || f < 0 || f > 1<<31 || f != math.Trunc(f) {
		return def
	}
	return int(f)
}

// readInfo takes the answer of /server_info in either of its shapes: the arguments beside
// the scheduler's state, or below "server_args".
func (s *Server) readInfo(answer map[string]any) error {
	hide(answer)
	var err error
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err = e.Encode(answer); err != nil {
		return err
	}
	s.info = b.Bytes()
	s.args = map[string]any{}
	for k, v := range answer {
		s.args[k] = v
	}
	if inner, ok := answer["server_args"].(map[string]any); ok {
		for k, v := range inner {
			s.args[k] = v
		}
	}
	return nil
}

// hide takes out of a server's answer what is nobody's business: SGLang lists its own API
// keys among its arguments.
func hide(v any) {
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			if secret(k) && x != nil && x != "" {
				v[k] = "(left out)"
				continue
			}
			hide(x)
		}
	case []any:
		for _, x := range v {
			hide(x)
		}
	}
}

func secret(key string) bool {
	key = strings.ToLower(key)
	for _, end := range []string{"api_key", "password", "secret", "access_token", "hf_token", "auth_token"} {
		if key == end || strings.HasSuffix(key, "_"+end) {
			return true
		}
	}
	return false
}

// models is the answer of /v1/models.
type models struct {
	Data []struct {
		ID      string `json:"id"`
		OwnedBy string `json:"owned_by"`
	} `json:"data"`
}

func (c *client) models(ctx context.Context) (*models, error) {
	var m models
	err := c.json(ctx, c.read("/v1/models"), &m)
	return &m, err
}

func (c *client) read(path string) call {
	return call{method: http.MethodGet, path: path, timeout: c.opts.Timeout, limit: maxInfo, again: readAgain}
}

// serverInfo asks for the arguments of a server, where it has a route for that; nil is none.
// The route was /get_server_info before it was /server_info.
func (c *client) serverInfo(ctx context.Context) (map[string]any, error) {
	var first error
	for _, path := range []string{"/server_info", "/get_server_info"} {
		for _, admin := range []bool{false, true} {
			k := c.read(path)
			k.admin = admin
			var answer map[string]any
			err := c.json(ctx, k, &answer)
			switch s := status(err); {
			case err == nil && answer != nil:
				return answer, nil
			case err == nil:
				return nil, fmt.Errorf("%s: the answer is null, expected the server's arguments", c.url(path))
			case (s == http.StatusUnauthorized || s == http.StatusForbidden) && !admin && c.admin != c.api:
				continue
			case s == http.StatusNotFound || s == http.StatusMethodNotAllowed:
			default:
				if first == nil {
					first = err
				}
			}
			break
		}
		if first != nil {
			return nil, first
		}
	}
	return nil, nil
}

// owners are the frameworks by what they call themselves in /v1/models.
var owners = map[string]string{"sglang": "sglang", "vllm": "vllm", "tensorrt_llm": "tensorrt-llm", "tokenspeed": "tokenspeed"}

// detect asks a server which framework it is.
func detect(ctx context.Context, c *client) (string, error) {
	info, err := c.serverInfo(ctx)
	if err != nil {
		return "", err
	}
	if f := frameworkOf(info); f != "" {
		return f, nil
	}
	m, err := c.models(ctx)
	if err != nil {
		if s := status(err); s == http.StatusNotFound || s == http.StatusMethodNotAllowed {
			return "", hint(err, "it answers neither /server_info nor /v1/models, so it is none of %s; or say which with --framework", strings.Join(Frameworks()[1:], ", "))
		}
		return "", err
	}
	owner := ""
	if len(m.Data) > 0 {
		owner = m.Data[0].OwnedBy
	}
	if f, ok := owners[owner]; ok {
		return f, nil
	}
	return "", fmt.Errorf("%s: its models are owned by %q, which is none of %s; say which it is with --framework", c.url("/v1/models"), snippet(owner), strings.Join(Frameworks()[1:], ", "))
}

// frameworkOf reads the answer of /server_info: SGLang's holds the state of its ranks
// beside its arguments, TokenSpeed's is a message with the arguments as one field, vLLM's,
// which only its development mode has, holds its configuration.
func frameworkOf(info map[string]any) string {
	_, states := info["internal_states"]
	_, tp := info["tp_size"]
	_, nested := info["server_args"].(map[string]any)
	_, vllm := info["vllm_config"]
	switch {
	case vllm:
		return "vllm"
	case states || tp:
		return "sglang"
	case nested:
		return "tokenspeed"
	}
	return ""
}
