package settings

import (
	"slices"
	"strings"
	"unicode"

	cd "github.com/moldau-io/moldau/connect/configdef"
	"github.com/moldau-io/moldau/connect/errs"
)

// restKeys are the settings of the REST server (RestServerConfig.addPublicConfig).
func restKeys() []cd.Key {
	const urls = "List of comma-separated URLs, ex: http://localhost:8080,https://localhost:8443."
	return []cd.Key{
		cd.Optional("listeners", cd.List, []string{"http://:8083"}, cd.Low, "Where the REST API listens, as http://host:port or https://host:port; 0.0.0.0 is every interface.").
			WithValidator(cd.LambdaValidator(checkListeners, urls)),
		cd.Optional("rest.advertised.host.name", cd.String, nil, cd.Low, "The host other workers reach this one at."),
		cd.Optional("rest.advertised.port", cd.Int, nil, cd.Low, "The port other workers reach this one at."),
		cd.Optional("rest.advertised.listener", cd.String, nil, cd.Low, "Whether other workers use http or https."),
		cd.Optional("access.control.allow.origin", cd.String, "", cd.Low, "The origin web pages may call the API from; * for any."),
		cd.Optional("access.control.allow.methods", cd.String, "", cd.Low, "The methods web pages of other origins may call; GET, POST and HEAD if empty."),
		cd.Optional("response.http.headers.config", cd.String, "", cd.Low, "Headers to put on every answer of the API.").
			WithValidator(cd.LambdaValidator(checkHeaderRules, "Comma-separated header rules, where each header rule is of the form "+
				"'[action] [header name]:[header value]' and optionally surrounded by double quotes if any part of a header rule contains a comma")),
		cd.Optional("ssl.client.auth", cd.String, "none", cd.Low, "Whether clients of the API must have a certificate: required, requested or none.").
			WithValidator(cd.ValidString("required", "requested", "none")),
		cd.Optional("rest.extension.classes", cd.List, "", cd.Low, "Extensions of the API. Known is org.apache.kafka.connect.rest.basic.auth.extension.BasicAuthSecurityRestExtension."),
		cd.Optional("admin.listeners", cd.List, nil, cd.Low, "Where the admin part of the API listens; with the rest of it if not set, nowhere if empty.").
			WithValidator(cd.LambdaValidator(checkAdminListeners, urls)),
	}
}

func checkListeners(_ string, value any) error {
	list, ok := value.([]string)
	if !ok {
		return errs.Config("Invalid value type for listeners (expected list of URLs , ex: http://localhost:8080,https://localhost:8443).")
	}
	if len(list) == 0 {
		return errs.Config("Invalid value for listeners, at least one URL is expected, ex: http://localhost:8080,https://localhost:8443.")
	}
	if slices.ContainsFunc(list, isBlankText) {
		return errs.Config("Empty URL found when parsing listeners list.")
	}
	return nil
}

func checkAdminListeners(_ string, value any) error {
	if value == nil {
		return nil
	}
	list, ok := value.([]string)
	if !ok {
		return errs.Config("Invalid value type for admin.listeners (expected list).")
	}
	if slices.ContainsFunc(list, isBlankText) {
		return errs.Config("Empty URL found when parsing admin.listeners list.")
	}
	return nil
}

// isBlankText is Kafka's Utils.isBlank of a text that is not null.
func isBlankText(s string) bool { return cd.Trim(s) == "" }

func checkHeaderRules(_ string, value any) error {
	text, _ := value.(string)
	_, err := parseHeaderRules(text)
	return err
}

// HeaderRule is one entry of response.http.headers.config (KIP-577).
type HeaderRule struct {
	// Action is set, add, setDate or addDate, in this spelling. A date's Value is the
	// distance from now in milliseconds.
	Action, Name, Value string
}

func parseHeaderRules(text string) ([]HeaderRule, error) {
	if isBlankText(text) {
		return nil, nil
	}
	var rules []HeaderRule
	for _, entry := range splitQuoted(text) {
		rule, err := parseHeaderRule(entry)
		if err != nil {
			return nil, err
		}
		rules = append(rules, rule)
	}
	return rules, nil
}

func parseHeaderRule(text string) (HeaderRule, error) {
	actions := []string{"set", "add", "setDate", "addDate"}
	given, header, ok := cutBlank(cd.Trim(text))
	if !ok {
		return HeaderRule{}, errs.Config("Invalid format of header config '" + text + "'. Expected: '[action] [header name]:[header value]'")
	}
	i := slices.IndexFunc(actions, func(a string) bool { return strings.EqualFold(a, given) })
	if i < 0 {
		return HeaderRule{}, errs.Config("Invalid header config action: '" + given + "'. Expected one of [" + strings.Join(actions, ", ") + "]")
	}
	// Java's split drops empty parts at the end, so "a:" has one part and "a:b:" two.
	parts := strings.Split(strings.TrimRight(cd.Trim(header), ":"), ":")
	if len(parts) != 2 {
		return HeaderRule{}, errs.Config("Invalid format of header name and header value pair '" + header + "'. Expected: '[header name]:[header value]'")
	}
	name := cd.Trim(parts[0])
	if name == "" || strings.ContainsAny(name, javaBlanks) {
		return HeaderRule{}, errs.Config("Invalid header name '" + name + "'. The '[header name]' cannot contain whitespace")
	}
	return HeaderRule{actions[i], name, cd.Trim(parts[1])}, nil
}

// javaBlanks are the characters of Java's \s.
const javaBlanks = " \t\n\v\f\r"

func cutBlank(s string) (before, after string, found bool) {
	i := strings.IndexAny(s, javaBlanks)
	if i < 0 {
		return s, "", false
	}
	return s[:i], strings.TrimLeft(s[i:], javaBlanks), true
}

// splitQuoted splits at commas that are not within double quotes, without the
// blanks around a part and without what follows a closing quote. An empty part at
// the end is dropped (org.eclipse.jetty.util.StringUtil.csvSplit).
func splitQuoted(s string) []string {
	var parts []string
	for {
		s = strings.TrimLeftFunc(s, unicode.IsSpace)
		if s == "" {
			return parts
		}
		var part string
		if s[0] == '"' {
			part, s = cutQuoted(s[1:])
			_, s, _ = strings.Cut(s, ",")
		} else {
			part, s, _ = strings.Cut(s, ",")
			part = strings.TrimRightFunc(part, unicode.IsSpace)
		}
		parts = append(parts, part)
	}
}

// cutQuoted reads up to the closing quote; a backslash takes the next character
// as it is.
func cutQuoted(s string) (part, rest string) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '"':
			return b.String(), s[i+1:]
		case s[i] == '\\' && i+1 < len(s):
			i++
			b.WriteByte(s[i])
		case s[i] != '\\':
			b.WriteByte(s[i])
		}
	}
	return b.String(), ""
}
