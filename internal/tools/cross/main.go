// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

// Command cross checks that packages, with all their dependencies, compile for other platforms. It uses the type
// checker of the standard library, which finds what a compiler finds (a file for one platform only, a call that
// another one does not have) in seconds, while compiling the collector takes ten minutes for each platform. It
// does not link.
//
// Usage: cross -platforms linux/arm64,windows/amd64 FOLDER PACKAGE...
// With -test the tests of these packages are checked, too.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

func main() {
	platforms := flag.String("platforms", "", "comma-separated, each GOOS/GOARCH")
	tests := flag.Bool("test", false, "check tests, too")
	flag.Parse()
	if flag.NArg() < 2 {
		flag.Usage()
		os.Exit(2)
	}
	failed := false
	for platform := range strings.SplitSeq(*platforms, ",") {
		began := time.Now()
		n, err := check(platform, flag.Arg(0), *tests, flag.Args()[1:]...)
		if err != nil {
			failed = true
			fmt.Fprintf(os.Stderr, "%s: %s: does not compile:\n%v\n", flag.Arg(0), platform, err)
			continue
		}
		fmt.Printf("%s: %s: %d packages compile (%.0f s)\n", flag.Arg(0), platform, n, time.Since(began).Seconds())
	}
	if failed {
		os.Exit(1)
	}
}

// listed is a package as go list describes it.
type listed struct {
	ImportPath, Dir string
	GoFiles         []string
	ImportMap       map[string]string
	Standard        bool
	Module          *struct{ GoVersion string }
	Error           *struct{ Err string }
}

// check returns how many packages it has checked: those that the patterns name and all that they need.
func check(platform, folder string, tests bool, patterns ...string) (int, error) {
	goos, goarch, ok := strings.Cut(platform, "/")
	if !ok {
		return 0, fmt.Errorf("%q is not GOOS/GOARCH", platform)
	}
	args := []string{"list", "-e", "-deps", "-json=ImportPath,Dir,GoFiles,ImportMap,Standard,Module,Error"}
	if tests {
		args = append(args, "-test")
	}
	cmd := exec.CommandContext(context.Background(), "go", append(args, patterns...)...)
	cmd.Dir = folder
	cmd.Env = append(os.Environ(), "GOOS="+goos, "GOARCH="+goarch, "CGO_ENABLED=0")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return 0, err
	}
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	c := &checker{set: token.NewFileSet(), sizes: types.SizesFor("gc", goarch), packages: map[string]*types.Package{"unsafe": types.Unsafe}}
	n := 0
	for decoder := json.NewDecoder(out); ; { // dependencies come first
		var p listed
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return n, err
		}
		if p.ImportPath == "unsafe" || strings.HasSuffix(p.ImportPath, ".test") { // the second is generated
			continue
		}
		n++
		c.check(&p)
	}
	if err := cmd.Wait(); err != nil {
		return n, err
	}
	if n == 0 {
		return 0, errors.New("no package")
	}
	return n, errors.Join(c.problems...)
}

type checker struct {
	set      *token.FileSet
	sizes    types.Sizes
	packages map[string]*types.Package
	problems []error
}

func (c *checker) check(p *listed) {
	if p.Error != nil {
		c.problems = append(c.problems, fmt.Errorf("%s: %s", p.ImportPath, p.Error.Err))
		return
	}
	files := make([]*ast.File, len(p.GoFiles))
	wrong := make([]error, len(p.GoFiles))
	var group sync.WaitGroup
	for i, name := range p.GoFiles {
		group.Go(func() {
			files[i], wrong[i] = parser.ParseFile(c.set, filepath.Join(p.Dir, name), nil, parser.SkipObjectResolution)
		})
	}
	group.Wait()
	if err := errors.Join(wrong...); err != nil {
		c.problems = append(c.problems, err)
		return
	}
	config := types.Config{
		Importer: importing{c, p.ImportMap}, Sizes: c.sizes,
		Error: func(err error) { c.problems = append(c.problems, err) },
		// The standard library's function bodies are known to compile.
		IgnoreFuncBodies: p.Standard,
	}
	if p.Module != nil && p.Module.GoVersion != "" {
		config.GoVersion = "go" + p.Module.GoVersion
	}
	path, _, _ := strings.Cut(p.ImportPath, " ") // of a package with its tests
	c.packages[p.ImportPath], _ = config.Check(path, c.set, files, nil)
}

// importing finds the packages that one package imports.
type importing struct {
	c  *checker
	as map[string]string // where go list has replaced an import by another package
}

func (i importing) Import(path string) (*types.Package, error) {
	if other, ok := i.as[path]; ok {
		path = other
	}
	if p := i.c.packages[path]; p != nil {
		return p, nil
	}
	return nil, fmt.Errorf("%s has not been checked", path)
}
