// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

// Command testreport reads the output of `go test -json` and says what a person
// wants to know: one line for each package, everything that a failed test wrote, the
// tables that a package prints after its tests (lines that begin with |), and how
// many tests passed. It exits 1 if one failed, or if none ran.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
)

func main() {
	if !report(os.Stdin, os.Stdout) {
		os.Exit(1)
	}
}

// event is what we read of a line of `go test -json`, see `go doc test2json`.
type event struct {
	Action  string
	Package string
	Test    string
	Output  string
	Elapsed float64
}

// report reads the events of a test run and tells whether all is well.
func report(events io.Reader, out io.Writer) bool {
	outputs := map[string]*strings.Builder{}
	inPackage := map[string]int{}
	passed, failed, skipped := 0, 0, 0
	bad := false
	in := bufio.NewScanner(events)
	in.Buffer(nil, 64<<20)
	for in.Scan() {
		var e event
		if json.Unmarshal(in.Bytes(), &e) != nil {
			fmt.Fprintln(out, in.Text()) // not from a test: a build's own words
			continue
		}
		key := e.Package + " " + e.Test
		switch e.Action {
		case "build-output":
			fmt.Fprint(out, e.Output)
		case "build-fail":
			bad = true
		case "output":
			if e.Test == "" && strings.HasPrefix(e.Output, "|") {
				fmt.Fprint(out, e.Output)
				continue
			}
			if outputs[key] == nil {
				outputs[key] = &strings.Builder{}
			}
			outputs[key].WriteString(e.Output)
		case "pass", "fail", "skip":
			if e.Action == "fail" && outputs[key] != nil {
				fmt.Fprint(out, outputs[key])
			}
			delete(outputs, key)
			switch {
			case e.Test == "" && e.Action == "skip": // a package without tests
			case e.Test == "":
				bad = bad || e.Action == "fail"
				fmt.Fprintf(out, "%-4s  %-70s %4d tests %6.1fs\n", e.Action, e.Package, inPackage[e.Package], e.Elapsed)
			case e.Action == "pass":
				inPackage[e.Package]++
				passed++
			case e.Action == "skip":
				skipped++
			case e.Action == "fail":
				failed++
			}
		}
	}
	if in.Err() != nil {
		fmt.Fprintln(out, in.Err())
	}
	fmt.Fprintf(out, "%d passed, %d failed, %d skipped\n", passed, failed, skipped)
	return !bad && failed == 0 && passed > 0 && in.Err() == nil
}
