// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/feishuaudit/feishuauditreceiver/internal/openapi"
)

// SecretVariable is the environment variable with the app secret.
const SecretVariable = "FEISHU_APP_SECRET"

// Environment variables that replace flags. Their names are those of the examples' configurations.
const (
	AppIDVariable    = "FEISHU_APP_ID"
	EndpointVariable = "FEISHU_ENDPOINT"
)

// Or returns the value of a flag, or of an environment variable if the flag is empty.
func Or(flag, variable string, getenv func(string) string) string {
	if flag != "" {
		return flag
	}
	return getenv(variable)
}

// ErrNoAppID reports that the App ID is missing.
var ErrNoAppID = Usagef("--app-id is missing, and " + AppIDVariable + " is not set: the App ID (cli_...) is on the app's page of the developer console")

// Secret is an app secret and its source. There is no flag for it, because every user of a machine can see the
// arguments of its processes.
type Secret struct {
	Value string
	// Source is the reference to it in a collector's configuration: ${env:...} or ${file:...}.
	Source string
	// File is the path of its file, empty if it comes from the environment. LineBreak is how many bytes at the
	// end of the file are a line break: editors add one, and the collector would read it as a part of the
	// secret.
	File      string
	LineBreak int
}

// ReadSecret reads the secret from the file, or from the environment if no file is given.
func ReadSecret(file string, getenv func(string) string) (Secret, error) {
	if file == "" {
		s := Secret{Value: getenv(SecretVariable), Source: "${env:" + SecretVariable + "}"}
		if s.Value == "" {
			return s, Usagef("the app secret is missing: set the environment variable %s, or use --app-secret-file", SecretVariable)
		}
		return s, nil
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return Secret{}, &UsageError{fmt.Errorf("--app-secret-file: %w", err)}
	}
	path, err := filepath.Abs(file)
	if err != nil {
		return Secret{}, &UsageError{fmt.Errorf("--app-secret-file: %w", err)}
	}
	value := strings.TrimRight(string(data), "\r\n")
	if value == "" {
		return Secret{}, Usagef("--app-secret-file: %s is empty", file)
	}
	return Secret{Value: value, Source: "${file:" + path + "}", File: path, LineBreak: len(data) - len(value)}, nil
}

// Endpoint is the base URL that a flag names: feishu and lark stand for the public clouds.
func Endpoint(name string) string {
	switch strings.ToLower(name) {
	case "", "feishu":
		return openapi.FeishuEndpoint
	case "lark":
		return openapi.LarkEndpoint
	}
	return name
}
