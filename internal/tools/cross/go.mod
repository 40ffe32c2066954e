module github.com/feishuaudit/feishuauditreceiver/internal/tools/cross

go 1.25.0
