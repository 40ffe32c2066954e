// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package redact_test

import (
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/feishuaudit/feishuauditreceiver/internal/redact"
)

// sample is a line of testdata/corpus.
type sample struct {
	apiKey, text, want string
	secrets            []string
}

func readCorpus(t *testing.T, name string) (samples []sample) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "corpus", name))
	require.NoError(t, err)
	seen := map[string]bool{}
	for line := range strings.Lines(string(b)) {
		line = strings.TrimSuffix(line, "\n")
		if line == "" || line[0] == '#' {
			continue
		}
		require.False(t, seen[line], "twice: %s", line)
		seen[line] = true
		s := sample{apiKey: "POST/open-apis/im/v1/messages"}
		if rest, ok := strings.CutPrefix(line, "‹"); ok {
			s.apiKey, line, _ = strings.Cut(rest, "› ")
		}
		line = strings.NewReplacer("⏎", "\n", "⇥", "\t").Replace(line)
		for line != "" {
			before, rest, found := strings.Cut(line, "⟦")
			secret, after, _ := strings.Cut(rest, "⟧")
			s.text += before + secret
			s.want += before
			if found {
				s.want += redact.Mask
				s.secrets = append(s.secrets, secret)
			}
			line = after
		}
		samples = append(samples, s)
	}
	return samples
}

// in returns the sample, and the expected result, in an entry: as the payload itself, and as the text of a
// message.
func (s sample) in(message bool) (text, want string) {
	wrap := func(payload string) string {
		if message {
			payload = `{"receive_id":"oc_1","msg_type":"text","content":` + quote(`{"text":`+quote(payload)+`}`) + `}`
		}
		return `{"id":"1","api_key":"` + s.apiKey + `","app_id":"cli_1","log_detail":{"payload":` + quote(payload) + `,"response":"{\"code\":0}"}}`
	}
	return wrap(s.text), wrap(s.want)
}

// TestCorpus prints recall and precision over the lines of testdata/corpus, and checks bounds for both. Covers
// F70 to F74.
func TestCorpus(t *testing.T) {
	t.Parallel()
	r := redact.New(nil)
	secrets, prose := readCorpus(t, "secrets.txt"), readCorpus(t, "prose.txt")
	require.GreaterOrEqual(t, len(secrets), 200)
	require.GreaterOrEqual(t, len(prose), 200)

	var values, missed, masks, wrong int
	for _, s := range append(secrets, prose...) {
		for _, message := range []bool{false, true} {
			text, want := s.in(message)
			got, n := r.Redact(text)
			requireLaws(t, r, text, got, n)
			same, _ := r.RedactEntry(text, s.apiKey)
			require.Equal(t, got, same)
			values += len(s.secrets)
			masks += n
			if got == want {
				continue
			}
			lost := leaks(got, s.secrets)
			missed += lost
			wrong += max(n-(len(s.secrets)-lost), 0)
			assert.Equal(t, payloadOf(t, want), payloadOf(t, got))
		}
	}
	recall, precision := 1-float64(missed)/float64(values), 1-float64(wrong)/float64(masks)
	t.Logf("%d lines with %d values, %d without: recall %.1f %%, precision %.1f %%", len(secrets), values/2, len(prose), 100*recall, 100*precision)
	assert.InDelta(t, 1, recall, 0)
	assert.InDelta(t, 1, precision, 0)
}

func leaks(got string, secrets []string) (n int) {
	for _, s := range secrets {
		if strings.Contains(got, s) {
			n++
		}
	}
	return n
}

func payloadOf(t *testing.T, entry string) string {
	t.Helper()
	var e struct {
		D struct{ Payload string } `json:"log_detail"`
	}
	require.NoError(t, json.Unmarshal([]byte(entry), &e))
	return e.D.Payload
}

// TestSplicedCorpus: lines of the corpus that are cut, joined with parts of others and written with other line ends are
// read without a crash, and satisfy requireLaws. Covers F39.
func TestSplicedCorpus(t *testing.T) {
	t.Parallel()
	r := redact.New(nil)
	samples := append(readCorpus(t, "secrets.txt"), readCorpus(t, "prose.txt")...)
	draw := rand.New(rand.NewPCG(39, 20))
	marks := []string{`\n`, "\n", `\\n`, `\r\n`, `"`, `\"`, "%0A", "{", "[", "'", "=", ":", " ", "$", "：", "&", "%", "<", "(", "|"}
	for range 3 {
		for _, s := range samples {
			text, other := s.text, samples[draw.IntN(len(samples))].text
			i := draw.IntN(len(text) + 1)
			switch draw.IntN(6) {
			case 0:
				text = strings.ReplaceAll(text, " ", `\n`)
			case 1:
				text = strings.NewReplacer(" ", " \n", "=", " = \n").Replace(text)
			case 2:
				text = text[:i] + other[draw.IntN(len(other)+1):]
			case 3:
				text = text[:i] + marks[draw.IntN(len(marks))] + text[i:]
			case 4:
				text = text[:i] + text[i+draw.IntN(len(text)-i+1):]
			case 5:
				text = strings.NewReplacer(":", `: \n`, "=", ` = \n`, "\n", `\n`).Replace(text) + `\n` + other
			}
			got, n := r.Redact(text)
			requireLaws(t, r, text, got, n)
		}
	}
}
