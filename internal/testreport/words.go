// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strconv"
	"strings"
)

// module is the path that is the same in all packages' names.
const module = "github.com/feishuaudit/feishuauditreceiver"

// short is a package's name below the root of the repository.
func short(name string) string {
	if name == module {
		return "feishuauditreceiver"
	}
	return strings.TrimPrefix(name, module+"/")
}

func named(e event) string { return fmt.Sprintf("%s (%s)", e.Test, short(e.Package)) }

// lines is a text that ends with the end of a line.
func lines(text string) string {
	if text == "" || strings.HasSuffix(text, "\n") {
		return text
	}
	return text + "\n"
}

// list joins up to most items, and says how many there are beyond.
func list(items []string, separator string, most int) string {
	if len(items) <= most {
		return strings.Join(items, separator)
	}
	return fmt.Sprintf("%s and %d more", strings.Join(items[:most], separator), len(items)-most)
}

// thousands is a number as a person reads it: 1,572.
func thousands(n int) string {
	digits := strconv.Itoa(n)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

func counted(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return thousands(n) + " " + what
}
