package api

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/moldau-io/moldau/runtime/settings"
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

// ResponseHeaders puts the headers of response.http.headers.config on every answer.
func ResponseHeaders(rules []settings.HeaderRule, next http.Handler) http.Handler {
	if len(rules) == 0 {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, rule := range rules {
			value := rule.Value
			if strings.HasSuffix(rule.Action, "Date") {
				// A value that is no number was refused when the settings were read.
				ms, err := strconv.ParseInt(value, 10, 64)
				if err != nil {
					continue
				}
				value = time.Now().Add(time.Duration(ms) * time.Millisecond).UTC().Format(http.TimeFormat)
			}
			if strings.HasPrefix(rule.Action, "add") {
				w.Header().Add(rule.Name, value)
			} else {
				w.Header().Set(rule.Name, value)
			}
		}
		next.ServeHTTP(w, r)
	})
}
