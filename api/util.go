package api

import (
	"errors"
	"maps"
	"net/http"
	"slices"
)

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func asMaxBytes(err error, target **http.MaxBytesError) bool { return errors.As(err, target) }
