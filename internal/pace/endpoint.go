// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package pace

import (
	"net"
	"net/netip"
	"net/url"
	"path"
	"strings"
)

// CanonicalEndpoint returns one spelling for equal base URLs: scheme and host in lower case, without the
// scheme's default port, a trailing dot of the host, and unnecessary slashes and dots in the path. A text that
// is not a URL is returned unchanged.
func CanonicalEndpoint(endpoint string) string {
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" {
		return endpoint
	}
	u.Scheme = strings.ToLower(u.Scheme)
	host, port := strings.TrimSuffix(strings.ToLower(u.Hostname()), "."), strings.TrimLeft(u.Port(), "0")
	if address, err := netip.ParseAddr(host); err == nil {
		host = address.Unmap().String()
	}
	switch {
	case port == "", u.Scheme == "https" && port == "443", u.Scheme == "http" && port == "80":
		if u.Host = host; strings.Contains(host, ":") {
			u.Host = "[" + host + "]"
		}
	default:
		u.Host = net.JoinHostPort(host, port)
	}
	if u.Path = path.Clean("/" + u.Path); u.Path == "/" {
		u.Path = ""
	}
	u.RawPath = ""
	return u.String()
}
