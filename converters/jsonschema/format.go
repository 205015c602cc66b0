package jsonschema

import (
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/moldau-io/moldau/connect/javaregex"
)

// format is a check of strings and what they are called. Formats that are not here
// are not checked.
type format struct {
	what string
	ok   func(string) bool
}

var (
	dateTime = regexp.MustCompile(`^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T(([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,9})?|24:00:00(\.0{1,9})?)(Z|[+-](0\d|1[0-8]):[0-5]\d)$`)
	local    = regexp.MustCompile(`^([^\s\x00-\x1f\x7f()<>@,;:\\".\[\]]+(\.[^\s\x00-\x1f\x7f()<>@,;:\\".\[\]]+)*|"[^"]*")$`)
	label    = regexp.MustCompile(`^[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?$`)
	top      = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9-]*[a-zA-Z0-9]$`)
	pointer  = regexp.MustCompile(`^(/([^~/]|~[01])*)*$`)
	relative = regexp.MustCompile(`^(0|[1-9]\d*)(#|(/([^~/]|~[01])*)*)$`)
)

// Never written after package initialisation.
var formats = map[string]format{
	"date-time": {"date-time", dateTime.MatchString},
	"date":      {"date", func(s string) bool { return parses(time.DateOnly, s) }},
	"time": {"time", func(s string) bool {
		return parses("15:04:05Z07:00", s)
	}},
	"email": {"email address", func(s string) bool {
		at := strings.LastIndexByte(s, '@')
		return at > 0 && local.MatchString(s[:at]) && (address(s[at+1:]) || strings.Contains(s[at+1:], ".") && domain(s[at+1:]))
	}},
	"hostname": {"hostname", domain},
	"ipv4": {"ipv4 address", func(s string) bool {
		a, err := netip.ParseAddr(s)
		return err == nil && a.Is4()
	}},
	"ipv6": {"ipv6 address", func(s string) bool {
		a, err := netip.ParseAddr(s)
		return err == nil && a.Is6()
	}},
	"uri": {"URI", func(s string) bool {
		u, err := url.Parse(s)
		return err == nil && u.IsAbs() && !strings.ContainsAny(s, notInURI)
	}},
	"uri-reference": {"URI reference", func(s string) bool {
		_, err := url.Parse(s)
		return err == nil && !strings.ContainsAny(s, notInURI)
	}},
	"uri-template": {"URI template", func(s string) bool {
		open := false
		for _, c := range s {
			if c == '{' && open || c == '}' && !open {
				return false
			}
			open = c == '{' || open && c != '}'
		}
		return !open
	}},
	"regex": {"regular expression", func(s string) bool {
		_, err := javaregex.Compile(s)
		return err == nil
	}},
	"json-pointer":          {"JSON pointer", pointer.MatchString},
	"relative-json-pointer": {"relative JSON Pointer", relative.MatchString},
}

// notInURI are characters that java.net.URI refuses.
const notInURI = " \t\r\n\"<>\\^`{|}"

// address says whether a mail's host is a number in brackets.
func address(s string) bool {
	if len(s) < 2 || s[0] != '[' || s[len(s)-1] != ']' {
		return false
	}
	_, err := netip.ParseAddr(strings.TrimPrefix(s[1:len(s)-1], "IPv6:"))
	return err == nil
}

// domain says whether a name could be one: whether its top level exists is not looked up.
func domain(s string) bool {
	labels := strings.Split(s, ".")
	for _, l := range labels {
		if !label.MatchString(l) {
			return false
		}
	}
	return len(labels) == 1 || top.MatchString(labels[len(labels)-1])
}

func parses(layout, s string) bool {
	_, err := time.Parse(layout, s)
	return err == nil
}
