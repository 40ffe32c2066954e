// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package openapi

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// ValidateEndpoint accepts an https URL, or http on a loopback address: otherwise the credential and the log
// would cross the network unencrypted.
func ValidateEndpoint(endpoint string) error {
	const example = "use a base URL like " + FeishuEndpoint + " (Feishu) or " + LarkEndpoint + " (Lark)"
	u, err := url.Parse(endpoint)
	var host string
	if err == nil {
		host = plainHost(u.Hostname())
	}
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
	case textFault(endpoint, true) != "" || strings.Contains(endpoint, " "):
		return fmt.Errorf("endpoint: %q %s", endpoint, cmp.Or(textFault(endpoint, true), "has a space in it: remove it"))
	case strings.Contains(strings.ToLower(u.Path), "open-apis"):
		return fmt.Errorf("endpoint: %q goes too deep: leave out /open-apis and what follows; %s", endpoint, example)
	case isPublicCloud(host) && !strings.HasPrefix(host, "open."):
		return fmt.Errorf("endpoint: %q is not where the Open API is: %s", endpoint, example)
	case isPublicCloud(host) && strings.Trim(u.Path, "/") != "":
		return fmt.Errorf("endpoint: %q goes too deep: leave out what follows the host; %s", endpoint, example)
	case u.Scheme == "http" && !IsLoopback(u.Hostname()):
		return fmt.Errorf("endpoint: %q is not encrypted: use https (http is for loopback addresses only)", endpoint)
	}
	return nil
}

// IsProxy reports whether net/http can use this proxy.
func IsProxy(proxy string) bool {
	u, err := url.ParseRequestURI(proxy)
	return err == nil && slices.Contains([]string{"http", "https", "socks5", "socks5h"}, u.Scheme) && u.Hostname() != "" && isPort(u.Port())
}

// isPort reports whether this is a port, or empty.
func isPort(port string) bool {
	n, err := strconv.ParseUint(port, 10, 16)
	return port == "" || err == nil && n > 0
}

// isPublicCloud reports whether a host is one of Feishu's or Lark's own.
func isPublicCloud(host string) bool {
	for _, domain := range []string{"feishu.cn", "larksuite.com"} {
		if host == domain || strings.HasSuffix(host, "."+domain) {
			return true
		}
	}
	return false
}

// plainHost is a host without differences that do not matter: case, and a trailing dot.
func plainHost(host string) string { return strings.ToLower(strings.TrimSuffix(host, ".")) }

// IsLoopback reports whether a host is this machine, by name or address.
func IsLoopback(host string) bool {
	host = plainHost(host)
	return host == "localhost" || net.ParseIP(host).IsLoopback()
}
