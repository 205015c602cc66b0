package api

import (
	"net/http"
	"strings"
	"time"
)

// CORS answers cross-origin requests as access.control.allow.origin and .methods
// say; without an origin it changes nothing.
func CORS(origin, methods string, next http.Handler) http.Handler {
	if origin == "" {
		return next
	}
	if methods == "" {
		methods = "GET,POST,HEAD"
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		from := r.Header.Get("Origin")
		if from == "" || !allowsOrigin(origin, from) {
			next.ServeHTTP(w, r)
			return
		}
		h := w.Header()
		h.Set("Access-Control-Allow-Origin", from)
		h.Add("Vary", "Origin")
		if r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != "" {
			h.Set("Access-Control-Allow-Methods", methods)
			h.Set("Access-Control-Allow-Headers", "X-Requested-With,Content-Type,Accept,Origin")
			h.Set("Access-Control-Max-Age", "1800")
			w.WriteHeader(http.StatusOK)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func allowsOrigin(allowed, origin string) bool {
	for _, a := range strings.Split(allowed, ",") {
		if a = strings.TrimSpace(a); a == "*" || strings.EqualFold(a, origin) {
			return true
		}
	}
	return false
}

// headerRule is one rule of response.http.headers.config.
type headerRule struct {
	add, date   bool
	name, value string
}

// ResponseHeaders adds the headers of response.http.headers.config: a list of
// quoted or plain "action name: value", with the actions set, add, setDate, addDate.
func ResponseHeaders(rules string, next http.Handler) http.Handler {
	parsed := parseHeaderRules(rules)
	if len(parsed) == 0 {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, rule := range parsed {
			value := rule.value
			if rule.date {
				value = time.Now().UTC().Format(http.TimeFormat)
			}
			if rule.add {
				w.Header().Add(rule.name, value)
			} else {
				w.Header().Set(rule.name, value)
			}
		}
		next.ServeHTTP(w, r)
	})
}

func parseHeaderRules(rules string) []headerRule {
	var out []headerRule
	for _, text := range splitQuoted(rules) {
		action, header, ok := strings.Cut(strings.TrimSpace(text), " ")
		name, value, named := strings.Cut(header, ":")
		if !ok || !named {
			continue
		}
		action = strings.ToLower(action)
		out = append(out, headerRule{
			add: strings.HasPrefix(action, "add"), date: strings.HasSuffix(action, "date"),
			name: strings.TrimSpace(name), value: strings.TrimSpace(value),
		})
	}
	return out
}

// splitQuoted splits at commas outside double quotes and takes the quotes away.
func splitQuoted(s string) []string {
	var out []string
	var b strings.Builder
	quoted := false
	for _, c := range s {
		switch {
		case c == '"':
			quoted = !quoted
		case c == ',' && !quoted:
			out = append(out, b.String())
			b.Reset()
		default:
			b.WriteRune(c)
		}
	}
	if b.Len() > 0 {
		out = append(out, b.String())
	}
	return out
}
