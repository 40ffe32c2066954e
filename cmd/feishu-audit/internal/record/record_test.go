// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package record

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/feishuaudit/feishuauditreceiver/cmd/feishu-audit/internal/cli"
	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

func try(t *testing.T, wire http.RoundTripper, args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	root := cli.Root(command{transport: wire, getenv: secretOnly}.cobra())
	root.SetOut(&out)
	root.SetErr(&errs)
	code = cli.Run(t.Context(), root, append([]string{"record", "--app-id", simulator.DefaultAppID}, args...))
	return code, out.String(), errs.String()
}

// recorded are the lines of a recording.
func recorded(t *testing.T, path string) (text string, all []Exchange) {
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	for line := range strings.Lines(string(data)) {
		var x Exchange
		require.NoError(t, json.Unmarshal([]byte(line), &x))
		all = append(all, x)
	}
	return string(data), all
}

// TestNothingLeaks: nothing from an entry or a header is in the recording, in any field, as a name, a text, a
// number or inside a text; equal values stay equal.
func TestNothingLeaks(t *testing.T) {
	const word, number = "kanarienvogel", "4917645021"
	synctest.Test(t, func(t *testing.T) {
		now := time.Now().Unix()
		line := func(id string, second int64) string {
			return fmt.Sprintf(`{"id":"%s%s","event_time":%d,"app_id":"cli_%s","ip":"203.0.113.77","api_key":"GET/open-apis/x/:id","%s%s":"%s",`+
				`"new_field":"%s","new_number":%s,"new_object":{"%s":%s},"new_list":["%s"],`+
				`"log_detail":{"method":"GET","path":"/open-apis/x/%s","status_code":200,"query_param":"{\"q\":\"%s\"}","payload":"%s","response":"{\"code\":7,\"msg\":\"%s\",\"data\":%s}","extra":{"%s":1}}}`,
				word, id, second, word, word, id, word, word, number, word, number, word, word, word, word, word, number, word) + "\n"
		}
		server := simulator.New(simulator.Options{LastPageToken: true, RateHeadersAlways: true, RateLimit: 100, Tenant: simulator.Tenant{Start: now - 7200, PerSecond: 0}})
		entries, err := simulator.ReadEntries(strings.NewReader(line("1", now-60) + line("2", now-50) +
			fmt.Sprintf(`{"id":%s,"event_time":"%d","ip":"2001:db8::77","api_key":"GET/open-apis/x/%s7","log_detail":{"payload":{"%s":"%s"},"response":{"code":0,"%s":1}}}`, number, now-40, word, word, word, word) + "\n"))
		require.NoError(t, err)
		server.Add(entries...)
		inner := simulator.Transport(server, nil)
		wire := roundTrip(func(req *http.Request) (*http.Response, error) {
			res, err := inner.RoundTrip(req)
			if err == nil {
				res.Header.Set("X-Internal", word)
				res.Header.Set("Retry-After", word+"!")
			}
			return res, err
		})
		out := filepath.Join(t.TempDir(), "recording")
		code, stdout, stderr := try(t, wire, "--out", out)
		require.Equal(t, cli.ExitOK, code, stderr)
		text, all := recorded(t, out)
		for _, secret := range []string{word, number, "203.0.113.77", "2001:db8::77", simulator.DefaultAppSecret, simulator.DefaultAppID, "Bearer"} {
			require.NotContains(t, strings.ToLower(text+stdout+stderr), strings.ToLower(secret))
		}
		require.Len(t, all, 2, "the range, and its first page again")
		require.Equal(t, Entries(&all[0]), Entries(&all[1]), "the same values have the same pseudonyms")
		items := Entries(&all[0])
		require.Len(t, items, 3)
		var a, b, c map[string]any
		for i, into := range []*map[string]any{&a, &b, &c} {
			require.NoError(t, json.Unmarshal(items[i], into))
		}
		require.NotEqual(t, a["id"], b["id"])
		require.Equal(t, a["app_id"], b["app_id"])
		require.Regexp(t, `^cli_[0-9a-f]{16}$`, a["app_id"])
		require.Regexp(t, `^10\.`, a["ip"])
		require.Regexp(t, `^2001:db8:`, c["ip"])
		require.Equal(t, "GET/open-apis/x/:id", a["api_key"])
		require.InDelta(t, float64(now-60), a["event_time"], 0)
		require.Equal(t, strconv.FormatInt(now-40, 10), c["event_time"], "a number in a text stays one")
		require.IsType(t, 0.0, c["id"], "a number stays one")
		require.Equal(t, map[string]any{}, a["new_object"])
		detail := a["log_detail"].(map[string]any)
		require.Equal(t, `{"code":7}`, detail["response"])
		require.Equal(t, "{}", detail["query_param"])
		require.Equal(t, "x", detail["payload"])
		require.InDelta(t, 200, detail["status_code"], 0)
		require.Contains(t, all[0].Headers, "X-Internal")
		require.Contains(t, all[0].Headers, "X-Ogw-Ratelimit-Limit")
		require.Equal(t, []string{"100"}, all[0].Headers["X-Ogw-Ratelimit-Limit"])
		require.Contains(t, stdout, "has 2 calls with 6 entries. Replaced:\n")
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// TestRecordPages: every page is recorded, and so are answers that are not a success.
func TestRecordPages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := simulator.Options{Order: simulator.Descending, Tenant: simulator.Tenant{Seed: 2, PerSecond: 0.2, Start: time.Now().Unix() - 7200}}
		o.Faults = []simulator.Fault{{Kind: simulator.FaultHTML, After: 3, Count: 1, Status: 502}}
		out := filepath.Join(t.TempDir(), "recording")
		code, _, stderr := try(t, simulator.Transport(simulator.New(o), nil), "--out", out)
		require.Equal(t, cli.ExitProblem, code, "it does not hide a failure")
		require.NotEmpty(t, stderr)
		_, all := recorded(t, out)
		require.Len(t, all, 4)
		require.Equal(t, 502, all[3].Status)
		require.Contains(t, string(all[3].Body), "not JSON")
		require.Empty(t, all[0].Request.PageToken)
		require.NotEmpty(t, all[1].Request.PageToken)
		require.Contains(t, string(all[0].Body), `"page_token":"`+all[1].Request.PageToken+`"`, "it can be seen which page follows")

		o.Faults = nil
		out = filepath.Join(t.TempDir(), "recording")
		code, stdout, stderr := try(t, simulator.Transport(simulator.New(o), nil), "--out", out, "--max-calls", "4")
		require.Equal(t, cli.ExitOK, code, stderr)
		_, all = recorded(t, out)
		require.Len(t, all, 4)
		require.Contains(t, stdout, "has 4 calls with 400 entries")
		code, _, _ = try(t, nil, "--out", out)
		require.Equal(t, cli.ExitUsage, code, "not over a file")
	})
}

func TestUsage(t *testing.T) {
	for args, says := range map[string]string{
		"":                      "--out is missing",
		"--out x --hours 0":     "--hours: 0 is out of range",
		"--out x --max-calls 0": "--max-calls: 0",
	} {
		code, _, stderr := try(t, nil, strings.Fields(args)...)
		require.Equal(t, cli.ExitUsage, code, args)
		require.Contains(t, stderr, says, args)
	}
}

// secretOnly is an environment with the app secret.
func secretOnly(name string) string {
	return map[string]string{cli.SecretVariable: simulator.DefaultAppSecret}[name]
}
