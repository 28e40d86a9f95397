//go:build tools

// Package tools pins programs that tests and benchmarks run.
package tools

import (
	_ "github.com/google/go-containerregistry/cmd/crane"
	_ "github.com/regclient/regclient/cmd/regctl"
)
