module github.com/feishuaudit/feishuauditreceiver/internal/conformance

go 1.25.0

require (
	github.com/feishuaudit/feishuauditreceiver v0.0.0-00010101000000-000000000000
	github.com/larksuite/oapi-sdk-go/v3 v3.5.3
	github.com/stretchr/testify v1.11.1
)

require (
	github.com/davecgh/go-spew v1.1.1 // indirect
	github.com/pmezard/go-difflib v1.0.0 // indirect
	gopkg.in/yaml.v3 v3.0.1 // indirect
)

replace github.com/feishuaudit/feishuauditreceiver => ../..
