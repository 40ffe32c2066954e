// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package openapi

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"strings"
)

// networkAdvice returns what to do about a call that got no answer, as far as the error shows it. Empty if
// waiting is enough.
func networkAdvice(err error) string {
	var (
		dns       *net.DNSError
		op        *net.OpError
		authority x509.UnknownAuthorityError
		host      x509.HostnameError
		record    tls.RecordHeaderError
		timeout   interface{ Timeout() bool }
	)
	switch {
	// net/http has no type for a proxy that refuses to connect: its error is the text of the status line.
	case strings.HasSuffix(err.Error(), http.StatusText(http.StatusProxyAuthRequired)):
		return "the proxy asks for a credential: check proxy_url, or HTTPS_PROXY in the environment"
	case errors.As(err, &op) && op.Op == "proxyconnect":
		return "the proxy cannot be reached: check proxy_url, or HTTPS_PROXY in the environment"
	case errors.As(err, &dns):
		return "this name is not known here: check the spelling of endpoint, the DNS of this machine, and whether it needs a proxy (proxy_url)"
	case errors.As(err, &authority):
		return "the certificate is signed by an authority that this machine does not know, as with a proxy that looks into TLS: put its certificate into tls::ca_file"
	case errors.As(err, &host):
		return "the certificate is for another host: check endpoint"
	case errors.Is(err, http.ErrSchemeMismatch), errors.As(err, &record) && string(record.RecordHeader[:]) == "HTTP/":
		return "the other side does not speak TLS: check endpoint and proxy_url"
	case errors.As(err, &timeout) && timeout.Timeout(), errors.As(err, &op) && op.Op == "dial":
		return "check that this machine may connect to endpoint (firewall; port 443 if it names none), or needs a proxy (proxy_url)"
	}
	return ""
}
