#!/usr/bin/env bash
# Reads the log of a time with curl, as the page of list_data shows it, and prints a response a
# line. sed takes the few fields out of a response that a call needs: jq may not be there.
set -euo pipefail

field() { sed -n "s/.*\"$1\":\"\{0,1\}\([^\",}]*\)\"\{0,1\}[,}].*/\1/p" <<< "$response"; }

response=$(curl -sS -X POST "$BASE_URL/open-apis/auth/v3/tenant_access_token/internal" \
  -H 'Content-Type: application/json; charset=utf-8' \
  -d "{\"app_id\": \"$APP_ID\", \"app_secret\": \"$APP_SECRET\"}")
access_token=$(field tenant_access_token)

page_token=
while :; do
  response=$(curl -sS -X POST "$BASE_URL/open-apis/security_and_compliance/v1/openapi_logs/list_data" \
    -H "Authorization: Bearer $access_token" \
    -H 'Content-Type: application/json' \
    -d "{
	\"end_time\": $END_TIME,
	\"page_size\": 100,
	\"page_token\": \"$page_token\",
	\"start_time\": $START_TIME
}")
  printf '%s\n' "$response"
  [ "$(field has_more)" = true ] || break
  page_token=$(field page_token)
done
