// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"

	larkcore "github.com/larksuite/oapi-sdk-go/v3/core"
	larksecurity "github.com/larksuite/oapi-sdk-go/v3/service/security_and_compliance/v1"
	"github.com/stretchr/testify/require"

	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

const base = int64(1_700_000_000)

// newSDK is an SDK client of the simulator. The SDK keeps its tokens for the
// whole process under the app's id, so each test needs one of its own.
func newSDK(t *testing.T, app, secret string, s *simulator.Server) *larksecurity.V1 {
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	config := &larkcore.Config{
		BaseUrl:          server.URL,
		AppId:            app,
		AppSecret:        secret,
		AppType:          larkcore.AppTypeSelfBuilt,
		EnableTokenCache: true,
		HttpClient:       server.Client(),
		LogLevel:         larkcore.LogLevelError,
	}
	// The SDK's root package, which includes every service, does this for its users.
	larkcore.NewLogger(config)
	larkcore.NewCache(config)
	larkcore.NewSerialization(config)
	return larksecurity.New(config)
}

func listReq(pageToken string) *larksecurity.ListDataOpenapiLogReq {
	body := larksecurity.NewListOpenapiLogRequestBuilder().StartTime(int(base)).EndTime(int(base + 99)).PageSize(100)
	if pageToken != "" {
		body.PageToken(pageToken)
	}
	return larksecurity.NewListDataOpenapiLogReqBuilder().ListOpenapiLogRequest(body.Build()).Build()
}

// walk reads all pages.
func walk(t *testing.T, sdk *larksecurity.V1) (all []*larksecurity.OpenapiLog, pages int) {
	token := ""
	for {
		resp, err := sdk.OpenapiLog.ListData(context.Background(), listReq(token))
		require.NoError(t, err)
		require.True(t, resp.Success(), "%v", resp.CodeError)
		require.Len(t, resp.RequestId(), 34)
		all = append(all, resp.Data.Items...)
		pages++
		if !*resp.Data.HasMore {
			return all, pages
		}
		token = *resp.Data.PageToken
	}
}

func TestSDKReadsEveryField(t *testing.T) {
	for _, order := range []simulator.Order{simulator.Ascending, simulator.Descending, simulator.Shuffled} {
		t.Run(string(order), func(t *testing.T) {
			app := "cli_reads_" + string(order)
			tenant := simulator.Tenant{Seed: 9, PerSecond: 10, Start: base}
			s := simulator.New(simulator.Options{
				Apps: map[string]string{app: "secret"}, Tenant: tenant, Order: order, Gzip: true, LastPageToken: true,
			})
			all, pages := walk(t, newSDK(t, app, "secret", s))

			want := map[string]simulator.Entry{}
			for _, e := range tenant.Entries(base, base+100) {
				want[e.ID] = e
			}
			require.Len(t, all, 1000)
			require.Equal(t, 10, pages)
			for _, got := range all {
				expected, ok := want[*got.Id]
				require.True(t, ok, *got.Id)
				delete(want, *got.Id)
				require.Equal(t, expected, simulator.Entry{
					ID: *got.Id, APIKey: *got.ApiKey, EventTime: int64(*got.EventTime), AppID: *got.AppId, IP: *got.Ip,
					Path: *got.LogDetail.Path, Method: *got.LogDetail.Method, QueryParam: *got.LogDetail.QueryParam,
					Payload: *got.LogDetail.Payload, StatusCode: *got.LogDetail.StatusCode, Response: *got.LogDetail.Response,
					VisibleAt: expected.VisibleAt, // not in the answer
				})
			}
			require.Empty(t, want)

			tokens := 0
			for _, call := range s.Calls() {
				if call.Endpoint == simulator.EndpointToken {
					tokens++
				}
			}
			require.Equal(t, 1, tokens, "the SDK could keep its token")
		})
	}
}

func TestSDKWithFilters(t *testing.T) {
	s := simulator.New(simulator.Options{Apps: map[string]string{"cli_filters": "secret"}})
	for i, key := range []string{"POST/open-apis/authen/v1/access_token", "GET/open-apis/drive/v1/files"} {
		for j, app := range []string{"cli_one", "cli_two"} {
			s.Add(simulator.Entry{ID: strconv.Itoa(10*i + j), EventTime: base, APIKey: key, AppID: app})
		}
	}
	req := larksecurity.NewListDataOpenapiLogReqBuilder().ListOpenapiLogRequest(larksecurity.NewListOpenapiLogRequestBuilder().
		ApiKeys([]string{"POST/open-apis/authen/v1/access_token"}).AppId("cli_two").
		StartTime(int(base)).EndTime(int(base)).PageSize(20).PageToken("xxx").Build()).Build()
	resp, err := newSDK(t, "cli_filters", "secret", s).OpenapiLog.ListData(t.Context(), req)
	require.NoError(t, err)
	require.True(t, resp.Success())
	require.Len(t, resp.Data.Items, 1)
	require.Equal(t, "1", *resp.Data.Items[0].Id)
}

// The SDK's model of an error finds its fields in ours.
func TestSDKReadsErrors(t *testing.T) {
	s := simulator.New(simulator.Options{
		Apps:   map[string]string{"cli_errors": "secret"},
		Faults: []simulator.Fault{{Kind: simulator.FaultMissingScope, Count: 1}, {Kind: simulator.FaultInvalidParam}},
	})
	sdk := newSDK(t, "cli_errors", "secret", s)
	resp, err := sdk.OpenapiLog.ListData(t.Context(), listReq(""))
	require.NoError(t, err)
	require.False(t, resp.Success())
	require.Equal(t, http.StatusBadRequest, resp.StatusCode)
	require.Equal(t, 99991672, resp.Code)
	require.Equal(t, resp.RequestId(), resp.Err.LogID)
	require.NotEmpty(t, resp.Err.Troubleshooter)
	require.Len(t, resp.Err.PermissionViolations, 1)
	require.Equal(t, "action_scope_required", resp.Err.PermissionViolations[0].Type)
	require.Equal(t, "security_and_compliance:audit_log.openapi_log:readonly", resp.Err.PermissionViolations[0].Subject)

	resp, err = sdk.OpenapiLog.ListData(t.Context(), listReq(""))
	require.NoError(t, err)
	require.Equal(t, 1780103, resp.Code)
	require.Equal(t, "Request Param Error", resp.Msg)
}

func TestSDKWithWrongSecret(t *testing.T) {
	s := simulator.New(simulator.Options{Apps: map[string]string{"cli_wrong_secret": "secret"}})
	_, err := newSDK(t, "cli_wrong_secret", "other", s).OpenapiLog.ListData(t.Context(), listReq(""))
	require.ErrorContains(t, err, "10014")
	require.ErrorContains(t, err, "app secret invalid")
}
