package json

import (
	"encoding/base64"
	"strings"

	"github.com/moldau-io/moldau/connect/errs"
)

// decodeBase64 reads base64 as Jackson's MIME variant does: white space is allowed
// between groups of four alone, padding is a must, and text may go on after it.
func decodeBase64(s string) ([]byte, error) {
	if !strings.ContainsAny(s, "\r\n") {
		// Without line ends, which Go allows anywhere, what Go takes Jackson takes too.
		if b, err := base64.StdEncoding.DecodeString(s); err == nil {
			return b, nil
		}
	}
	out := make([]byte, 0, len(s)*3/4)
	for i := 0; i < len(s); {
		if s[i] <= ' ' {
			i++
			continue
		}
		group := s[i:min(len(s), i+4)]
		i += len(group)
		bits, pad := uint32(0), 0
		for n := range len(group) {
			c := group[n]
			v := base64Value(c)
			switch {
			case v >= 0 && pad == 0:
				bits = bits<<6 | uint32(v)
			case c == '=' && n >= 2:
				pad++
			default:
				return nil, invalidBase64(group, n, s)
			}
		}
		if len(group) < 4 {
			return nil, invalidFormat("Unexpected end of base64-encoded String: base64 variant 'MIME-NO-LINEFEEDS' expects padding (one or more '=' characters) at the end", s)
		}
		bits <<= 6 * pad
		out = append(out, byte(bits>>16), byte(bits>>8), byte(bits))
		out = out[:len(out)-pad]
	}
	return out, nil
}

func base64Value(c byte) int {
	switch {
	case c >= 'A' && c <= 'Z':
		return int(c - 'A')
	case c >= 'a' && c <= 'z':
		return int(c-'a') + 26
	case c >= '0' && c <= '9':
		return int(c-'0') + 52
	case c == '+':
		return 62
	case c == '/':
		return 63
	}
	return -1
}

func invalidBase64(group string, n int, s string) error {
	c := rune(group[n])
	switch {
	case c <= ' ':
		return invalidFormat("Illegal white space character (code 0x%x) as character #%d of 4-char base64 unit: can only used between units", s, c, n+1)
	case c == '=':
		return invalidFormat("Unexpected padding character ('=') as character #%d of 4-char base64 unit: padding only legal as 3rd or 4th character", s, n+1)
	}
	return invalidFormat("Illegal character %s in base64 content", s, charText(c))
}

func invalidFormat(format, s string, args ...any) error {
	why := errs.New("", format, args...).Message
	return errs.New("com.fasterxml.jackson.databind.exc.InvalidFormatException",
		"Cannot access contents of TextNode as binary due to broken Base64 encoding: %s", why)
}

// DecodeBase64 reads base64 as Jackson's JsonNode.binaryValue does.
func DecodeBase64(s string) ([]byte, error) { return decodeBase64(s) }
