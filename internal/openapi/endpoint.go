// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package openapi

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// ValidateEndpoint accepts an https URL, or http on a loopback address: the
// credential and the log would otherwise cross the network in the clear.
func ValidateEndpoint(endpoint string) error {
	const example = "use a base URL like " + FeishuEndpoint + " (Feishu) or " + LarkEndpoint + " (Lark)"
	u, err := url.Parse(endpoint)
	switch {
	case endpoint == "":
		return errors.New("endpoint: missing: " + example)
	case err != nil:
		return errors.New("endpoint: not a URL: " + example) // err would repeat the value, which may hold a password
	case u.User != nil:
		return errors.New("endpoint: has a user or password in it: remove them; the credential goes to app_id and app_secret")
	case u.Hostname() == "" || (u.Scheme != "https" && u.Scheme != "http"):
		return fmt.Errorf("endpoint: %q is not an http(s) URL with a host: %s", endpoint, example)
	case strings.HasSuffix(u.Host, ":"):
		return fmt.Errorf("endpoint: %q has a colon without a port: remove the colon, or write the port", endpoint)
	case !isPort(u.Port()):
		return fmt.Errorf("endpoint: %q has a port out of range: use 1 to 65535, or none", endpoint)
	case strings.ContainsAny(endpoint, "?#"):
		return fmt.Errorf("endpoint: %q has a query or fragment: %s", endpoint, example)
	case strings.Contains(u.Path, "open-apis"):
		return fmt.Errorf("endpoint: %q goes too deep: leave out /open-apis and what follows; %s", endpoint, example)
	case u.Scheme == "http" && !IsLoopback(u.Hostname()):
		return fmt.Errorf("endpoint: %q is not encrypted: use https (http is for loopback addresses only)", endpoint)
	}
	return nil
}

// IsProxy reports whether net/http can use that proxy.
func IsProxy(proxy string) bool {
	u, err := url.ParseRequestURI(proxy)
	return err == nil && slices.Contains([]string{"http", "https", "socks5", "socks5h"}, u.Scheme) && u.Hostname() != "" && isPort(u.Port())
}

// isPort reports whether that is a port, or none is given.
func isPort(port string) bool {
	n, err := strconv.ParseUint(port, 10, 16)
	return port == "" || err == nil && n > 0
}

// IsLoopback reports whether a host is this machine, by name or address.
func IsLoopback(host string) bool {
	return host == "localhost" || net.ParseIP(host).IsLoopback()
}
