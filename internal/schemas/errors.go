package schemas

import (
	"errors"
	"fmt"

	"github.com/moldau-io/moldau/converters/registry"
)

// Codes of registries' errors.
const (
	noSubject = 40401
	noVersion = 40402
	noSchema  = 40403
)

// code is the registry's own code of an error, or 0.
func code(err error) int {
	var refused *registry.Error
	if errors.As(err, &refused) {
		return refused.Code
	}
	return 0
}

// explain says what was being done when a registry did not answer as it should, and what
// helps.
func explain(err error, doing string) error {
	if err == nil {
		return nil
	}
	var refused *registry.Error
	if !errors.As(err, &refused) {
		return fmt.Errorf("%s: the registry cannot be reached: %w; check --url or %s, and that the registry runs", doing, err, urlKey)
	}
	cure := ""
	switch {
	case refused.Status == 401:
		cure = "; log in with --set basic.auth.credentials.source=USER_INFO --set basic.auth.user.info=USER:PASSWORD, or with bearer.auth.credentials.source and bearer.auth.token"
	case refused.Status == 403:
		cure = "; check user and password or token, and that the user may do this"
	case refused.Code == noSubject:
		cure = "; 'moldau registry subjects' lists those that are there"
	case refused.Code == noVersion:
		cure = "; 'moldau registry subjects' lists the versions that are there"
	case refused.Status == 404:
		cure = "; check that --url or " + urlKey + " is the registry's address, with the path before its API if it has one"
	case refused.Status == 422:
		cure = "; the registry takes the schema, a reference or the version for wrong"
	}
	return fmt.Errorf("%s: %w%s", doing, err, cure)
}
