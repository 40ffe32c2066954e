// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package cli

import "fmt"

// Count writes a number of things: 1 record, 2 records.
func Count[N int | int64](n N, one, many string) string {
	return fmt.Sprintf("%d %s", n, Form(n, one, many))
}

// Form returns the form of a word that goes with a number.
func Form[N int | int64](n N, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}
