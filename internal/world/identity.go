// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package world

import (
	"fmt"

	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/feishuaudit/feishuauditreceiver/internal/entry"
)

// IdentityOf identifies the record of an entry in a sink with ByIdentity.
func IdentityOf(it *entry.Entry) string {
	second, _ := it.EventTime()
	app, _ := entry.ParseText(it.Fields[entry.FieldAppID])
	api, _ := entry.ParseText(it.Fields[entry.FieldAPIKey])
	return fmt.Sprintf("%s at %d by %s: %s", it.UID(), second, app, api)
}

func identityOf(uid string, record plog.LogRecord) string {
	text := func(name string) string {
		value, _ := record.Attributes().Get(name)
		return value.AsString()
	}
	return fmt.Sprintf("%s at %d by %s: %s", uid, record.Timestamp().AsTime().Unix(), text("feishu.app.id"), text("feishu.api_key"))
}
