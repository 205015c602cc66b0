package avro

import (
	"errors"
	"strconv"
	"strings"

	"github.com/moldau-io/moldau/connect/errs"
)

// placeError is an error with the place in a value that it is about.
type placeError struct {
	error
	place string
}

func (e *placeError) Unwrap() error { return e.error }

// in says in which field, or with an index in which element, an error happened.
func in(step string, err error) error {
	var e *placeError
	if !errors.As(err, &e) {
		return &placeError{err, step}
	}
	e.place = joined(step, e.place)
	return err
}

// maxPlace bounds the text of a place, which may be as deep as the value.
const maxPlace = 200

func joined(step, place string) string {
	switch {
	case len(place) > maxPlace:
		return place
	case place == "" || strings.HasPrefix(place, "["):
		return step + place
	}
	return step + "." + place
}

func element(i int) string { return "[" + strconv.Itoa(i) + "]" }

// placed takes the place off an error and puts it into the hint, with what else is known
// of where the error happened.
func placed(err error, where string) error {
	var p *placeError
	if errors.As(err, &p) {
		if where = "at " + p.place + where; p == err {
			err = p.error
		}
	}
	return hinted(err, where)
}

func hinted(err error, where string) error {
	var e *errs.Error
	if where == "" || !errors.As(err, &e) {
		return err
	}
	if e.Hint != "" {
		where += "; " + e.Hint
	}
	return e.WithHint("%s", where)
}
