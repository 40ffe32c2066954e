// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

// clientEntry is an entry as the vendor's clients print it. Python's model has an int for id, and keeps the
// string that it receives.
type clientEntry struct {
	ID        string `json:"id"`
	APIKey    string `json:"api_key"`
	EventTime int64  `json:"event_time"`
	AppID     string `json:"app_id"`
	IP        string `json:"ip"`
	Detail    struct {
		Path       string `json:"path"`
		Method     string `json:"method"`
		QueryParam string `json:"query_param"`
		Payload    string `json:"payload"`
		StatusCode int    `json:"status_code"`
		Response   string `json:"response"`
	} `json:"log_detail"`
}

// TestVendorClients: the vendor's own clients, used as on the official page of list_data, read all pages of the
// simulator. They are independent of this project: the API would not send what they cannot read. The Go SDK is
// in internal/conformance.
func TestVendorClients(t *testing.T) {
	built := func(parts ...string) string {
		path, err := filepath.Abs(filepath.Join(append([]string{"..", "_build"}, parts...)...))
		require.NoError(t, err)
		return path
	}
	source := func(parts ...string) string {
		path, err := filepath.Abs(filepath.Join(append([]string{"..", "internal", "clients"}, parts...)...))
		require.NoError(t, err)
		return path
	}
	for name, command := range map[string][]string{
		"oapi-node":   {"node", source("oapi-node", "list.js")},
		"oapi-python": {built("oapi-python", "venv", "bin", "python"), source("oapi-python", "list.py")},
		"oapi-java":   {"java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", built("oapi-java", "classes") + ":" + built("oapi-java", "lib", "*"), "ListData"},
		"curl":        {"bash", source("curl", "list.sh")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if name != "curl" {
				_, err := os.Stat(built(name, "ready"))
				require.NoError(t, err, "run `make clients` first")
			}
			const start = 1_700_000_000
			log := simulator.Tenant{Seed: 11, PerSecond: 5, Start: start, End: start + 99}
			a := simulator.New(simulator.Options{Tenant: log, Order: simulator.Shuffled, LastPageToken: true})
			base := "http://" + serve(t, a).addr
			cmd := exec.CommandContext(t.Context(), command[0], command[1:]...)
			cmd.Env = append(os.Environ(), "BASE_URL="+base, "APP_ID="+simulator.DefaultAppID, "APP_SECRET="+simulator.DefaultAppSecret,
				"START_TIME="+strconv.Itoa(start), "END_TIME="+strconv.Itoa(start+99), "NODE_PATH="+built("oapi-node", "node_modules"), "PYTHONDONTWRITEBYTECODE=1")
			var out, complaints bytes.Buffer
			cmd.Stdout, cmd.Stderr = &out, &complaints
			began := time.Now()
			require.NoError(t, cmd.Run(), "%s", &complaints)
			t.Logf("%s took %s", name, time.Since(began).Round(time.Millisecond))

			want := map[string]simulator.Entry{}
			for _, e := range log.Entries(start, start+100) {
				want[e.ID] = e
			}
			require.NotEmpty(t, want)
			entries := printed(t, out.String())
			require.Len(t, entries, len(want), "each entry once")
			for _, got := range entries {
				expected, ok := want[got.ID]
				require.True(t, ok, "an entry that is not in the log, or a duplicate: %s", got.ID)
				delete(want, got.ID)
				require.Equal(t, expected, simulator.Entry{
					ID: got.ID, APIKey: got.APIKey, EventTime: got.EventTime, AppID: got.AppID, IP: got.IP,
					Path: got.Detail.Path, Method: got.Detail.Method, QueryParam: got.Detail.QueryParam,
					Payload: got.Detail.Payload, StatusCode: got.Detail.StatusCode, Response: got.Detail.Response,
					VisibleAt: expected.VisibleAt, // not in the response
				})
			}
			require.Empty(t, want)
			for _, call := range a.CallsOf(simulator.EndpointList) {
				require.Zero(t, call.Code, "a call that was refused")
			}
		})
	}
}

// printed are the entries that a client has printed: one per line, or a page per line.
func printed(t *testing.T, out string) (entries []clientEntry) {
	for line := range strings.Lines(out) {
		var page struct {
			clientEntry
			Code *int
			Data struct {
				Items []clientEntry
			}
		}
		require.NoError(t, json.Unmarshal([]byte(line), &page), line)
		if page.Code == nil {
			entries = append(entries, page.clientEntry)
			continue
		}
		require.Zero(t, *page.Code, line)
		entries = append(entries, page.Data.Items...)
	}
	return entries
}
