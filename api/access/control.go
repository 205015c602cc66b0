package access

import (
	"encoding/base64"
	"strings"
)

// Checker knows users' passwords. Check is safe for concurrent use.
type Checker interface {
	Check(user, password string) bool
}

// Control decides who may do what. A nil *Control lets everybody do everything.
type Control struct {
	// Users are asked in turn; one that accepts is enough. There is at least one.
	Users []Checker
	Roles *Roles
	// Challenge says whether refused clients are told how to log in, which Connect's
	// extension does not.
	Challenge bool
	// Admin says whether admin.listeners ask for users, which Connect's do not.
	Admin bool
}

// User returns the user of an Authorization header, and whether the password is
// right.
func (c *Control) User(authorization string) (string, bool) {
	user, password, ok := basic(authorization)
	if !ok {
		return "", false
	}
	for _, u := range c.Users {
		if u.Check(user, password) {
			return user, true
		}
	}
	return user, false
}

func basic(header string) (user, password string, ok bool) {
	scheme, rest, ok := strings.Cut(header, " ")
	if !ok || !strings.EqualFold(scheme, "Basic") {
		return "", "", false
	}
	text, err := base64.StdEncoding.DecodeString(rest)
	if err != nil {
		// Java's decoder takes texts without padding.
		if text, err = base64.RawStdEncoding.DecodeString(rest); err != nil {
			return "", "", false
		}
	}
	user, password, ok = strings.Cut(string(text), ":")
	return user, password, ok && user != ""
}
