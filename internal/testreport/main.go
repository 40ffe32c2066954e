// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

// Command testreport reads the output of `go test -json` and says what a person
// wants to know: one line for each package, everything that a failed test wrote, and
// how many tests passed. It exits 1 if one failed, or if none ran.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strings"
)

type event struct {
	Action      string
	Package     string
	ImportPath  string
	Test        string
	Output      string
	Elapsed     float64
	FailedBuild string
}

func main() {
	outputs := map[string]*strings.Builder{}
	passed, failed, skipped := map[string]int{}, 0, 0
	bad := false
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 64<<20)
	for in.Scan() {
		var e event
		if json.Unmarshal(in.Bytes(), &e) != nil {
			fmt.Println(in.Text()) // not from a test: a build's own words
			continue
		}
		key := e.Package + " " + e.Test
		switch e.Action {
		case "build-output":
			fmt.Print(e.Output)
		case "build-fail":
			bad = true
		case "output":
			if outputs[key] == nil {
				outputs[key] = &strings.Builder{}
			}
			outputs[key].WriteString(e.Output)
		case "pass", "fail", "skip":
			if e.Test == "" {
				if e.Action != "skip" {
					fmt.Printf("%-4s  %-70s %4d tests %6.1fs\n", e.Action, e.Package, passed[e.Package], e.Elapsed)
				}
				if e.Action == "fail" {
					bad = true
					fmt.Print(text(outputs[key]))
				}
				continue
			}
			switch e.Action {
			case "pass":
				passed[e.Package]++
			case "skip":
				skipped++
			case "fail":
				failed++
				fmt.Print(text(outputs[key]))
			}
			delete(outputs, key)
		}
	}
	total := 0
	for _, n := range passed {
		total += n
	}
	fmt.Printf("%d passed, %d failed, %d skipped\n", total, failed, skipped)
	if bad || failed > 0 || total == 0 || in.Err() != nil {
		os.Exit(1)
	}
}

func text(b *strings.Builder) string {
	if b == nil {
		return ""
	}
	return b.String()
}
