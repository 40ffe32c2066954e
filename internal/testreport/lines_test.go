// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"strings"
)

type fields map[string]any

func line(f fields) string {
	text, err := json.Marshal(f)
	if err != nil {
		panic(err)
	}
	return string(text) + "\n"
}

// action is a line without output; test is "" for a package.
func action(action, pkg, test string) string {
	f := fields{"Action": action, "Package": pkg}
	if test != "" {
		f["Test"] = test
	} else if action != "start" {
		f["Elapsed"] = 1.5
	}
	return line(f)
}

// output has one event for each line, as go test does.
func output(pkg, test, text string) string {
	var all strings.Builder
	for l := range strings.Lines(text) {
		f := fields{"Action": "output", "Package": pkg, "Output": l}
		if test != "" {
			f["Test"] = test
		}
		all.WriteString(line(f))
	}
	return all.String()
}

func run(pkg, test, text string) string {
	return action("run", pkg, test) + output(pkg, test, "=== RUN   "+test+"\n"+text)
}

func pass(pkg, test string) string {
	return run(pkg, test, "chatter\n--- PASS: "+test+" (1.00s)\n") + action("pass", pkg, test)
}

func fail(pkg, test, text string) string {
	return run(pkg, test, text+"--- FAIL: "+test+" (1.00s)\n") + action("fail", pkg, test)
}

func skipped(test, text string) string {
	return run(doctor, test, text+"--- SKIP: "+test+" (0.00s)\n") + action("skip", doctor, test)
}

func passed(pkg string) string {
	return output(pkg, "", "PASS\nok  \t"+pkg+"\t1.500s\n") + action("pass", pkg, "")
}

func failedPackage(pkg string) string {
	return output(pkg, "", "FAIL\t"+pkg+"\t1.500s\n") + action("fail", pkg, "")
}

func doesNotBuild(pkg, text string) string {
	build := pkg + " [" + pkg + ".test]"
	return line(fields{"Action": "build-output", "ImportPath": build, "Output": text}) + line(fields{"Action": "build-fail", "ImportPath": build})
}

func exit(module string, status int) string {
	return "\n" + line(fields{"Action": "exit", "Module": module, "Status": status})
}
