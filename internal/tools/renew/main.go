// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

// Command renew moves the dependencies of a distribution to the newest suitable releases, in the folder that ocb
// has generated: `make renew` runs it. With -keep it only keeps the previous pins, as `make pin` does after ocb.
//
// The collector's own modules, and replaced modules, stay. Everything else moves to the newest patch release of
// its minor version. The modules of golang.org/x have no patch releases: they move to the newest release that
// the Go version of the distribution can build.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

func main() {
	sources := flag.String("sources", "", "the folder that ocb has generated")
	pins := flag.String("pins", "", "the folder of the pins: its go.mod and go.sum are written")
	keep := flag.Bool("keep", false, "look for no newer releases, but keep those of the pins")
	report := flag.String("report", "", "write what has changed to this file, as a list for the changelog")
	flag.Parse()
	if err := run(*sources, *pins, *keep, *report); err != nil {
		fmt.Fprintln(os.Stderr, "renew:", err)
		os.Exit(1)
	}
}

// modFile is the output of `go mod edit -json`.
type modFile struct {
	Go      string
	Require []struct{ Path, Version string }
	Replace []struct{ Old struct{ Path string } }
}

func read(folder string) (f modFile, err error) {
	out, err := command(folder, "mod", "edit", "-json")
	if err != nil {
		return f, err
	}
	return f, json.Unmarshal(out, &f)
}

func (f modFile) versions() map[string]string {
	versions := map[string]string{}
	for _, r := range f.Require {
		versions[r.Path] = r.Version
	}
	return versions
}

func (f modFile) replaces(path string) bool {
	return slices.ContainsFunc(f.Replace, func(r struct{ Old struct{ Path string } }) bool { return r.Old.Path == path })
}

func run(sources, pins string, keep bool, report string) error {
	before, err := read(pins)
	if err != nil {
		return err
	}
	if !keep {
		for _, name := range []string{"go.mod", "go.sum"} {
			if err := copyFile(filepath.Join(pins, name), filepath.Join(sources, name)); err != nil {
				return err
			}
		}
	}
	file, err := read(sources)
	if err != nil {
		return err
	}
	var moves []string
	if keep {
		moves = kept(file, before.versions())
	} else if moves, err = newer(sources, file); err != nil {
		return err
	}
	if len(moves) > 0 {
		edit := []string{"mod", "edit"}
		for _, move := range moves {
			edit = append(edit, "-require="+move)
		}
		if _, err := command(sources, edit...); err != nil {
			return err
		}
		if _, err := command(sources, "mod", "tidy", "-compat="+minor(file.Go, 2)); err != nil {
			return err
		}
	}
	after, err := read(sources)
	if err != nil {
		return err
	}
	if err := unmoved(file, after); err != nil {
		return err
	}
	for _, name := range []string{"go.mod", "go.sum"} {
		if err := copyFile(filepath.Join(sources, name), filepath.Join(pins, name)); err != nil {
			return err
		}
	}
	lines := changes(before.versions(), after.versions())
	fmt.Printf("%s: %d dependencies have changed\n%s", filepath.Base(pins), len(lines), strings.Join(lines, ""))
	if report == "" {
		return nil
	}
	return os.WriteFile(report, []byte(strings.Join(lines, "")), 0o600)
}

// held reports whether a module belongs to the collector's release, or is our own.
func held(path string) bool {
	for _, prefix := range []string{"go.opentelemetry.io/collector", "github.com/open-telemetry/opentelemetry-collector-contrib", "github.com/feishuaudit"} {
		if path == prefix || strings.HasPrefix(path, prefix+"/") {
			return true
		}
	}
	return false
}

// kept are the modules that were pinned to a later version than ocb selects.
func kept(file modFile, before map[string]string) (moves []string) {
	for path, version := range file.versions() {
		if old, ok := before[path]; ok && !held(path) && !file.replaces(path) && compare(old, version) > 0 {
			moves = append(moves, path+"@"+old)
		}
	}
	slices.Sort(moves)
	return moves
}

// newer are the modules with a newer suitable release.
func newer(folder string, file modFile) (moves []string, err error) {
	args := []string{"list", "-m", "-e", "-versions", "-json"}
	current := file.versions()
	for path, version := range current {
		if !held(path) && !file.replaces(path) && released(version) {
			args = append(args, path)
		}
	}
	out, err := command(folder, args...)
	if err != nil {
		return nil, err
	}
	for decoder := json.NewDecoder(bytes.NewReader(out)); decoder.More(); {
		var m struct {
			Path     string
			Versions []string
			Error    *struct{ Err string }
		}
		if err := decoder.Decode(&m); err != nil {
			return nil, err
		}
		if m.Error != nil {
			fmt.Fprintf(os.Stderr, "%s stays: its releases cannot be listed\n", m.Path)
			continue
		}
		for _, version := range candidates(m.Path, current[m.Path], m.Versions) {
			fits, err := fits(folder, m.Path, version, file.Go, current)
			if err != nil {
				return nil, err
			}
			if fits {
				moves = append(moves, m.Path+"@"+version)
				break
			}
		}
	}
	slices.Sort(moves)
	return moves, nil
}

// fits reports whether a release can be built with this version of Go, and requires no module in a version to
// which it may not move.
func fits(folder, path, version, goVersion string, current map[string]string) (bool, error) {
	out, err := command(folder, "list", "-m", "-json", path+"@"+version)
	if err != nil {
		return false, err
	}
	var m struct{ GoMod string }
	if err := json.Unmarshal(out, &m); err != nil {
		return false, err
	}
	text, err := os.ReadFile(m.GoMod)
	if err != nil {
		return false, err
	}
	return asksForLittle(string(text), goVersion, current), nil
}

// unmoved is an error if what has to stay has moved.
func unmoved(before, after modFile) error {
	var moved []string
	now := after.versions()
	for path, version := range before.versions() {
		if at, ok := now[path]; ok && at != version && (held(path) || before.replaces(path)) {
			moved = append(moved, fmt.Sprintf("%s would move from %s to %s", path, version, at))
		}
	}
	if after.Go != before.Go {
		moved = append(moved, fmt.Sprintf("Go would move from %s to %s", before.Go, after.Go))
	}
	slices.Sort(moved)
	if len(moved) > 0 {
		return errors.New(strings.Join(moved, "\n"))
	}
	return nil
}

// changes are lines with the changes.
func changes(before, after map[string]string) (lines []string) {
	paths := maps.Clone(before)
	maps.Copy(paths, after)
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		switch old, now := before[path], after[path]; {
		case old == now:
		case old == "":
			lines = append(lines, fmt.Sprintf("- `%s` %s is new\n", path, now))
		case now == "":
			lines = append(lines, fmt.Sprintf("- `%s` is gone, was %s\n", path, old))
		default:
			lines = append(lines, fmt.Sprintf("- `%s` from %s to %s\n", path, old, now))
		}
	}
	return lines
}

// command runs Go in a folder. The toolchain is the one that runs: no other is fetched.
func command(folder string, args ...string) ([]byte, error) {
	cmd := exec.Command("go", args...) //nolint:noctx // ends with this program
	cmd.Dir = folder
	cmd.Env = append(os.Environ(), "GOTOOLCHAIN=local", "GOFLAGS=-mod=mod")
	var problems bytes.Buffer
	cmd.Stderr = &problems
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go %s: %w\n%s", strings.Join(args[:min(len(args), 4)], " "), err, &problems)
	}
	return out, nil
}

func copyFile(from, to string) error {
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, text, 0o644)
}
