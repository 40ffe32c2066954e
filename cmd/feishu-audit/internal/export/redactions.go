// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package export

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"slices"

	"go.opentelemetry.io/collector/pdata/plog"

	receiver "github.com/feishuaudit/feishuauditreceiver"
	"github.com/feishuaudit/feishuauditreceiver/cmd/feishu-audit/internal/cli"
	"github.com/feishuaudit/feishuauditreceiver/cmd/feishu-audit/internal/screen"
	"github.com/feishuaudit/feishuauditreceiver/internal/redact"
)

// redactions shows what redaction would mask, where and why, without the values.
type redactions struct {
	redactor *redact.Redactor
	counts   map[found]int
	entries  int
	with     int // entries in which something is masked
}

// found is a place and a reason.
type found struct{ path, kind string }

func newRedactions(cfg *receiver.Config) *redactions {
	return &redactions{
		redactor: redact.New(cfg.Redaction.Keys, redact.ResourceTokens(cfg.Redaction.ResourceTokens)),
		counts:   map[found]int{},
	}
}

func (*redactions) header() []byte { return []byte("ID\tAPI\tPLACE\tFOUND BY\n") }

func (r *redactions) encode(out *bytes.Buffer, logs plog.Logs) error {
	for record := range records(logs) {
		r.entries++
		findings := r.redactor.Explain(record.Body().Str())
		if len(findings) > 0 {
			r.with++
		}
		for _, f := range findings {
			place, kind := screen.Clean(f.Path), f.Kind.String()
			if f.Key != "" {
				kind += " " + screen.Clean(f.Key)
			}
			fmt.Fprintf(out, "%s\t%s\t%s\t%s\n", screen.Clean(screen.Attribute(record, "log.record.uid")), screen.Clean(screen.Attribute(record, "feishu.api_key")), place, kind)
			r.counts[found{place, kind}]++
		}
	}
	return nil
}

// summarise counts the places.
func (r *redactions) summarise(w io.Writer) {
	fmt.Fprintf(w, "%d of %s %s something to mask:\n", r.with, cli.Count(r.entries, "entry", "entries"), cli.Form(r.with, "has", "have"))
	places := make([]found, 0, len(r.counts))
	for f := range r.counts {
		places = append(places, f)
	}
	slices.SortFunc(places, func(a, b found) int {
		return cmp.Or(cmp.Compare(r.counts[b], r.counts[a]), cmp.Compare(a.path, b.path), cmp.Compare(a.kind, b.kind))
	})
	for _, f := range places {
		fmt.Fprintf(w, "%8d  %s (%s)\n", r.counts[f], f.path, f.kind)
	}
}
