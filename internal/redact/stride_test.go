// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/feishuaudit/feishuauditreceiver/internal/benchdata"
)

// TestNoticedPairs bounds, in the pages that are measured, of how many groups of eight bytes one pair is noticed, and how
// many pairs are checked further. The time of redaction depends on both, and unlike it they are the same on every
// machine: a stem with a pivot of frequent letters exceeds them. Covers F39.
func TestNoticedPairs(t *testing.T) {
	s := builtIn()
	for _, page := range benchdata.Pages() {
		text := page.Body()
		groups, checked := 0, 0
		for i := 0; i+8 <= len(text); i += 8 {
			noticed := 0
			for j := i; j < i+8; j += 2 {
				what := s.notice[uint16(text[j])|uint16(text[j+1])<<8]
				if what == 0 {
					continue
				}
				noticed = 1
				if what != letterNearby || j > 0 && j+2 < len(text) &&
					s.before[text[j-1]]&s.letter[text[j]]&s.after[text[j+1]]|s.before[text[j]]&s.letter[text[j+1]]&s.after[text[j+2]] != 0 {
					checked++
				}
			}
			groups += noticed
		}
		share := func(n, size int) float64 { return 100 * float64(n*size) / float64(len(text)) }
		t.Logf("%-8s %4.1f %% of groups noticed, %5.2f %% of pairs checked", page.Name, share(groups, 8), share(checked, 2))
		most := map[string][2]float64{"small": {23, 3}, "typical": {25, 2.7}, "large": {25, 0.5}, "chinese": {22.5, 5}, "escapes": {56, 15}, "tokens": {28, 3.8}}[page.Name]
		assert.Less(t, share(groups, 8), most[0], page.Name)
		assert.Less(t, share(checked, 2), most[1], page.Name)
	}
}
