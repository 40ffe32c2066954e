module github.com/feishuaudit/feishuauditreceiver/internal/tools/renew

go 1.25.0
