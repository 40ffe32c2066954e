module github.com/feishuaudit/feishuauditreceiver/internal/tools/words

go 1.25.0
