// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"slices"
	"strings"
)

// mutant is one way to break the receiver: a text that occurs once in a source file, and its replacement.
type mutant struct {
	what, file, from, to string
}

func (m mutant) apply(source string) (string, error) {
	if n := strings.Count(source, m.from); n != 1 {
		return "", fmt.Errorf("%s: the text to be replaced occurs %d times: bring the list of mutants up to date", m.file, n)
	}
	return strings.Replace(source, m.from, m.to, 1), nil
}

// mutants are all of them, in the order of the report.
var mutants = slices.Concat(
	planMutants, progressMutants,
	pollMutants,
	handoverMutants,
	apiMutants,
	storageMutants,
	recordMutants,
	redactMutants, placeMutants,
	operatorMutants,
	receiverMutants,
)
