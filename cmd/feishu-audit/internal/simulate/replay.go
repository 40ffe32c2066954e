// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package simulate

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/feishuaudit/feishuauditreceiver/cmd/feishu-audit/internal/cli"
	"github.com/feishuaudit/feishuauditreceiver/cmd/feishu-audit/internal/record"
	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

// recording is the data of a recorded tenant: its entries, each once, in the order in which its API returned
// them.
type recording struct {
	entries     []simulator.Entry
	order       simulator.Order
	first, last int64 // event times
}

// readRecording reads a file of feishu-audit record.
func readRecording(path string) (*recording, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var all strings.Builder
	seen := map[string]bool{}
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 64<<20)
	for n := 1; lines.Scan(); n++ {
		var x record.Exchange
		if err := json.Unmarshal(lines.Bytes(), &x); err != nil || x.Body == nil {
			return nil, fmt.Errorf("%s: line %d is not part of a recording", path, n)
		}
		for _, item := range record.Entries(&x) {
			if !seen[string(item)] {
				seen[string(item)] = true
				all.Write(item)
				all.WriteByte('\n')
			}
		}
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	r := &recording{}
	if r.entries, err = simulator.ReadEntries(strings.NewReader(all.String())); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if len(r.entries) == 0 {
		return nil, errors.New(path + " has no entries")
	}
	up, down := 0, 0
	r.first, r.last = r.entries[0].EventTime, r.entries[0].EventTime
	for i, e := range r.entries {
		r.first, r.last = min(r.first, e.EventTime), max(r.last, e.EventTime)
		switch {
		case i == 0:
		case e.EventTime > r.entries[i-1].EventTime:
			up++
		case e.EventTime < r.entries[i-1].EventTime:
			down++
		}
	}
	switch {
	case down == 0:
		r.order = simulator.Ascending
	case up == 0:
		r.order = simulator.Descending
	default:
		r.order = simulator.Shuffled
	}
	return r, nil
}

// says returns how to read it.
func (r *recording) says() string {
	at := func(second int64) string { return time.Unix(second, 0).UTC().Format(time.RFC3339) }
	return fmt.Sprintf("Replays %s, %s. The receiver reads them with:\n\n    start_time: %s\n    end_time: %s\n\n",
		cli.Count(len(r.entries), "recorded entry", "recorded entries"), r.order, at(r.first), at(r.last+1))
}
