// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package cli

import "fmt"

// Count is a number of things as text: 1 record, 2 records.
func Count[N int | int64](n N, one, many string) string {
	return fmt.Sprintf("%d %s", n, Form(n, one, many))
}

// Form is the form of a word for a number.
func Form[N int | int64](n N, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}
