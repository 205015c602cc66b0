package api

import (
	_ "embed"
	"encoding/json"
	"net/http"
)

// openAPI describes every route of the API; a test holds it against the router.
//
//go:embed openapi.json
var openAPI []byte

func (a *API) openAPI(*http.Request) (int, any, error) {
	return http.StatusOK, json.RawMessage(openAPI), nil
}
