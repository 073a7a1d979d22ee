package main

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/pflag"
)

// version is set by releases with -ldflags "-X main.version=v1.2.3".
var version = ""

// buildVersion is the release, else the module's version, else the commit it was built
// from, else "devel".
func buildVersion() string {
	if version != "" {
		return version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "devel"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			return "devel-" + s.Value[:12]
		}
	}
	return "devel"
}

func versionCommand() command {
	return command{
		name:    "version",
		short:   "print the version",
		long:    "Version prints the version of the program, the Go it was built with and the platform.",
		example: "sgrules version",
		setup: func(*pflag.FlagSet) func(context.Context, []string, streams) error {
			return func(_ context.Context, args []string, s streams) error {
				if len(args) > 0 {
					return usagef("version takes no arguments, found %q", args[0])
				}
				_, err := fmt.Fprintf(s.out, "sgrules %s %s %s/%s\n", buildVersion(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
				return err
			}
		},
	}
}
