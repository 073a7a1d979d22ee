package symbol

import (
	"strings"
)

var (
	igemmName  = pattern(`^(igemm_(?:fwd|bwd|wrw)_gtc[a-z0-9]*)_([a-z0-9]+)_(fp32|fp16|bf16|int8)_(?:.*_)?bt(\d+x\d+x\d+)(?:_|$)`)
	transposed = pattern(`^(batched_transpose)_(\d+x\d+)(?:_|$)`)
	miopenName = pattern(`^(?:SubTensorOp|Op[1-5]dTensor|OpTensor|miopen|MIOpen|mloPooling|gcnAsm|naive_conv_|Im2d?2?Col|Im3d2Col|Col2Im|static_igemm|dynamic_igemm)`)
)

var miopenTypes = map[string]string{"fp32": "f32", "fp16": "f16", "bf16": "bf16", "int8": "i8"}

// readMIOpen reads MIOpen's generated convolutions (igemm_fwd_gtcx2_nhwc_bf16_…_bt128x…) and
// knows its hand-written kernels by their prefix. The "half" of batched_transpose is any
// type of two bytes, so no type is read off it.
func readMIOpen(s *Symbol, name string) bool {
	if m := igemmName().FindStringSubmatch(name); m != nil {
		s.Base, s.DType, s.Tile = m[1], miopenTypes[m[3]], m[4]
		s.SplitK = strings.HasSuffix(name, "_gkgs") || strings.Contains(name, "_gkgs_")
	} else if m := transposed().FindStringSubmatch(name); m != nil {
		s.Base, s.Tile = m[1], m[2]
	} else if !miopenName().MatchString(name) {
		return false
	}
	s.Generator = "miopen"
	return true
}
